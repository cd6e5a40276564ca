// LayerNorm and RMSNorm in vectors: sums in fp32 lanes over a row that stays in L1.
#include "kernels/norms.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/norm_arguments.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Sums over a row of d = x - shift and of d^2.
struct Sums {
  float first;
  float second;
};

HWY_INLINE Sums RowSums(D d, const float* x, size_t n, float shift) {
  const size_t lanes = hn::Lanes(d);
  const V s = hn::Set(d, shift);
  // Two chains each: the adds' latency would otherwise bound the loop.
  V first0 = hn::Zero(d), first1 = hn::Zero(d), second0 = hn::Zero(d), second1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const V a = hn::Sub(hn::LoadU(d, x + i), s);
    const V b = hn::Sub(hn::LoadU(d, x + i + lanes), s);
    first0 = hn::Add(first0, a);
    first1 = hn::Add(first1, b);
    second0 = hn::MulAdd(a, a, second0);
    second1 = hn::MulAdd(b, b, second1);
  }
  for (; i < n; i += lanes) {
    const size_t left = n - i;
    const V v = left >= lanes ? hn::LoadU(d, x + i) : LoadPartial(d, x + i, left);
    const V a = hn::IfThenElseZero(hn::FirstN(d, left), hn::Sub(v, s));
    first0 = hn::Add(first0, a);
    second0 = hn::MulAdd(a, a, second0);
  }
  return {hn::GetLane(hn::SumOfLanes(d, hn::Add(first0, first1))),
          hn::GetLane(hn::SumOfLanes(d, hn::Add(second0, second1)))};
}

// y = ((x - shift) - correction) * scale * weight + bias
struct RowMap {
  float shift, correction, scale;
};

HWY_INLINE V MapVector(D d, const RowMap& m, V x, V weight, V bias) {
  const V centred = hn::Sub(hn::Sub(x, hn::Set(d, m.shift)), hn::Set(d, m.correction));
  return hn::MulAdd(hn::Mul(centred, hn::Set(d, m.scale)), weight, bias);
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
  const float inverse = 1.0f / static_cast<float>(n);
  for (std::int64_t r = begin; r < end; ++r) {
    const float* x = a.x[r];
    const float mean = RowSums(d, x, n, 0).first * inverse;
    // The second sweep also measures how far off that mean was. With the correction, rows whose
    // mean is large beside their spread keep their accuracy (Chan, Golub & LeVeque 1983).
    const Sums s = RowSums(d, x, n, mean);
    const float off = s.first * inverse;
    const float var = std::max(0.0f, s.second * inverse - off * off);
    MapRow(d, {mean, off, 1.0f / std::sqrt(var + a.eps)}, a, x, a.y[r]);
  }
}

void RmsNormBlock(const NormArguments& a, std::int64_t begin, std::int64_t end) {
  const D d;
  const auto n = static_cast<size_t>(a.x.width);
  for (std::int64_t r = begin; r < end; ++r) {
    const float squares = RowSums(d, a.x[r], n, 0).second;
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + a.eps);
    MapRow(d, {0, 0, scale}, a, a.x[r], a.y[r]);
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
