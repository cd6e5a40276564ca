#include "app/model_records.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/lab.h"
#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight::app {
namespace {

/// A model of two layers and three heads, with records as a test writes them.
class ModelRecords : public ::testing::Test {
 protected:
  ModelRecords() : folder_(testing::scratch_folder()) {
    write_model(testing::tiny_bert(), folder_);
  }
  ~ModelRecords() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / file) << text;
  }
  ModelInfo info() const { return survey_model({"tiny", folder_}); }

  /// Head 1.2 looks at the referent and is needed.
  static Abilities abilities() {
    Abilities out{.n_layers = 2, .n_heads = 3};
    RelationAbility each{.language = "en", .relation = "coreference"};
    each.asked = each.right = 100;
    each.pairs = 50;
    each.looks = {0, 1, 2, 3, 4, 45};
    for (auto& by_head : each.without) {
      by_head.assign(6, {100, 0});
      by_head.back() = {40, 60};
    }
    out.relations.push_back(std::move(each));
    return out;
  }

  std::filesystem::path folder_;
};

TEST_F(ModelRecords, AFolderWithoutThemHasNone) {
  EXPECT_FALSE(read_abilities(info()));
  EXPECT_FALSE(read_emergence(info()));
  EXPECT_TRUE(read_roles(info()).empty());
  EXPECT_TRUE(records_of(info()).empty());
}

TEST_F(ModelRecords, AbilitiesBelongToTheModel) {
  write("abilities.json", to_json(abilities()).dump());
  EXPECT_EQ(records_of(info()), std::vector<std::string_view>{"abilities"});
  const auto roles = read_roles(info());
  ASSERT_EQ(roles.size(), 1u);
  EXPECT_EQ(roles[0].layer, 1);
  EXPECT_EQ(roles[0].head, 2);
  const Json json = json_roles(roles);
  EXPECT_EQ(json[0]["looks"], 0.9);
  EXPECT_EQ(json[0]["cost"], 0.6);
  EXPECT_EQ(json[0]["text"], text_of(roles[0]));
  Abilities of_another = abilities();
  of_another.n_layers = 3;
  of_another.n_heads = 2;
  write("abilities.json", to_json(of_another).dump());
  testing::expect_error([&] { read_abilities(info()); },
                        {"abilities.json", "3 layers x 2", "2 x 3"});
  write("abilities.json", "{");
  testing::expect_error([&] { read_abilities(info()); }, {"abilities.json"});
}

TEST_F(ModelRecords, SnapshotsComeInOrder) {
  write("emergence.jsonl", "{\"step\": 1, \"a\": 2}\n{\"step\": 5}\n");
  const auto snapshots = read_emergence(info());
  ASSERT_TRUE(snapshots);
  EXPECT_EQ(*snapshots, Json::parse(R"([{"step": 1, "a": 2}, {"step": 5}])"));
  write("emergence.jsonl", "{\"step\": 5}\n{\"step\": 5}\n");
  testing::expect_error([&] { read_emergence(info()); }, {"line 2", "step 5"});
  write("emergence.jsonl", "{\"step\": 5}\n{\"stop\": 6}\n");
  testing::expect_error([&] { read_emergence(info()); }, {"line 2", "step"});
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "{\"step\": " + std::to_string(i) + "}\n";
  write("emergence.jsonl", many);
  testing::expect_error([&] { read_emergence(info()); }, {"1000 lines"});
}

TEST_F(ModelRecords, TheLabServesThem) {
  LabOptions options;
  options.default_model = ModelFolder{"tiny", folder_};
  Lab lab(std::move(options));
  const auto get = [&](const std::string& path) {
    return lab.answer({false, "/api/v1/" + path, {}, ""});
  };
  EXPECT_EQ(get("abilities").status, 404);
  EXPECT_EQ(get("emergence").status, 404);
  write("abilities.json", to_json(abilities()).dump());
  write("emergence.jsonl", "{\"step\": 1}\n");
  const Json answer = Json::parse(get("abilities").body);
  EXPECT_EQ(answer["model"], "tiny");
  EXPECT_EQ(answer["relations"], to_json(abilities())["relations"]);
  EXPECT_EQ(answer["roles"][0]["head"], 2);
  EXPECT_EQ(Json::parse(get("emergence").body),
            Json::parse(R"({"model": "tiny", "snapshots": [{"step": 1}]})"));
}

}  // namespace
}  // namespace headlight::app
