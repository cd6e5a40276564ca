#include "support/shared.h"

#include <cstdlib>

namespace headlight::testing {
namespace fs = std::filesystem;

fs::path shared_folder() {
  if (const char* env = std::getenv("HEADLIGHT_SHARED")) return env;
  const char* source = std::getenv("HEADLIGHT_SOURCE");
  return fs::path(source ? source : ".") / ".." / "shared";
}

fs::path shared_path(const fs::path& inside) {
  const fs::path path = shared_folder() / inside;
  std::error_code ignored;
  return fs::exists(path, ignored) ? path : fs::path();
}

fs::path scratch_folder() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const fs::path path =
      fs::temp_directory_path() / "headlight-tests" / info->test_suite_name() / info->name();
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

}  // namespace headlight::testing
