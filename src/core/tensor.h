// Tensors: an owning buffer, and typed-at-run-time views with strides in elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "core/dtype.h"
#include "core/error.h"
#include "core/shape.h"

namespace headlight {

/// A non-owning strided view. `TensorView` reads, `MutableTensorView` also writes.
/// A default-made view is empty (data() == nullptr): "not given" for optional tensors.
template <bool kMutable>
class BasicTensorView {
 public:
  using Pointer = std::conditional_t<kMutable, void*, const void*>;
  template <class T>
  using Element = std::conditional_t<kMutable, T, const T>;

  BasicTensorView() = default;
  /// A contiguous (row-major) view.
  BasicTensorView(Pointer data, DType dtype, Shape shape)
      : data_(data), dtype_(dtype), shape_(shape), strides_(shape.contiguous_strides()) {}
  BasicTensorView(Pointer data, DType dtype, Shape shape, Shape strides)
      : data_(data), dtype_(dtype), shape_(shape), strides_(strides) {}
  template <class T>
  requires Storable<std::remove_const_t<T>> BasicTensorView(T* data, Shape shape)
      : BasicTensorView(static_cast<Pointer>(data), kDTypeOf<std::remove_const_t<T>>, shape) {}
  template <class T>
  requires Storable<std::remove_const_t<T>> BasicTensorView(T* data, Shape shape, Shape strides)
      : BasicTensorView(static_cast<Pointer>(data), kDTypeOf<std::remove_const_t<T>>, shape,
                        strides) {}
  operator BasicTensorView<false>() const requires(kMutable) {
    return {data_, dtype_, shape_, strides_};
  }

  explicit operator bool() const { return data_ != nullptr; }
  Pointer data() const { return data_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  /// In elements; 0 repeats the same data along a dimension (broadcast).
  const Shape& strides() const { return strides_; }
  std::int64_t dim(std::size_t i) const { return shape_[i]; }
  std::int64_t stride(std::size_t i) const { return strides_[i]; }
  std::size_t rank() const { return shape_.rank(); }
  std::int64_t numel() const { return shape_.numel(); }
  bool contiguous() const { return strides_ == shape_.contiguous_strides(); }

  /// The data as T*. Throws when T is not the stored dtype.
  template <class T>
  Element<T>* as() const {
    check(dtype_ == kDTypeOf<T>, "tensor", "read as {} but holds {}", name_of(kDTypeOf<T>),
          name_of(dtype_));
    return static_cast<Element<T>*>(data_);
  }

 private:
  Pointer data_ = nullptr;
  DType dtype_ = DType::f32;
  Shape shape_;
  Shape strides_;
};

using TensorView = BasicTensorView<false>;
using MutableTensorView = BasicTensorView<true>;

/// An owning, contiguous, zero-initialised tensor; 64-byte aligned, large ones on huge pages.
/// Move-only, so that no copy happens unseen; `clone()` copies.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape);
  /// fp32 of the given shape.
  explicit Tensor(Shape shape) : Tensor(DType::f32, shape) {}

  Tensor clone() const;
  explicit operator bool() const { return data_ != nullptr; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t i) const { return shape_[i]; }
  std::int64_t numel() const { return shape_.numel(); }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * size_of(dtype_); }

  TensorView view() const { return {data_.get(), dtype_, shape_}; }
  MutableTensorView view() { return {data_.get(), dtype_, shape_}; }
  operator TensorView() const { return view(); }
  operator MutableTensorView() { return view(); }

  /// All elements in row-major order. Throws when T is not the stored dtype.
  template <class T>
  std::span<T> span() {
    return {view().template as<T>(), static_cast<std::size_t>(numel())};
  }
  template <class T>
  std::span<const T> span() const {
    return {view().template as<T>(), static_cast<std::size_t>(numel())};
  }

 private:
  struct Free {
    void operator()(void* p) const noexcept;
  };
  DType dtype_ = DType::f32;
  Shape shape_;
  std::unique_ptr<void, Free> data_;
};

/// A new fp32 tensor with the values of a contiguous fp32, bf16, fp16 or fp64 view.
Tensor to_f32(TensorView from);
/// A new tensor of `dtype` (f32, bf16 or f16) with the values of a contiguous fp32 view, rounded.
Tensor to_dtype(DType dtype, TensorView from);

}  // namespace headlight
