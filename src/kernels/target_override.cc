#include "kernels/target_override.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "core/error.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace headlight {
namespace {

void choose_again() {
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// What two spellings of a name have in common.
std::string plain(std::string_view name) {
  std::string out = lower(name);
  std::erase(out, '-');
  return out;
}

/// Leaves Highway only the target that HEADLIGHT_ISA names.
bool obey_environment() {
  const char* env = std::getenv("HEADLIGHT_ISA");
  if (!env || *env == '\0') return false;
  std::string known;
  for (const VectorTarget& target : vector_targets()) {
    if (plain(target.name) == plain(env)) {
      hwy::DisableTargets(~target.bit);
      choose_again();
      return true;
    }
    known += (known.empty() ? "" : ", ") + lower(target.name);
  }
  fail("isa", "HEADLIGHT_ISA is '{}'; this machine and build have {}", printable(env), known);
}

}  // namespace

void use_target_from_environment() {
  static const bool obeyed = obey_environment();
  static_cast<void>(obeyed);
}

const char* vector_target_name(std::int64_t bit) {
  return bit == HWY_AVX3 ? "AVX-512" : hwy::TargetName(bit);
}

std::vector<VectorTarget> vector_targets() {
  std::vector<VectorTarget> out;
  for (const std::int64_t bit : hwy::SupportedAndGeneratedTargets())
    out.push_back({bit, vector_target_name(bit)});
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
