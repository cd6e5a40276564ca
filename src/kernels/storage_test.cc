// Conversions of rows against those of core/dtype.h: every stored pattern, on every target.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/flush_denormals.h"
#include "support/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/storage_test.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/storage-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

void Widen(DType dtype, const void* from, size_t n, float* to) {
  WidenRow(dtype, from, n, to);
}
void Narrow(DType dtype, const float* from, size_t n, void* to) {
  NarrowRow(dtype, from, n, to);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {
namespace {

HWY_EXPORT(Widen);
HWY_EXPORT(Narrow);

using testing::on_every_target;

/// The same bits, or both NaN.
bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

template <class T>
void widen_every_pattern(DType dtype) {
  std::vector<T> stored(1 << 16);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = {static_cast<std::uint16_t>(i)};
  on_every_target([&] {
    // Kernels convert with subnormal numbers switched off: stored ones must come through.
    const FlushDenormals flush;
    for (const std::size_t n : {std::size_t{1}, std::size_t{7}, stored.size() - 3}) {
      std::vector<float> out(n + 1, 42.0f);
      HWY_DYNAMIC_DISPATCH(Widen)(dtype, stored.data(), n, out.data());
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_TRUE(same(out[i], to_float(stored[i]))) << i << " became " << out[i];
      EXPECT_EQ(out[n], 42.0f);
    }
  });
}

TEST(Storage, EveryBf16Widens) {
  widen_every_pattern<BFloat16>(DType::bf16);
}

TEST(Storage, EveryF16Widens) {
  widen_every_pattern<Float16>(DType::f16);
}

TEST(Storage, EveryI8Widens) {
  std::vector<std::int8_t> stored(256);
  std::iota(stored.begin(), stored.end(), std::int8_t{-128});
  on_every_target([&] {
    std::vector<float> out(255);
    HWY_DYNAMIC_DISPATCH(Widen)(DType::i8, stored.data(), out.size(), out.data());
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], stored[i]);
  });
}

/// Every stored pattern, what lies half-way to the next one, and the neighbours of that.
template <class T>
std::vector<float> around_every_pattern() {
  std::vector<float> out;
  for (std::uint32_t i = 0; i < (1 << 16); ++i) {
    const float x = to_float(T{static_cast<std::uint16_t>(i)});
    const float next = to_float(T{static_cast<std::uint16_t>(i + 1)});
    const float half = x / 2 + next / 2;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float y :
         {x, half, std::nextafter(half, kInfinity), std::nextafter(half, -kInfinity)})
      out.push_back(y);
  }
  return out;
}

template <class T>
void narrow_around_every_pattern(DType dtype, T (*narrow)(float)) {
  const std::vector<float> values = around_every_pattern<T>();
  on_every_target([&] {
    for (const std::size_t n : {std::size_t{5}, values.size() - 1}) {
      std::vector<T> out(n + 1, T{42});
      HWY_DYNAMIC_DISPATCH(Narrow)(dtype, values.data(), n, out.data());
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_TRUE(same(to_float(out[i]), to_float(narrow(values[i]))))
            << values[i] << " became " << to_float(out[i]);
      EXPECT_EQ(out[n].bits, 42);
    }
  });
}

TEST(Storage, NarrowsToTheNearestBf16) {
  narrow_around_every_pattern<BFloat16>(DType::bf16, to_bfloat16);
}

TEST(Storage, NarrowsToTheNearestF16) {
  narrow_around_every_pattern<Float16>(DType::f16, to_float16);
}

}  // namespace
}  // namespace headlight
#endif  // HWY_ONCE
