#include "kernels/attention/flash/flash.h"

#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/flash/flash.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention/flash/units-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// Operands as fp32, whatever they are stored as.
struct WideOperands {
  static constexpr bool kRoundsWeights = false;
  static void PackQueries(const FlashCall& call, FlashScratch& scratch, const FlashTile& tile) {
    HWY_NAMESPACE::PackQueries(call, scratch, call.problem.scale, tile);
  }
  static void PackKeys(const FlashCall& call, FlashScratch& scratch) {
    HWY_NAMESPACE::PackKeys(call, scratch);
  }
  static void PackValues(const FlashCall& call, FlashScratch& scratch) {
    HWY_NAMESPACE::PackValues(call, scratch);
  }
  template <size_t kWidth>
  static void AttendTile(const FlashCall& call, const TileScores& s, FlashScratch& scratch) {
    HWY_NAMESPACE::AttendTile<kWidth>(D(), call, s, scratch);
  }
};

void RunFlash(const AttentionProblem& p, const AttentionTensors& tensors) {
  RunUnits<WideOperands>(p, tensors);
}

std::string_view FlashIsa() {
  return vector_target_name(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunFlash);
HWY_EXPORT(FlashIsa);
namespace {

std::optional<std::string> flash_declines(const AttentionProblem& p) {
  if (p.page_len > 0) return "keys in pages";
  return std::nullopt;
}

}  // namespace

AttentionKernel attention_flash() {
  return {.name = "flash",
          .declines = flash_declines,
          .run =
              [](const AttentionProblem& p, const AttentionTensors& t) {
                HWY_DYNAMIC_DISPATCH(RunFlash)
                (p, t);
              },
          .isa = []() { return HWY_DYNAMIC_DISPATCH(FlashIsa)(); }};
}

}  // namespace headlight
#endif  // HWY_ONCE
