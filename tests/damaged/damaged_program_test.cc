// Every damaged model ends the program with exit code 1 and one line that names file and cause.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "damage.h"
#include "support/run_program.h"
#include "support/shared.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;

ProgramResult run_logits(const fs::path& scratch) {
  return run_program({headlight_program(), "logits", "--model", scratch / "model", "--ids", "0,1",
                      "--out", scratch / "out.safetensors"},
                     scratch);
}

/// Exit code 1, one line on standard error that holds both parts, nothing printed and nothing left
/// in `scratch`.
void expect_one_line(const ProgramResult& result, const fs::path& scratch, const std::string& file,
                     const std::string& cause) {
  EXPECT_EQ(result.exit_code, 1) << "signal " << result.signal;
  EXPECT_EQ(result.out, "");
  ASSERT_FALSE(result.err.empty());
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_EQ(result.err.back(), '\n') << result.err;
  for (const std::string& part : {file, cause})
    EXPECT_NE(result.err.find(part), std::string::npos) << "no " << part << " in: " << result.err;
  for (const auto& entry : fs::directory_iterator(scratch))
    EXPECT_FALSE(entry.path().filename().string().starts_with("out.")) << entry.path();
}

class DamagedProgram : public ::testing::TestWithParam<DamagedModel> {};

TEST_P(DamagedProgram, EndsInOneLine) {
  const DamagedModel& model = GetParam();
  if (model.name.ends_with("CannotBeRead") && ::geteuid() == 0)
    GTEST_SKIP() << "root reads files whatever their permissions";
  const fs::path scratch = scratch_folder(), folder = scratch / "model";
  write_sound_model(model.base, folder);
  model.damage(folder);
  const fs::path named = model.file.empty() ? folder : folder / model.file;
  expect_one_line(run_logits(scratch), scratch, named, model.cause);
}

std::string test_name(const ::testing::TestParamInfo<DamagedModel>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(All, DamagedProgram, ::testing::ValuesIn(damaged_models()), test_name);

TEST(DamagedProgramFolder, Missing) {
  const fs::path scratch = scratch_folder();
  expect_one_line(run_logits(scratch), scratch, scratch / "model", "neither a folder nor a model");
}

// A sound tokenizer beside a sound model whose vocabulary is smaller.
TEST(DamagedProgramText, TokenizerOfAnotherModel) {
  const fs::path scratch = scratch_folder(), folder = scratch / "model";
  write_sound_model(Family::gpt2, folder);
  Json vocabulary = {{"a", 0}};
  for (int id = 1; id < 30; ++id) vocabulary[fmt::format("x{}", id)] = id;
  const Json tokenizer = {{"pre_tokenizer", {{"type", "Whitespace"}}},
                          {"model", {{"type", "WordLevel"}, {"vocab", vocabulary}}}};
  write_bytes(folder / "tokenizer.json", tokenizer.dump());
  const ProgramResult result =
      run_program({headlight_program(), "logits", "--model", folder, "--text", "a x29", "--out",
                   scratch / "out.safetensors"},
                  scratch);
  expect_one_line(result, scratch, folder,
                  "\"x29\" has id 29, but the model's vocabulary is [0, 17)");
}

/// A copy of a shared model that may be written to.
void copy_model(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(to))
    fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
}

class DamagedSharedModel : public ::testing::TestWithParam<const char*> {};

TEST_P(DamagedSharedModel, EndsInOneLine) {
  HEADLIGHT_SHARED_OR_SKIP(model, fs::path("models") / GetParam());
  const fs::path scratch = scratch_folder(), weights = scratch / "model/model.safetensors";
  copy_model(model, scratch / "model");
  const std::string bytes = read_bytes(weights);
  // All bits set are NaN in every float format; the last tensor of each file is a float.
  write_bytes(weights, bytes.substr(0, bytes.size() - 4) + "\xff\xff\xff\xff");
  expect_one_line(run_logits(scratch), scratch, weights, "nan at index");
  write_bytes(weights, bytes.substr(0, bytes.size() / 2));
  expect_one_line(run_logits(scratch), scratch, weights, "past the end of the");
  write_bytes(weights, bytes.substr(0, 1000));
  expect_one_line(run_logits(scratch), scratch, weights, "past the end of the file");
}

INSTANTIATE_TEST_SUITE_P(All, DamagedSharedModel,
                         ::testing::Values("gpt2-basic", "nano-sort", "stories260K",
                                           "all-MiniLM-L6-v2"));

// Where the file is cut decides which of the library's own checks speaks; all end in one line.
TEST(DamagedSharedTokenizer, SentencePieceCutOff) {
  HEADLIGHT_SHARED_OR_SKIP(tokenizer, "models/stories15M/tokenizer.model");
  const fs::path scratch = scratch_folder(), folder = scratch / "model";
  write_sound_model(Family::llama, folder);
  const std::string bytes = read_bytes(tokenizer);
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{100}, std::size_t{5000}, bytes.size() / 2, bytes.size() - 1}) {
    SCOPED_TRACE(size);
    write_bytes(folder / "tokenizer.model", std::string_view(bytes).substr(0, size));
    expect_one_line(run_logits(scratch), scratch, folder / "tokenizer.model", "[tokenizer]");
  }
}

// The cases prove nothing unless the models that they damage run.
TEST(SoundModels, Run) {
  for (const Family family : {Family::gpt2, Family::llama, Family::bert}) {
    const fs::path scratch = scratch_folder();
    write_sound_model(family, scratch / "model");
    const ProgramResult result = run_logits(scratch);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_TRUE(fs::exists(scratch / "out.safetensors"));
  }
}

}  // namespace
}  // namespace headlight::testing
