// Matrix products: linear layers with weights packed once, and any two fp32 matrices.
#pragma once

#include <cstdint>
#include <memory>

#include "core/function_ref.h"
#include "core/tensor.h"
#include "kernels/matmul/gemm.h"

namespace headlight {

/// How the weight lies in memory: `out_in` is [n, k] (PyTorch's Linear), `in_out` is [k, n]
/// (GPT-2's Conv1D).
enum class WeightLayout : std::uint8_t { out_in, in_out };

struct MatmulOptions {
  bool accumulate = false;  ///< add to what the output holds, instead of replacing it
};

struct LinearOptions {
  bool accumulate = false;  ///< add to what y holds: a residual sum
  /// Called for every part of y when it is complete and still in cache, by the thread that computed
  /// it: rows of at most a few hundred, columns in whole multiples of finish_width.
  FunctionRef<void(const GemmRegion&)> finish = {};
  std::int64_t finish_width = kPanelColumns;
};

/// A linear layer's weight W (and bias), packed for the machine at construction: y = x W + b.
/// 16-bit weights stay in 16 bits, half the memory and bandwidth, and are widened on the way:
/// compute is fp32. The weight view is not kept. Immutable after construction.
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

  /// y[rows, n] (+)= x[rows, k] W + b, all fp32; the row stride of x and y is free, inner stride 1.
  /// y must not overlap x. No rows is no work. Row i of y has the same bits whatever the other rows
  /// hold, and whatever the number of threads.
  void apply(TensorView x, MutableTensorView y, const LinearOptions& options = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// c[m, n] (+)= a[m, k] b[k, n], fp32. The rows of c are contiguous; a and b may have any strides
/// of which one is 1, so a transposed view works, and must not overlap c. The same bits whatever
/// the number of threads. Throws Error("matmul", ...) naming both shapes.
void matmul(TensorView a, TensorView b, MutableTensorView c, const MatmulOptions& options = {});
void matmul_ref(TensorView a, TensorView b, MutableTensorView c, const MatmulOptions& options = {});

/// What linear_forward() adds to a product: bias [n] and residual [rows, n], fp32, either may be
/// empty.
struct LinearTerms {
  TensorView bias = {}, residual = {};
};

/// y[rows, n] = x[rows, k] W + bias + residual, all fp32, with a W that changes too often to be
/// packed: [n, k] or [k, n] as `layout` says. The rows of y and of the residual are contiguous; y
/// must not overlap x, W or, unless it is the same, the residual.
void linear_forward(TensorView x, TensorView weight, WeightLayout layout, MutableTensorView y,
                    const LinearTerms& terms = {});

/// The gradients of y = x W + b, all fp32, from dy [rows, n]; W and dW are [n, k] or [k, n] as
/// `layout` says. Each replaces or, with options.accumulate, adds.
/// dx[rows, k] (+)= dy W^T
void linear_backward_input(TensorView dy, TensorView weight, WeightLayout layout,
                           MutableTensorView dx, const MatmulOptions& options = {});
/// dW (+)= x^T dy with x [rows, k]
void linear_backward_weight(TensorView x, TensorView dy, WeightLayout layout,
                            MutableTensorView d_weight, const MatmulOptions& options = {});
/// db[n] (+)= the sum of dy's rows
void linear_backward_bias(TensorView dy, MutableTensorView d_bias,
                          const MatmulOptions& options = {});

}  // namespace headlight
