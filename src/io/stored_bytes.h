// How many bytes a shape from outside takes, without trusting it.
#pragma once

#include <cstdint>
#include <optional>

#include "core/dtype.h"
#include "core/shape.h"

namespace headlight {

/// Bytes of a contiguous tensor; nothing when they do not fit 63 bits. An extent of 0 makes the
/// answer 0, but counts as 1 in the overflow check, so that row-major strides fit too. Extents must
/// not be negative.
std::optional<std::uint64_t> stored_bytes(DType dtype, const Shape& shape);

}  // namespace headlight
