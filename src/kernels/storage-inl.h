// Rows of stored elements to fp32 and back, a vector at a time.

// Highway toggles HWY_TARGET_TOGGLE per target, which lets this file in once for each of them.
#if defined(HEADLIGHT_STORAGE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HEADLIGHT_STORAGE_INL_H
#undef HEADLIGHT_STORAGE_INL_H
#else
#define HEADLIGHT_STORAGE_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/dtype.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One conversion for each storage: a whole vector at p, or one element of a row's end. Both give
// the same bits, but for the payload of a NaN.

struct Bf16Storage {
  using Stored = BFloat16;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Widen(D d, const BFloat16* p) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::RebindToUnsigned<D> d32;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, &p->bits))));
  }
  static float Widen(BFloat16 x) { return to_float(x); }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void Narrow(D d, V x, BFloat16* p) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::RebindToUnsigned<D> d32;
    const hn::RebindToSigned<D> di32;
    const auto bits = hn::BitCast(d32, x);
    const auto even = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
    const auto number = hn::Add(bits, hn::Add(even, hn::Set(d32, 0x7FFF)));
    const auto nan = hn::Or(bits, hn::Set(d32, 0x400000));  // quiet, and not rounded to infinity
    const auto rounded = hn::IfThenElse(hn::RebindMask(d32, hn::Eq(x, x)), number, nan);
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di32, hn::ShiftRight<16>(rounded))), d16, &p->bits);
  }
  static BFloat16 Narrow(float x) { return to_bfloat16(x); }
};

struct F16Storage {
  using Stored = Float16;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Widen(D d, const Float16* p) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::Rebind<hwy::float16_t, D> df16;
    return hn::PromoteTo(d, hn::BitCast(df16, hn::LoadU(d16, &p->bits)));
  }
  static float Widen(Float16 x) { return to_float(x); }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void Narrow(D, V x, Float16* p) {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::Rebind<hwy::float16_t, D> df16;
    hn::StoreU(hn::BitCast(d16, hn::DemoteTo(df16, x)), d16, &p->bits);
  }
  static Float16 Narrow(float x) { return to_float16(x); }
};

struct I8Storage {
  using Stored = std::int8_t;
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Widen(D d, const std::int8_t* p) {
    const hn::Rebind<std::int8_t, D> d8;
    const hn::RebindToSigned<D> d32;
    return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, p)));
  }
  static float Widen(std::int8_t x) { return x; }
};

template <class Storage>
HWY_INLINE void WidenRowFrom(const void* from, size_t n, float* HWY_RESTRICT to) {
  const auto* stored = static_cast<const typename Storage::Stored*>(from);
  size_t i = 0;
#if HWY_TARGET <= HWY_AVX2  // older sets convert f16 in software, and not all subnormal numbers
  const hn::ScalableTag<float> d;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
    hn::StoreU(Storage::Widen(d, stored + i), d, to + i);
#endif
  for (; i < n; ++i) to[i] = Storage::Widen(stored[i]);
}

template <class Storage>
HWY_INLINE void NarrowRowTo(const float* HWY_RESTRICT from, size_t n, void* to) {
  auto* stored = static_cast<typename Storage::Stored*>(to);
  size_t i = 0;
#if HWY_TARGET <= HWY_AVX2
  const hn::ScalableTag<float> d;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
    Storage::Narrow(d, hn::LoadU(d, from + i), stored + i);
#endif
  for (; i < n; ++i) stored[i] = Storage::Narrow(from[i]);
}

/// n stored elements (f32, bf16, f16 or i8) as fp32.
inline void WidenRow(DType dtype, const void* from, size_t n, float* to) {
  switch (dtype) {
    case DType::bf16:
      return WidenRowFrom<Bf16Storage>(from, n, to);
    case DType::f16:
      return WidenRowFrom<F16Storage>(from, n, to);
    case DType::i8:
      return WidenRowFrom<I8Storage>(from, n, to);
    default:
      widen(dtype, from, {to, n});
  }
}

/// n numbers stored as f32, bf16 or f16, rounded to the nearest, to even where two are as near.
inline void NarrowRow(DType dtype, const float* from, size_t n, void* to) {
  switch (dtype) {
    case DType::bf16:
      return NarrowRowTo<Bf16Storage>(from, n, to);
    case DType::f16:
      return NarrowRowTo<F16Storage>(from, n, to);
    default:
      narrow(dtype, {from, n}, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#endif  // HEADLIGHT_STORAGE_INL_H
