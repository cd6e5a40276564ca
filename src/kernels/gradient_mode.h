// What happens to the gradient that an output already holds.
#pragma once

#include <cstdint>

namespace headlight {

/// overwrite: outputs are replaced. add: sums over rows (gradients of weights) are added to what is
/// there, so that several micro-batches make one gradient.
enum class GradientMode : std::uint8_t { overwrite, add };

}  // namespace headlight
