// Parts of a view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/tensor.h"

namespace headlight {

/// Indices [begin, begin + count) of dimension `dim`, which the caller knows to be there; with
/// count 1 the dimension stays. An empty view stays empty.
template <class View>
View slice(const View& view, std::size_t dim, std::int64_t begin, std::int64_t count) {
  if (!view) return {};
  using Byte = std::conditional_t<std::is_same_v<View, TensorView>, const std::byte, std::byte>;
  Shape shape = view.shape();
  shape[dim] = count;
  const std::int64_t bytes =
      begin * view.stride(dim) * static_cast<std::int64_t>(size_of(view.dtype()));
  return {static_cast<Byte*>(view.data()) + bytes, view.dtype(), shape, view.strides()};
}

}  // namespace headlight
