#include "model/layer_masks.h"

#include <algorithm>

namespace headlight {
namespace {

/// How many of its own keys query i of batch entry b may see, as far as lengths and positions go.
std::int64_t visible_keys(const LayerKeys& keys, std::int64_t b, std::int64_t i) {
  std::int64_t visible = keys.own;
  if (!keys.lengths.empty()) visible = keys.lengths[static_cast<std::size_t>(b)];
  if (!keys.positions) return visible;
  const auto [q_len, reach] = *keys.positions;
  return std::clamp<std::int64_t>(i + keys.own - q_len + reach + 1, 0, visible);
}

/// Copies rows of `from` (broadcast where an extent is 1), or `visible` where there is none, behind
/// the added keys, which get `visible` too.
template <class T>
void widen_rows(TensorView from, const LayerKeys& keys, T visible, MutableTensorView to) {
  const auto* source = static_cast<const T*>(from.data());
  T* row = to.as<T>();
  const auto step = [&](std::size_t d) { return from && from.dim(d) > 1 ? from.stride(d) : 0; };
  for (std::int64_t b = 0; b < to.dim(0); ++b)
    for (std::int64_t h = 0; h < to.dim(1); ++h)
      for (std::int64_t i = 0; i < to.dim(2); ++i, row += to.dim(3)) {
        std::fill_n(row, keys.added, visible);
        const std::int64_t begin = b * step(0) + h * step(1) + i * step(2);
        for (std::int64_t j = 0; j < keys.own; ++j)
          row[keys.added + j] = source ? source[begin + j * step(3)] : visible;
        if (keys.hides())
          std::fill(row + keys.added + visible_keys(keys, b, i), row + keys.added + keys.own, T{0});
      }
}

Shape widened_shape(TensorView from, const LayerKeys& keys) {
  const auto extent = [&](std::size_t d) { return from ? from.dim(d) : 1; };
  return {keys.lengths.empty() ? extent(0) : keys.batch, extent(1),
          keys.positions ? keys.positions->q_len : extent(2), keys.added + keys.own};
}

}  // namespace

TensorView layer_mask(TensorView mask, const LayerKeys& keys,
                      GrowingBuffer<std::uint8_t>& storage) {
  if (!keys.hides() && (!mask || keys.added == 0)) return mask;
  const Shape shape = widened_shape(mask, keys);
  const MutableTensorView wide(storage.reserve(shape.numel()), shape);
  widen_rows<std::uint8_t>(mask, keys, 1, wide);
  return wide;
}

TensorView layer_bias(TensorView bias, const LayerKeys& keys, GrowingBuffer<float>& storage) {
  if (!bias || keys.added == 0) return bias;
  const LayerKeys all{.batch = keys.batch, .added = keys.added, .own = keys.own};
  const Shape shape = widened_shape(bias, all);
  const MutableTensorView wide(storage.reserve(shape.numel()), shape);
  widen_rows<float>(bias, all, 0.0f, wide);
  return wide;
}

}  // namespace headlight
