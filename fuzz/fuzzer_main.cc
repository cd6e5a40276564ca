// libFuzzer's entry point for the target named by HEADLIGHT_FUZZ_TARGET.
#include <algorithm>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headlight::fuzz;
  static const Target& target =
      *std::ranges::find(kTargets, std::string_view(HEADLIGHT_FUZZ_TARGET), &Target::name);
  run_target(target, std::as_bytes(std::span(data, size)));
  return 0;
}
