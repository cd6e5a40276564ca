#include "core/dtype.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace headlight {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::bf16:
    case DType::f16:
    case DType::i16:
      return 2;
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return 1;
  }
  fail("dtype", "unknown dtype {}", static_cast<int>(dtype));
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::f64:
      return "f64";
    case DType::i64:
      return "i64";
    case DType::i32:
      return "i32";
    case DType::i16:
      return "i16";
    case DType::i8:
      return "i8";
    case DType::u8:
      return "u8";
    case DType::boolean:
      return "bool";
  }
  return "unknown";
}

float to_float(Float16 x) {
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (x.bits >> 10) & 0x1Fu;
  const std::uint32_t mantissa = x.bits & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24 is exact in fp32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

BFloat16 to_bfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (std::isnan(x)) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}

Float16 to_float16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const auto result = [&](std::uint32_t magnitude) {
    return Float16{static_cast<std::uint16_t>(sign | magnitude)};
  };
  if (std::isnan(x)) return result(0x7E00u);
  const float magnitude = std::fabs(x);
  if (magnitude >= 65520.0f) return result(0x7C00u);  // rounds past the largest finite value
  if (magnitude < 0x1p-14f)                           // subnormal: units of 2^-24
    return result(static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24f)));
  const std::uint32_t m = bits & 0x7FFFFFFFu;
  const std::uint32_t rounded = m + 0xFFFu + ((m >> 13) & 1u);
  return result((rounded >> 13) - (112u << 10));
}

void widen(DType dtype, const void* from, std::span<float> to) {
  const auto each = [&](auto tag, auto convert) {
    const auto* p = static_cast<const decltype(tag)*>(from);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = convert(p[i]);
  };
  switch (dtype) {
    case DType::f32:
      return each(float{}, [](float x) { return x; });
    case DType::bf16:
      return each(BFloat16{}, [](BFloat16 x) { return to_float(x); });
    case DType::f16:
      return each(Float16{}, [](Float16 x) { return to_float(x); });
    case DType::f64:
      return each(double{}, [](double x) { return static_cast<float>(x); });
    default:
      fail("dtype", "cannot read {} as a floating-point weight; supported: f32, f16, bf16, f64",
           name_of(dtype));
  }
}

void narrow(DType dtype, std::span<const float> from, void* to) {
  switch (dtype) {
    case DType::f32:
      std::ranges::copy(from, static_cast<float*>(to));
      return;
    case DType::bf16:
      std::ranges::transform(from, static_cast<BFloat16*>(to), to_bfloat16);
      return;
    case DType::f16:
      std::ranges::transform(from, static_cast<Float16*>(to), to_float16);
      return;
    default:
      fail("dtype", "cannot store fp32 as {}; supported: f32, f16, bf16", name_of(dtype));
  }
}

}  // namespace headlight
