#include "model/layer_storage.h"

#include <cstddef>
#include <optional>

#include "core/threads.h"

namespace headlight {
namespace {

/// body(row of the contiguous one, offset in elements of the same row of `strided`) for every row.
template <class View, class Body>
void for_each_row(const View& strided, const Body& body) {
  constexpr std::int64_t kSerialElements = 1 << 16;  // below that, waking threads costs more
  std::optional<ThreadLimit> alone;
  if (strided.numel() < kSerialElements) alone.emplace(1);
  parallel_for(strided.dim(0) * strided.dim(1), [&](std::int64_t row) {
    body(row, row / strided.dim(1) * strided.stride(0) + row % strided.dim(1) * strided.stride(1));
  });
}

}  // namespace

TensorView widened(TensorView x, GrowingBuffer<float>& storage) {
  float* to = storage.reserve(x.numel());
  const auto width = static_cast<std::size_t>(x.dim(2));
  const auto element = static_cast<std::int64_t>(size_of(x.dtype()));
  for_each_row(x, [&](std::int64_t row, std::int64_t offset) {
    widen(x.dtype(), static_cast<const std::byte*>(x.data()) + offset * element,
          {to + row * x.dim(2), width});
  });
  return {to, x.shape()};
}

LayerInputs widened_inputs(const LayerInputs& in, LayerWorkspace& workspace) {
  const auto same = [](const TensorView& a, const TensorView& b) {
    return a.data() == b.data() && a.shape() == b.shape() && a.strides() == b.strides();
  };
  LayerInputs wide;
  wide.query = widened(in.query, workspace.wide[0]);
  wide.key = same(in.key, in.query) ? wide.query : widened(in.key, workspace.wide[1]);
  wide.value = same(in.value, in.key) ? wide.key : widened(in.value, workspace.wide[2]);
  return wide;
}

void narrow_rows(TensorView from, MutableTensorView out) {
  const auto width = static_cast<std::size_t>(out.dim(2));
  const auto element = static_cast<std::int64_t>(size_of(out.dtype()));
  for_each_row(out, [&](std::int64_t row, std::int64_t offset) {
    narrow(out.dtype(), {from.as<float>() + row * out.dim(2), width},
           static_cast<std::byte*>(out.data()) + offset * element);
  });
}

}  // namespace headlight
