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

void narrow_rows(TensorView from, MutableTensorView out) {
  const auto width = static_cast<std::size_t>(out.dim(2));
  const auto element = static_cast<std::int64_t>(size_of(out.dtype()));
  for_each_row(out, [&](std::int64_t row, std::int64_t offset) {
    narrow(out.dtype(), {from.as<float>() + row * out.dim(2), width},
           static_cast<std::byte*>(out.data()) + offset * element);
  });
}

}  // namespace headlight
