// The softmax half of the flash kernel: scores of a tile to weights, in base 2.
//
// Scores are kept times log2(e), so that exp is 2^x and the constant costs nothing.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"
#include "kernels/attention_flash_product-inl.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// 2^x for x <= 0 (and a little above), relative error below 1.5e-7; exactly 0 for -inf; NaN stays
/// NaN. The polynomials are minimax fits (Remez) of degree 5.
HWY_INLINE V Exp2(D d, V x) {
#if HWY_TARGET <= HWY_AVX3
  // Fraction and scaling are one instruction each; both take floor(x).
  const V f{_mm512_reduce_ps(x.raw, 0x09)};
  const V p = Horner(d, f, 1.0f, 0.693151311808f, 0.240164450136f, 0.055799913146f,
                     0.00901703028444f, 0.00186713008191f);
  // The masked form with every lane on: gcc 12 takes the plain one for a use of unset memory.
  return V{_mm512_mask_scalef_ps(p.raw, 0xFFFF, p.raw, x.raw)};
#else
  // Adding 1.5 * 2^23 + 127 leaves n + 127, the exponent field of 2^n, in the lowest bits of the
  // sum; n = -127 gives the number 0. Max takes its second argument where that is NaN.
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0f + 127.0f);
  x = hn::Max(hn::Set(d, -127.0f), x);
  const V shifted = hn::Add(x, magic);
  const V f = hn::Sub(x, hn::Sub(shifted, magic));
  const V p = Horner(d, f, 1.00000007165f, 0.693146967065f, 0.240221197237f, 0.0555071327186f,
                     0.00967554134312f, 0.0013276472632f);
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
#endif
}

/// The running softmax of a tile's queries, [width] each.
struct RunningSoftmax {
  float* HWY_RESTRICT max;     ///< largest score so far
  float* HWY_RESTRICT sum;     ///< sum of 2^(score - max) so far
  float* HWY_RESTRICT shrink;  ///< out: what turns sums under the old max into sums under the new
};

/// scores[j][.], j < count, become weights 2^(score - max) in place, under the larger of the old
/// running maximum and `largest`.
template <size_t kVecs>
void Weigh(D d, float* HWY_RESTRICT scores, size_t count, const float* HWY_RESTRICT largest,
           RunningSoftmax running) {
  const size_t lanes = hn::Lanes(d);
  const size_t width = kVecs * lanes;
  for (size_t c = 0; c < width; c += lanes) {
    const V old_max = hn::Load(d, running.max + c);
    const V max = hn::Max(old_max, hn::Load(d, largest + c));
    // A query that has seen no key yet: subtract 0, since -inf - -inf is NaN.
    const V shift = hn::IfThenZeroElse(hn::Eq(max, hn::Set(d, kMinusInfinity)), max);
    const V shrink = Exp2(d, hn::Sub(old_max, shift));
    V sum0 = hn::Zero(d);
    V sum1 = hn::Zero(d);
    float* HWY_RESTRICT s = scores + c;
    size_t j = 0;
    for (; j + 2 <= count; j += 2, s += 2 * width) {
      const V w0 = Exp2(d, hn::Sub(hn::Load(d, s), shift));
      const V w1 = Exp2(d, hn::Sub(hn::Load(d, s + width), shift));
      hn::Store(w0, d, s);
      hn::Store(w1, d, s + width);
      sum0 = hn::Add(sum0, w0);
      sum1 = hn::Add(sum1, w1);
    }
    if (j < count) {
      const V w0 = Exp2(d, hn::Sub(hn::Load(d, s), shift));
      hn::Store(w0, d, s);
      sum0 = hn::Add(sum0, w0);
    }
    hn::Store(max, d, running.max + c);
    hn::Store(shrink, d, running.shrink + c);
    hn::Store(hn::MulAdd(hn::Load(d, running.sum + c), shrink, hn::Add(sum0, sum1)), d,
              running.sum + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
