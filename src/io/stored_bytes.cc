#include "io/stored_bytes.h"

#include <algorithm>

namespace headlight {

std::optional<std::uint64_t> stored_bytes(DType dtype, const Shape& shape) {
  auto product = static_cast<std::int64_t>(size_of(dtype));
  for (const std::int64_t dim : shape)
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(dim, 1), &product)) return {};
  const bool empty = std::ranges::find(shape, 0) != shape.end();
  return empty ? 0 : static_cast<std::uint64_t>(product);
}

}  // namespace headlight
