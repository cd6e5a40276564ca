// conformance_onnx DIR...: runs ONNX node tests on Headlight's kernels, a line per case.
// A DIR is a case (it holds model.onnx) or a folder of cases. Exit code 0 when all passed.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <vector>

#include "conformance/onnx_run.h"
#include "core/error.h"

namespace headlight::onnx {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> cases_in(const fs::path& folder) {
  check(fs::is_directory(folder), "onnx", "{} is not a folder", folder.string());
  if (fs::exists(folder / "model.onnx")) return {folder};
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(folder))
    if (fs::exists(entry.path() / "model.onnx")) cases.push_back(entry.path());
  std::ranges::sort(cases);
  check(!cases.empty(), "onnx", "{} holds no case (a folder with model.onnx)", folder.string());
  return cases;
}

int run_all(const std::vector<fs::path>& folders) {
  std::vector<fs::path> cases;
  for (const fs::path& folder : folders)
    std::ranges::copy(cases_in(folder), std::back_inserter(cases));
  int passed = 0, failed = 0;
  for (const fs::path& one : cases) {
    try {
      run_case(one);
      ++passed;
      fmt::print("PASS {}\n", one.filename().string());
    } catch (const std::exception& e) {
      ++failed;
      // Names out of a damaged file stand in the message.
      fmt::print("FAIL {}: {}\n", one.filename().string(), printable(e.what(), 500));
    }
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace headlight::onnx

int main(int argc, char** argv) {
  const std::vector<std::filesystem::path> folders(argv + 1, argv + argc);
  if (folders.empty()) {
    fmt::print(stderr, "usage: conformance_onnx DIR...\n");
    return 2;
  }
  try {
    return headlight::onnx::run_all(folders);
  } catch (const std::exception& e) {
    fmt::print(stderr, "conformance_onnx: {}\n", e.what());
    return 1;
  }
}
