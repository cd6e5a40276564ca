// Every damaged model is refused by the library with one Error that names file and cause.
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "damage.h"
#include "model/tokenizer.h"
#include "model/transformer.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;

/// What a program does with a model folder: loads all of it, and encodes a text.
void use(const fs::path& folder) {
  Transformer::load(folder);
  if (const auto tokenizer = load_tokenizer(folder)) tokenizer->encode("b a");
}

class DamagedLoad : public ::testing::TestWithParam<DamagedModel> {};

TEST_P(DamagedLoad, IsRefusedByName) {
  const DamagedModel& model = GetParam();
  if (model.name.ends_with("CannotBeRead") && ::geteuid() == 0)
    GTEST_SKIP() << "root reads files whatever their permissions";
  const fs::path folder = scratch_folder() / "model";
  write_sound_model(model.base, folder);
  model.damage(folder);
  const fs::path named = model.file.empty() ? folder : folder / model.file;
  expect_error([&] { use(folder); }, {named.string(), model.cause});
}

std::string test_name(const ::testing::TestParamInfo<DamagedModel>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(All, DamagedLoad, ::testing::ValuesIn(damaged_models()), test_name);

// The cases prove nothing unless the models that they damage load.
TEST(SoundModels, Load) {
  for (const Family family : {Family::gpt2, Family::llama, Family::bert}) {
    const fs::path folder = scratch_folder();
    write_sound_model(family, folder);
    const Transformer model = Transformer::load(folder);
    EXPECT_EQ(model.config().family, family);
    EXPECT_EQ(model.forward(std::vector<std::int64_t>{0, 1}).last_hidden.dim(0), 2);
  }
}

}  // namespace
}  // namespace headlight::testing
