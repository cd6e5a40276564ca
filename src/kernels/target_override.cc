#include "kernels/target_override.h"

#include "hwy/highway.h"
#include "hwy/targets.h"

namespace headlight {
namespace {

void choose_again() {
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

std::vector<VectorTarget> vector_targets() {
  std::vector<VectorTarget> out;
  for (const std::int64_t bit : hwy::SupportedAndGeneratedTargets())
    out.push_back({bit, hwy::TargetName(bit)});
  return out;
}

TargetOverride::TargetOverride(const VectorTarget& target) {
  hwy::SetSupportedTargetsForTest(target.bit);
  choose_again();
}

TargetOverride::~TargetOverride() {
  hwy::SetSupportedTargetsForTest(0);
  choose_again();
}

}  // namespace headlight
