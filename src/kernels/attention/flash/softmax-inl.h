// The softmax half of the flash kernel: scores of a tile to weights.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#undef HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#else
#define HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
#endif

#include <cstddef>
#include <limits>
#include <numbers>

#include "hwy/highway.h"
#include "kernels/attention/flash/product-inl.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// The larger of x and low; NaN stays NaN.
HWY_INLINE V AtLeast(D d, V x, float low) {
  const V bound = hn::Set(d, low);
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
#else
  return hn::Max(bound, x);  // the second operand where either is NaN
#endif
}

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
  // sum; n = -127 gives the number 0.
  const hn::RebindToSigned<D> di;
  const V magic = hn::Set(d, 12582912.0f + 127.0f);
  x = AtLeast(d, x, -127.0f);
  const V shifted = hn::Add(x, magic);
  const V f = hn::Sub(x, hn::Sub(shifted, magic));
  const V p = Horner(d, f, 1.00000007165f, 0.693146967065f, 0.240221197237f, 0.0555071327186f,
                     0.00967554134312f, 0.0013276472632f);
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
#endif
}

constexpr float kLog2e = std::numbers::log2e_v<float>;

/// The running softmax of one vector of queries.
struct RunningSoftmax {
  float* HWY_RESTRICT max;     ///< largest score so far, times log2(e)
  float* HWY_RESTRICT sum;     ///< sum of the weights so far
  float* HWY_RESTRICT shrink;  ///< out: what turns sums under the old max into sums under the new
  float* HWY_RESTRICT surprise = nullptr;  ///< sum of weight * log2(weight) so far, if wanted
};

/// Scores become weights 2^(score * log2(e) - shift), which are summed. Product and difference are
/// one FMA, so a shift that is rounded moves all weights of a query alike and cancels in the end.
template <bool kSurprise>
class Weigher {
 public:
  Weigher(D d, V shift) : shift_(shift), sum_(hn::Zero(d)), surprise_(sum_) {}
  HWY_INLINE void operator()(D d, float* HWY_RESTRICT score) {
    const V power = hn::MulSub(hn::Load(d, score), hn::Set(d, kLog2e), shift_);
    const V weight = Exp2(d, power);
    hn::Store(weight, d, score);
    sum_ = hn::Add(sum_, weight);
    if constexpr (kSurprise) {
      // A weight of 0 has the power -inf, and 0 * inf is NaN.
      constexpr float kVanished = -200;
      surprise_ = hn::MulAdd(weight, AtLeast(d, power, kVanished), surprise_);
    }
  }
  V sum() const { return sum_; }
  V surprise() const { return surprise_; }

 private:
  V shift_, sum_, surprise_;
};

/// scores[j * width], j < count, become weights in place, under the larger of the running maximum
/// and `largest`.
template <bool kSurprise = false>
HWY_INLINE void Weigh(D d, float* HWY_RESTRICT scores, size_t width, size_t count,
                      const float* HWY_RESTRICT largest, RunningSoftmax running) {
  const V old_max = hn::Load(d, running.max), old_sum = hn::Load(d, running.sum);
  const V max = hn::Max(old_max, hn::Mul(hn::Load(d, largest), hn::Set(d, kLog2e)));
  // A query that has seen no key yet: subtract 0, since -inf - -inf is NaN.
  const V shift = hn::IfThenZeroElse(hn::Eq(max, hn::Set(d, kMinusInfinity)), max);
  const V shrink = Exp2(d, hn::Sub(old_max, shift));
  Weigher<kSurprise> even(d, shift), odd(d, shift);
  size_t j = 0;
  for (; j + 2 <= count; j += 2, scores += 2 * width) {
    even(d, scores);
    odd(d, scores + width);
  }
  if (j < count) even(d, scores);
  hn::Store(max, d, running.max);
  hn::Store(shrink, d, running.shrink);
  const V sum = hn::Add(even.sum(), odd.sum());
  hn::Store(hn::MulAdd(old_sum, shrink, sum), d, running.sum);
  if constexpr (kSurprise) {
    // Under the new shift every old weight has lost this many powers of two.
    const V lost =
        hn::IfThenZeroElse(hn::Eq(old_max, hn::Set(d, kMinusInfinity)), hn::Sub(shift, old_max));
    const V old = hn::NegMulAdd(lost, old_sum, hn::Load(d, running.surprise));
    const V surprise = hn::Add(even.surprise(), odd.surprise());
    hn::Store(hn::MulAdd(old, shrink, surprise), d, running.surprise);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_FLASH_SOFTMAX_INL_H
