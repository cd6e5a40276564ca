// Forces the vector kernels onto one instruction set: for tests and measurements.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headlight {

/// An instruction set that this build has kernels for and this machine can run.
struct VectorTarget {
  std::int64_t bit;  ///< Highway's number for it
  std::string name;  ///< vector_target_name(bit)
};

/// "AVX-512", "AVX2", ...: what processors' makers call Highway's target.
const char* vector_target_name(std::int64_t bit);

/// Best first.
std::vector<VectorTarget> vector_targets();

/// Obeys HEADLIGHT_ISA ("avx2", "avx-512", ...: a name of vector_targets() in any case, with or
/// without its hyphen) once per process; unset or empty leaves the best. Throws Error listing the
/// names when there is none such.
void use_target_from_environment();

/// While it lives, run-time dispatch picks `target`. One at a time, and not while kernels run.
class TargetOverride {
 public:
  explicit TargetOverride(const VectorTarget& target);
  ~TargetOverride();
  TargetOverride(const TargetOverride&) = delete;
  TargetOverride& operator=(const TargetOverride&) = delete;
};

}  // namespace headlight
