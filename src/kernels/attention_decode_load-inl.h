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

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/dtype.h"
#include "hwy/highway.h"
#include "kernels/attention_flash_product-inl.h"
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

/// Where element e of a stored row stands in the widened row.
template <class T>
size_t PlaceOf(size_t e) {
  const size_t lanes = hn::Lanes(D()), step = StepSize<T>();
  const size_t inside = e % step;
  return e - inside + inside % kStepVecs<T> * lanes + inside / kStepVecs<T>;
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_ATTENTION_DECODE_LOAD_INL_H
