// Inputs that once broke a parser, and the shapes of damage that seed a fuzzing run, replayed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/mapped_file.h"
#include "targets.h"

namespace headlight::fuzz {
namespace {

namespace fs = std::filesystem;

fs::path past_folder(std::string_view target) {
  const char* source = std::getenv("HEADLIGHT_SOURCE");
  return fs::path(source ? source : ".") / "fuzz" / "past" / target;
}

class FuzzPast : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzPast, EndsInAResultOrAnError) {
  std::size_t n = 0;
  for (const auto& entry : fs::directory_iterator(past_folder(GetParam().name))) {
    SCOPED_TRACE(entry.path().string());
    const MappedFile file(entry.path());
    run_target(GetParam(), file.bytes());
    ++n;
  }
  EXPECT_GT(n, 0u) << "no inputs in " << past_folder(GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(All, FuzzPast, ::testing::ValuesIn(kTargets),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace headlight::fuzz
