// The model that the program comes with: it loads from memory, and on sentences that people use to
// explain attention its heads look where its measured abilities say they do.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "app/loaded_model.h"
#include "app/model_records.h"
#include "inspect/trace.h"
#include "train/measure_abilities.h"

namespace headlight::app {
namespace {

struct Link {
  std::string_view relation, from, to;
};

class BuiltInModel : public ::testing::Test {
 protected:
  static const LoadedModel& model() {
    static const LoadedModel loaded = load_model(built_in_model());
    return loaded;
  }
  static const Abilities& abilities() {
    static const Abilities read = read_abilities(model().info).value();
    return read;
  }

  /// Heads, layer * n_heads + head, whose strongest target is the related word in at least half of
  /// the labelled pairs.
  static std::vector<std::size_t> heads_for(std::string_view language, std::string_view relation) {
    std::vector<std::size_t> heads;
    for (const RelationAbility& each : abilities().relations)
      if (each.language == language && each.relation == relation)
        for (std::size_t head = 0; head < each.looks.size(); ++head)
          if (each.look_share(head) >= 0.5) heads.push_back(head);
    return heads;
  }

  /// The word at the strongest target of `from` in a head.
  static std::string strongest(const Trace& trace, std::size_t head, std::string_view from) {
    const auto word = [&](const Token& token) {
      return trace.text.substr(token.begin, token.end - token.begin);
    };
    const auto query = std::ranges::find_if(
        trace.tokens, [&](const Token& token) { return !token.special && word(token) == from; });
    if (query == trace.tokens.end()) return "(absent)";
    const auto at = query - trace.tokens.begin(), number = static_cast<std::ptrdiff_t>(head);
    const std::int64_t n_heads = trace.config.n_heads;
    const Tensor row = pattern_rows(trace, number / n_heads, number % n_heads, at, at + 1);
    const auto weights = row.span<float>();
    const auto best = std::ranges::max_element(weights) - weights.begin();
    return word(trace.tokens[static_cast<std::size_t>(best)]);
  }

  static Trace run(const std::string& text) {
    return record_trace(model().transformer, model().tokenizer->encode(text), text);
  }

  /// Every link is what some head looks along, from either end: an encoder may put what belongs
  /// together at one word or at the other. For coreference, from the pronoun, by a head that the
  /// abilities name.
  static void expect_links(std::string_view language, const std::string& text,
                           const std::vector<Link>& links) {
    const Trace trace = run(text);
    std::vector<std::size_t> all(
        static_cast<std::size_t>(abilities().n_layers * abilities().n_heads));
    std::iota(all.begin(), all.end(), std::size_t{0});
    for (const auto& [relation, from, to] : links) {
      const bool named = relation == "coreference";
      bool found = false;
      for (const std::size_t head : named ? heads_for(language, relation) : all)
        found |=
            strongest(trace, head, from) == to || (!named && strongest(trace, head, to) == from);
      EXPECT_TRUE(found) << text << ' ' << relation << ' ' << from << " -> " << to;
    }
  }
};

TEST_F(BuiltInModel, IsAMaskedEncoderOfFourTimesEightHeads) {
  const ModelInfo& info = model().info;
  EXPECT_EQ(info.name, "lumen");
  EXPECT_EQ(info.config.n_layers, 4);
  EXPECT_EQ(info.config.n_heads, 8);
  EXPECT_TRUE(info.config.mlm_head);
  EXPECT_EQ(info.tokenizer, "WordPiece");
  EXPECT_EQ(info.folder.path(), "built-in:lumen");
  EXPECT_EQ(survey_model(built_in_model()).n_parameters, model().transformer.n_parameters());
  EXPECT_EQ(resolve_model("").name, "lumen");
  EXPECT_TRUE(resolve_model("lumen").folder.embedded());
  EXPECT_TRUE(resolve_model("built-in:lumen").folder.embedded());
}

TEST_F(BuiltInModel, TakesAnyText) {
  for (const char* text : {"Schrödinger's ☂ £ wörds", "日本語と한국어", "it", "…", "x1y2z3"})
    EXPECT_GT(run(text).length(), 2) << text;
}

TEST_F(BuiltInModel, LooksFromATiredItAtTheAnimalAndFromAWideItAtTheStreet) {
  const Trace tired = run("The animal didn't cross the street because it was too tired.");
  const Trace wide = run("The animal didn't cross the street because it was too wide.");
  bool swaps = false;
  for (const std::size_t head : heads_for("en", "coreference"))
    swaps |= strongest(tired, head, "it") == "animal" && strongest(wide, head, "it") == "street";
  EXPECT_TRUE(swaps) << "no head named for coreference looks at both referents";
  expect_links("en", tired.text,
               {{"subject-verb", "cross", "animal"}, {"verb-object", "cross", "street"}});
}

TEST_F(BuiltInModel, SeesTheLinksOfTheRobotAndItsBrick) {
  expect_links("zh", "机器人拿起红色的积木，因为它很轻。",
               {{"coreference", "它", "积木"},
                {"attribute", "红色", "积木"},
                {"subject-verb", "拿起", "机器人"},
                {"verb-object", "拿起", "积木"}});
}

TEST_F(BuiltInModel, SeesTheHorseThatWasTired) {
  expect_links("en", "The horse crossed the road because it was tired.",
               {{"coreference", "it", "horse"},
                {"attribute", "tired", "it"},
                {"subject-verb", "crossed", "horse"},
                {"verb-object", "crossed", "road"}});
}

TEST_F(BuiltInModel, SeesTheCatThatSatOnTheMat) {
  expect_links("en", "The black cat sat on the mat.",
               {{"subject-verb", "sat", "cat"},
                {"attribute", "black", "cat"},
                {"verb-place", "sat", "mat"}});
}

/// abilities.json is of this model, and of nothing else: asked again about some of the sentences,
/// the model answers as the file's shares say.
TEST_F(BuiltInModel, ItsAbilitiesCanBeMeasuredAgain) {
  const Abilities again =
      measure_abilities(model().transformer, *model().tokenizer,
                        {.sentences = 200, .seed = abilities().seed, .removals = false});
  std::map<std::pair<std::string, std::string>, const RelationAbility*> filed;
  for (const RelationAbility& each : abilities().relations)
    filed[{each.language, each.relation}] = &each;
  for (const RelationAbility& each : again.relations) {
    const auto found = filed.find({each.language, each.relation});
    ASSERT_NE(found, filed.end()) << each.relation;
    if (each.asked > 0) {
      const Interval interval = wilson_interval(each.right, each.asked);
      EXPECT_GE(found->second->accuracy(), interval.low - 0.05) << each.relation;
      EXPECT_LE(found->second->accuracy(), interval.high + 0.05) << each.relation;
    }
    if (each.pairs < 20) continue;
    const std::size_t head = found->second->best_head();
    EXPECT_NEAR(each.look_share(head), found->second->look_share(head), 0.25) << each.relation;
  }
}

}  // namespace
}  // namespace headlight::app
