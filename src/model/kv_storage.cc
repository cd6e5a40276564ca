#include "model/kv_storage.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/error.h"

namespace headlight {
namespace {

void store_integers(std::string_view op, std::span<const float> from, std::int8_t* to,
                    float* scale) {
  float largest = 0;
  for (const float x : from) {
    check(std::isfinite(x), op, "a key or value holds {}, which i8 cannot; store f32, bf16 or f16",
          x);
    largest = std::max(largest, std::fabs(x));
  }
  *scale = largest / 127;
  // A scale may be too small to divide by: then all is 0, too.
  const float inverse = std::isfinite(127 / largest) ? 127 / largest : 0;
  std::ranges::transform(
      from, to, [&](float x) { return static_cast<std::int8_t>(std::lround(x * inverse)); });
}

}  // namespace

void check_storage(std::string_view op, DType dtype) {
  check(is_weight_type(dtype) || dtype == DType::i8, op,
        "a cache cannot store {}; choose f32, bf16, f16 or i8", name_of(dtype));
}

void store_head(std::string_view op, std::span<const float> from, DType dtype, void* to,
                float* scale) {
  if (dtype == DType::i8)
    store_integers(op, from, static_cast<std::int8_t*>(to), scale);
  else
    narrow(dtype, from, to);
}

TensorView positions_of(const Tensor& stored, std::int64_t length) {
  if (!stored) return {};
  const bool elements = stored.shape().rank() == 4;
  const std::int64_t heads = stored.dim(1), room = stored.dim(2);
  const std::int64_t width = elements ? stored.dim(3) : 1;
  Shape shape{stored.dim(0), length, heads};
  Shape strides{heads * room * width, width, room * width};
  if (elements) {
    shape.push_back(width);
    strides.push_back(1);
  }
  return {stored.view().data(), stored.dtype(), shape, strides};
}

}  // namespace headlight
