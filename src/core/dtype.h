// Element types, and conversions between the storage floats and fp32.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headlight {

enum class DType : std::uint8_t { f32, bf16, f16, f64, i64, i32, i16, i8, u8, boolean };

/// Bytes per element.
std::size_t size_of(DType dtype);
/// "f32", "bf16", ... as messages and JSON spell it.
std::string_view name_of(DType dtype);
/// True for the three floating types a weight or an activation may be stored in.
constexpr bool is_weight_type(DType d) {
  return d == DType::f32 || d == DType::bf16 || d == DType::f16;
}

/// Brain float: the upper half of an fp32. Storage only; arithmetic is fp32.
struct BFloat16 {
  std::uint16_t bits = 0;
};

/// IEEE binary16. Storage only; arithmetic is fp32.
struct Float16 {
  std::uint16_t bits = 0;
};

constexpr float to_float(BFloat16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16);
}
float to_float(Float16 x);

/// Rounds to nearest even; NaN stays NaN.
BFloat16 to_bfloat16(float x);
Float16 to_float16(float x);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <class T>
inline constexpr DType kDTypeOf = DTypeOf<T>::value;

/// A C++ type that a tensor can hold.
template <class T>
concept Storable = requires {
  DTypeOf<T>::value;
};

/// Widens n stored elements of `dtype` (f32, bf16, f16 or f64) to fp32.
void widen(DType dtype, const void* from, std::span<float> to);
/// Stores fp32 numbers as f32, bf16 or f16, rounded to the nearest, to even where two are as near.
void narrow(DType dtype, std::span<const float> from, void* to);

}  // namespace headlight
