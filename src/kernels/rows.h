// A checked fp32 matrix seen as rows: what the row-wise ops compute on.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/tensor.h"

namespace headlight {

/// `count` rows of `width` contiguous floats, `stride` floats apart.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;

  T* operator[](std::int64_t i) const { return data + i * stride; }
};

/// Throws unless `view` is fp32 [rows, width] with inner stride 1.
template <bool kMutable>
auto rows_of(std::string_view op, std::string_view name, const BasicTensorView<kMutable>& view) {
  check(view.rank() == 2, op, "{} must be [rows, width], got {}", name, view.shape());
  check(view.dtype() == DType::f32, op, "{} must be f32, got {}", name, name_of(view.dtype()));
  check(view.stride(1) == 1 || view.dim(1) <= 1, op,
        "{} {} has inner stride {}; the last dimension must be contiguous", name, view.shape(),
        view.stride(1));
  using T = typename BasicTensorView<kMutable>::template Element<float>;
  return Rows<T>{view.template as<float>(), view.dim(0), view.dim(1), view.stride(0)};
}

/// The fp32 vector [width], or nullptr for a view that is not given. Throws on another shape.
inline const float* vector_of(std::string_view op, std::string_view name, const TensorView& view,
                              std::int64_t width) {
  if (!view) return nullptr;
  check(view.shape() == Shape{width} && (view.stride(0) == 1 || width <= 1), op,
        "{} {} does not fit rows of width {}; it must be a contiguous [{}]", name, view.shape(),
        width, width);
  return view.as<float>();
}

}  // namespace headlight
