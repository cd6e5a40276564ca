// LayerNorm and RMSNorm in vectors: sums in fp32 lanes over a row that stays in L1.
#include "kernels/norms/norms.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/norms/norm_arguments.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/norms.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/norms/norm_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// y = normalised * weight + bias
HWY_INLINE V MapVector(D d, const RowMap& m, V x, V weight, V bias) {
  return hn::MulAdd(Normalised(d, m, x), weight, bias);
}

HWY_INLINE void MapRow(D d, const RowMap& m, const NormArguments& a, const float* x, float* y) {
  const auto n = static_cast<size_t>(a.x.width);
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V bias = a.bias ? hn::LoadU(d, a.bias + i) : hn::Zero(d);
    hn::StoreU(MapVector(d, m, hn::LoadU(d, x + i), hn::LoadU(d, a.weight + i), bias), d, y + i);
  }
  if (i == n) return;
  const size_t left = n - i;
  const V bias = a.bias ? LoadPartial(d, a.bias + i, left) : hn::Zero(d);
  StorePartial(
      MapVector(d, m, LoadPartial(d, x + i, left), LoadPartial(d, a.weight + i, left), bias), d,
      y + i, left);
}

void LayerNormBlock(const NormArguments& a, std::int64_t begin, std::int64_t end) {
  const D d;
  const auto n = static_cast<size_t>(a.x.width);
  for (std::int64_t r = begin; r < end; ++r) {
    const float* x = a.x[r];
    MapRow(d, LayerNormMap(d, x, n, a.eps), a, x, a.y[r]);
  }
}

void RmsNormBlock(const NormArguments& a, std::int64_t begin, std::int64_t end) {
  const D d;
  const auto n = static_cast<size_t>(a.x.width);
  for (std::int64_t r = begin; r < end; ++r) {
    MapRow(d, RmsNormMap(d, a.x[r], n, a.eps), a, a.x[r], a.y[r]);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(LayerNormBlock);
HWY_EXPORT(RmsNormBlock);

void layer_norm(TensorView x, TensorView weight, TensorView bias, float eps, MutableTensorView y) {
  const NormArguments a = norm_arguments("layer_norm", x, weight, bias, eps, y);
  for_row_blocks(a.x.count, a.x.width, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(LayerNormBlock)(a, begin, end);
  });
}

void rms_norm(TensorView x, TensorView weight, float eps, MutableTensorView y) {
  const NormArguments a = norm_arguments("rms_norm", x, weight, {}, eps, y);
  for_row_blocks(a.x.count, a.x.width, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(RmsNormBlock)(a, begin, end);
  });
}

}  // namespace headlight
#endif  // HWY_ONCE
