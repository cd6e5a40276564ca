// Stored elements of keys and values to vectors of fp32.
//
// An element of a row has its place in the widened row: the same for every key, but for bf16 not
// the order in memory. Queries are put into that order, outputs taken out of it.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H
#undef HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H
#else
#define HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/dtype.h"
#include "hwy/highway.h"
#include "kernels/attention/flash/product-inl.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Vectors that one step of loading gives.
template <class T>
constexpr size_t kStepVecs = 1;
#if HWY_TARGET != HWY_SCALAR
template <>
constexpr size_t kStepVecs<BFloat16> = 2;
#endif

template <class T>
size_t StepSize() {
  return kStepVecs<T> * hn::Lanes(D());
}

HWY_INLINE void LoadStep(D d, const float* HWY_RESTRICT p, V (&out)[1]) {
  out[0] = hn::LoadU(d, p);
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void LoadStep(D d, const BFloat16* p, V (&out)[1]) {
  out[0] = hn::Set(d, to_float(*p));
}
HWY_INLINE void LoadStep(D d, const Float16* p, V (&out)[1]) {
  out[0] = hn::Set(d, to_float(*p));
}
#else
/// Elements 0, 2, 4 ... and elements 1, 3, 5 ...: a shift and a mask, where promoting in order
/// takes two shuffles.
HWY_INLINE void LoadStep(D d, const BFloat16* p, V (&out)[2]) {
  const hn::RebindToUnsigned<D> du;
  const hn::Repartition<std::uint16_t, D> du16;
  const auto pairs = hn::BitCast(du, hn::LoadU(du16, &p->bits));
  out[0] = hn::BitCast(d, hn::ShiftLeft<16>(pairs));
  out[1] = hn::BitCast(d, hn::And(pairs, hn::Set(du, 0xFFFF0000u)));
}
HWY_INLINE void LoadStep(D d, const Float16* p, V (&out)[1]) {
  const hn::Rebind<hwy::float16_t, D> d16;
  const hn::Rebind<std::uint16_t, D> du16;
  out[0] = hn::PromoteTo(d, hn::BitCast(d16, hn::LoadU(du16, &p->bits)));
}
#endif
HWY_INLINE void LoadStep(D d, const std::int8_t* p, V (&out)[1]) {
  const hn::Rebind<std::int8_t, D> d8;
  const hn::Rebind<std::int32_t, D> d32;
  out[0] = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, p)));
}

/// The first n elements of a step, then zeros. Touches nothing past p[n - 1].
template <class T>
HWY_INLINE void LoadSome(D d, const T* p, size_t n, V (&out)[kStepVecs<T>]) {
  T buffer[kStepVecs<T> * hn::MaxLanes(D())] = {};
  std::memcpy(buffer, p, n * sizeof(T));
  LoadStep(d, buffer, out);
}
template <>
HWY_INLINE void LoadSome(D d, const float* p, size_t n, V (&out)[1]) {
  out[0] = LoadPartial(d, p, n);
}

/// to[place of e] = from[e] * factor for n elements; both have room up to the next whole step.
template <class T>
HWY_INLINE void Place(D d, const float* HWY_RESTRICT from, size_t n, float factor,
                      float* HWY_RESTRICT to) {
  const V f = hn::Set(d, factor);
  for (size_t e = 0; e < n; e += StepSize<T>()) {
    V x[kStepVecs<T>];
    if constexpr (kStepVecs<T> == 2)
      hn::LoadInterleaved2(d, from + e, x[0], x[1]);
    else
      x[0] = hn::LoadU(d, from + e);
    for (size_t c = 0; c < kStepVecs<T>; ++c)
      hn::StoreU(hn::Mul(x[c], f), d, to + e + c * hn::Lanes(d));
  }
}

/// to[e] = from[place of e]; as above.
template <class T>
HWY_INLINE void TakeOut(D d, const float* HWY_RESTRICT from, size_t n, float* HWY_RESTRICT to) {
  for (size_t e = 0; e < n; e += StepSize<T>()) {
    if constexpr (kStepVecs<T> == 2)
      hn::StoreInterleaved2(hn::LoadU(d, from + e), hn::LoadU(d, from + e + hn::Lanes(d)), d,
                            to + e);
    else
      hn::StoreU(hn::LoadU(d, from + e), d, to + e);
  }
}

/// n floats, rounded to nearest even; `from` has room up to the next whole vector.
inline void StoreNarrow(D d, const float* HWY_RESTRICT from, size_t n, BFloat16* to) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint16_t, D> du16;
  for (size_t e = 0; e < n; e += hn::Lanes(d)) {
    const V x = hn::LoadU(d, from + e);
    const auto bits = hn::BitCast(du, x);
    const auto high = hn::ShiftRight<16>(bits);
    const auto odd = hn::And(high, hn::Set(du, 1u));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFFu))));
    const auto nan = hn::Or(high, hn::Set(du, 0x40u));
    const auto is_nan = hn::RebindMask(du, hn::IsNaN(x));
    const auto narrow = hn::DemoteTo(du16, hn::BitCast(di, hn::IfThenElse(is_nan, nan, rounded)));
    std::uint16_t lanes[hn::MaxLanes(D())];
    hn::StoreU(narrow, du16, lanes);
    std::memcpy(to + e, lanes, std::min(n - e, hn::Lanes(d)) * sizeof(BFloat16));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H
