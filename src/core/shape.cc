#include "core/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace headlight {

Shape::Shape(std::initializer_list<std::int64_t> dims)
    : Shape(std::span<const std::int64_t>(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const std::int64_t> dims) {
  for (std::int64_t dim : dims) push_back(dim);
}

void Shape::push_back(std::int64_t dim) {
  check(rank_ < kMaxRank, "shape", "more than {} dimensions", kMaxRank);
  dims_[rank_++] = dim;
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  for (std::int64_t dim : *this) {
    check(dim >= 0, "shape", "negative extent in {}", *this);
    check(!__builtin_mul_overflow(product, dim, &product), "shape",
          "{} has more elements than 63 bits count", *this);
  }
  return product;
}

Shape Shape::contiguous_strides() const {
  Shape strides;
  strides.rank_ = rank_;
  std::int64_t step = 1;
  for (std::size_t i = rank_; i-- > 0;) {
    strides.dims_[i] = step;
    // An extent of 0 elsewhere may hide that the others overflow; nothing is read at such strides.
    if (__builtin_mul_overflow(step, std::max<std::int64_t>(dims_[i], 1), &step)) step = 0;
  }
  return strides;
}

bool operator==(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

}  // namespace headlight
