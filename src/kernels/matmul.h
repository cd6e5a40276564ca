// Matrix products through oneDNN, with weights packed once at load.
#pragma once

#include <cstdint>
#include <memory>

#include "core/tensor.h"

namespace headlight {

/// How the weight lies in memory: `out_in` is [n, k] (PyTorch's Linear), `in_out` is [k, n]
/// (GPT-2's Conv1D).
enum class WeightLayout : std::uint8_t { out_in, in_out };

/// A linear layer's weight W (and bias), packed for the machine at construction: y = x W + b.
/// fp32 compute; 16-bit weights are widened while packing. The weight view is not kept. Immutable
/// after construction; apply() may be called from one thread at a time.
class Linear {
 public:
  Linear();
  /// weight: [n, k] or [k, n] as `layout` says, fp32/bf16/fp16; bias: empty or [n].
  Linear(TensorView weight, WeightLayout layout, TensorView bias = {});
  ~Linear();
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;

  explicit operator bool() const { return impl_ != nullptr; }
  std::int64_t in_features() const;
  std::int64_t out_features() const;

  /// y[rows, n] = x[rows, k] W + b, all fp32; the row stride of x and y is free, inner stride 1.
  /// No rows is no work. The first call with a new row count, stride or thread count generates
  /// code for it (about 0.2 ms, once per process for all layers of one shape); 16 are kept.
  void apply(TensorView x, MutableTensorView y) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// c[m, n] = a[m, k] b[k, n], fp32, any strides on a and b with one inner stride 1 (so a
/// transposed view works). The reference, and the odd small product.
void matmul_ref(TensorView a, TensorView b, MutableTensorView c);

}  // namespace headlight
