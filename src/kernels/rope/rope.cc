// Rotary embedding in vectors, in place: 4 bytes read and written a value; the table stays in
// cache.
#include "kernels/rope/rope.h"

#include <cstddef>

#include "kernels/rope/rope_arguments.h"
#include "kernels/row_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rope/rope.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// (a, b) := (a cos - b sin, a sin + b cos), or back
template <bool kBack>
HWY_INLINE void Turn(V& a, V& b, V cos, V sin) {
  const V a_cos = hn::Mul(a, cos), b_cos = hn::Mul(b, cos);
  const V turned = kBack ? hn::MulAdd(b, sin, a_cos) : hn::NegMulAdd(b, sin, a_cos);
  b = kBack ? hn::NegMulAdd(a, sin, b_cos) : hn::MulAdd(a, sin, b_cos);
  a = turned;
}

template <bool kBack>
void RotateHalfSplit(float* x, const float* cos, const float* sin, size_t half) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  float* y = x + half;
  size_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    V a = hn::LoadU(d, x + i), b = hn::LoadU(d, y + i);
    Turn<kBack>(a, b, hn::LoadU(d, cos + i), hn::LoadU(d, sin + i));
    hn::StoreU(a, d, x + i);
    hn::StoreU(b, d, y + i);
  }
  if (i == half) return;
  const size_t left = half - i;
  V a = LoadPartial(d, x + i, left), b = LoadPartial(d, y + i, left);
  Turn<kBack>(a, b, LoadPartial(d, cos + i, left), LoadPartial(d, sin + i, left));
  StorePartial(a, d, x + i, left);
  StorePartial(b, d, y + i, left);
}

template <bool kBack>
void RotateInterleaved(float* x, const float* cos, const float* sin, size_t half) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    V a, b;
    hn::LoadInterleaved2(d, x + 2 * i, a, b);
    Turn<kBack>(a, b, hn::LoadU(d, cos + i), hn::LoadU(d, sin + i));
    hn::StoreInterleaved2(a, b, d, x + 2 * i);
  }
  for (; i < half; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    const float s = kBack ? -sin[i] : sin[i];
    x[2 * i] = a * cos[i] - b * s;
    x[2 * i + 1] = a * s + b * cos[i];
  }
}

// All heads of one token.
template <bool kBack>
void RotateHeads(RopeLayout layout, const TokenHeads& x, const float* cos, const float* sin,
                 size_t half) {
  for (std::int64_t h = 0; h < x.heads; ++h) {
    if (layout == RopeLayout::half_split)
      RotateHalfSplit<kBack>(x.data + h * x.stride, cos, sin, half);
    else
      RotateInterleaved<kBack>(x.data + h * x.stride, cos, sin, half);
  }
}

void RotateToken(RopeLayout layout, const TokenHeads& x, RopeTurn turn, size_t half) {
  if (turn.back)
    RotateHeads<true>(layout, x, turn.cos, turn.sin, half);
  else
    RotateHeads<false>(layout, x, turn.cos, turn.sin, half);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RotateToken);

namespace {

void rotate(MutableTensorView x, const RopeTable& table, RopeLayout layout,
            std::span<const std::int64_t> positions, bool back) {
  check_rope(x, table, positions);
  const auto half = static_cast<std::size_t>(table.rotary_dim() / 2);
  float* data = x.as<float>();
  for_row_blocks(x.dim(0), x.dim(1) * x.dim(2), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t p = rope_position(positions, t);
      HWY_DYNAMIC_DISPATCH(RotateToken)
      (layout, {data + t * x.stride(0), x.dim(1), x.stride(1)},
       {table.cos_row(p), table.sin_row(p), back}, half);
    }
  });
}

}  // namespace

void rope(MutableTensorView x, const RopeTable& table, RopeLayout layout,
          std::span<const std::int64_t> positions) {
  rotate(x, table, layout, positions, false);
}

void rope_backward(MutableTensorView d_x, const RopeTable& table, RopeLayout layout,
                   std::span<const std::int64_t> positions) {
  rotate(d_x, table, layout, positions, true);
}

}  // namespace headlight
#endif  // HWY_ONCE
