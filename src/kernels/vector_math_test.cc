// Exp, Sigmoid and Tanh of vector_math-inl.h against double libm, on every target.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "support/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/vector_math_test.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

template <class F>
HWY_INLINE void Map(F f, const float* x, float* y, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(d, hn::LoadU(d, x + i)), d, y + i);
  if (i < n) StorePartial(f(d, LoadPartial(d, x + i, n - i)), d, y + i, n - i);
}

struct ExpOf {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Exp(d, x);
  }
};
struct TanhOf {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Tanh(d, x);
  }
};
struct SigmoidOf {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return Sigmoid(d, x);
  }
};

void MapExp(const float* x, float* y, size_t n) {
  Map(ExpOf(), x, y, n);
}
void MapTanh(const float* x, float* y, size_t n) {
  Map(TanhOf(), x, y, n);
}
void MapSigmoid(const float* x, float* y, size_t n) {
  Map(SigmoidOf(), x, y, n);
}

std::int64_t RunningTarget() {
  return HWY_TARGET;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {
namespace {

HWY_EXPORT(MapExp);
HWY_EXPORT(MapTanh);
HWY_EXPORT(MapSigmoid);
HWY_EXPORT(RunningTarget);

using testing::on_every_target;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> evenly(float from, float to, std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i)
    x[i] = from + (to - from) * static_cast<float>(i) / static_cast<float>(n - 1);
  return x;
}

// Largest |y - f(x)| / |f(x)|.
template <class F>
double largest_relative_error(const std::vector<float>& x, const std::vector<float>& y, F f) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = f(static_cast<double>(x[i]));
    if (exact != 0) worst = std::max(worst, std::fabs(y[i] - exact) / std::fabs(exact));
  }
  return worst;
}

TEST(VectorMath, Exp) {
  on_every_target([] {
    const auto x = evenly(-87.3f, 88.7f, 1000003);
    std::vector<float> y(x.size());
    HWY_DYNAMIC_DISPATCH(MapExp)(x.data(), y.data(), x.size());
    EXPECT_LT(largest_relative_error(x, y, [](double v) { return std::exp(v); }), 1.2e-7);
  });
}

TEST(VectorMath, ExpAtItsLimits) {
  on_every_target([] {
    const float largest = std::nextafter(88.7228317f, 0.0f), smallest = -87.336540f;
    const std::vector<float> x = {0,      -kInfinity, kInfinity, std::nanf(""), 88.7229f, 1e30f,
                                  -1e30f, -87.34f,    largest,   smallest,      -0.0f};
    std::vector<float> y(x.size());
    HWY_DYNAMIC_DISPATCH(MapExp)(x.data(), y.data(), x.size());
    EXPECT_EQ(y[0], 1);
    EXPECT_EQ(y[1], 0);
    EXPECT_EQ(y[2], kInfinity);
    EXPECT_TRUE(std::isnan(y[3]));
    EXPECT_EQ(y[4], kInfinity);
    EXPECT_EQ(y[5], kInfinity);
    EXPECT_EQ(y[6], 0);
    EXPECT_EQ(y[7], 0);
    EXPECT_NEAR(y[8] / std::exp(static_cast<double>(largest)), 1, 2e-7);
    EXPECT_NEAR(y[9] / std::exp(static_cast<double>(smallest)), 1, 2e-7);
    EXPECT_EQ(y[10], 1);
  });
}

TEST(VectorMath, Tanh) {
  on_every_target([] {
    auto x = evenly(-10, 10, 400001);
    for (int e = -60; e < 120; ++e) x.push_back(std::ldexp(1.0f, e));
    std::vector<float> y(x.size());
    HWY_DYNAMIC_DISPATCH(MapTanh)(x.data(), y.data(), x.size());
    EXPECT_LT(largest_relative_error(x, y, [](double v) { return std::tanh(v); }), 3e-7);
    const std::vector<float> limits = {kInfinity, -kInfinity, std::nanf(""), 0, -0.0f};
    y.resize(limits.size());
    HWY_DYNAMIC_DISPATCH(MapTanh)(limits.data(), y.data(), limits.size());
    EXPECT_EQ(y[0], 1);
    EXPECT_EQ(y[1], -1);
    EXPECT_TRUE(std::isnan(y[2]));
    EXPECT_EQ(y[3], 0);
    EXPECT_EQ(y[4], 0);
  });
}

TEST(VectorMath, Sigmoid) {
  on_every_target([] {
    const auto x = evenly(-80, 80, 400001);
    std::vector<float> y(x.size());
    HWY_DYNAMIC_DISPATCH(MapSigmoid)(x.data(), y.data(), x.size());
    EXPECT_LT(largest_relative_error(x, y, [](double v) { return 1 / (1 + std::exp(-v)); }), 3e-7);
  });
}

// Every target in turn really is the one that runs.
TEST(VectorMath, TheForcedTargetIsTheOneThatRuns) {
  const std::vector<VectorTarget> targets = vector_targets();
  for (const VectorTarget& target : targets) {
    const TargetOverride override(target);
    EXPECT_EQ(HWY_DYNAMIC_DISPATCH(RunningTarget)(), target.bit) << target.name;
  }
  EXPECT_EQ(HWY_DYNAMIC_DISPATCH(RunningTarget)(), targets.front().bit) << "not given back";
  EXPECT_GE(targets.size(), 2u);
}

}  // namespace
}  // namespace headlight
#endif  // HWY_ONCE
