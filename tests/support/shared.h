// The data that tests share but the repository does not hold (HEADLIGHT_SHARED).
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

namespace headlight::testing {

/// HEADLIGHT_SHARED, or ../shared beside the repository.
std::filesystem::path shared_folder();
/// A path inside it; empty when the shared data is absent.
std::filesystem::path shared_path(const std::filesystem::path& inside);
/// An empty folder of this test's own, removed and made anew.
std::filesystem::path scratch_folder();

}  // namespace headlight::testing

/// Sets `var` to the shared path, or skips the test with a printed reason.
#define HEADLIGHT_SHARED_OR_SKIP(var, inside)               \
  const auto var = headlight::testing::shared_path(inside); \
  if (var.empty()) GTEST_SKIP() << "shared data absent: " << inside << " (set HEADLIGHT_SHARED)"
