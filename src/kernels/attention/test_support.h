// What the attention tests share: a case drawn in numbers, its tensors, and the textbook method.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/attention/attention.h"

namespace headlight::testing {

/// One attention call in numbers; the data follows from the seed.
struct AttentionCase {
  std::int64_t batch = 1, q_len = 1, kv_len = 1;
  std::int64_t n_heads = 1, n_kv_heads = 1, head_dim = 8, head_dim_v = 8;
  DType dtype = DType::f32;
  std::optional<DType> kv_dtype = {};  ///< dtype unless given; i8 comes with scales
  bool wide_z = false;                 ///< z in f32 whatever dtype is
  Causal causal = Causal::none;
  Window window = {};
  float softcap = 0;
  float spread = 1;         ///< standard deviation of q
  std::uint8_t extras = 0;  ///< bits of Extra
  bool broadcast = false;   ///< mask and bias are the same for every head and query
  bool strided = false;     ///< views inside larger tensors
  bool poison = false;      ///< NaN and infinity in the last key and the last value
  std::uint32_t seed = 1;

  bool has(Extra e) const { return (extras & static_cast<std::uint8_t>(e)) != 0; }
  DType stored_kv() const { return kv_dtype.value_or(dtype); }
  DType stored_z() const { return wide_z ? DType::f32 : dtype; }
  std::string describe() const;
};

/// A [B, T, H, D] tensor, contiguous or a view inside a larger one.
class ActivationBuffer {
 public:
  ActivationBuffer(DType dtype, Shape shape, bool strided);
  TensorView view() const { return view_; }
  MutableTensorView view() { return view_; }
  /// Every element of the view, widened, row-major.
  std::vector<float> values() const;
  /// Rounds x to the dtype and stores it.
  void set(std::int64_t b, std::int64_t t, std::int64_t h, std::int64_t d, float x);
  /// True when what lies around the view is as it was made.
  bool surroundings_intact() const;

 private:
  Tensor storage_;
  MutableTensorView view_;
};

/// The inputs of a case.
struct AttentionData {
  explicit AttentionData(const AttentionCase& c);
  AttentionTensors tensors() const;
  AttentionOptions options() const;
  /// Every key (value) as fp32, times its scale, row-major.
  std::vector<float> wide_keys() const { return widened(k, k_scale); }
  std::vector<float> wide_values() const { return widened(v, v_scale); }

  AttentionCase shape;
  ActivationBuffer q, k, v;
  std::vector<float> k_scale, v_scale;  ///< [B, Tkv, Hkv], or empty
  std::vector<std::uint8_t> mask;
  std::vector<float> bias, slopes, sinks, gate;

 private:
  static std::vector<float> widened(const ActivationBuffer& stored,
                                    const std::vector<float>& scale);
};

struct AttentionOutput {
  std::vector<float> z, lse;
};

/// Runs one kernel (fails the test when it writes outside z).
AttentionOutput run_kernel(const AttentionKernel& kernel, const AttentionData& data);
/// The reference on the same numbers held in fp32, so that only a kernel's own error counts.
AttentionOutput run_reference(const AttentionData& data);
/// The textbook method in fp32: scores of a row, their softmax, the weighted sum; rounded to the
/// dtype. Written apart from the reference. The order of a sum is nobody's choice, so it is done in
/// three orders and each number is the one farthest from the reference. `pattern` is what the
/// pattern is rounded to before it meets v.
AttentionOutput run_naive(const AttentionData& data, const AttentionOutput& reference,
                          DType pattern = DType::f32);
/// What a kernel rounds the pattern to: the naive method that it is held to does the same.
DType pattern_type(const AttentionKernel& kernel);

/// Holds outputs of a kernel to the reference, inside the tolerance that the naive method sets.
::testing::AssertionResult agrees(const AttentionOutput& fast, const AttentionOutput& naive,
                                  const AttentionOutput& reference);
/// The three above in one.
::testing::AssertionResult kernel_agrees(const AttentionKernel& kernel, const AttentionData& data);

}  // namespace headlight::testing
