// AdamW against the paper's algorithm in double, the learning rate's shape, the norm.
#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/tiny_model.h"

namespace headlight {
namespace {

ParameterLayout tiny_layout() {
  return ParameterLayout(config_from_hugging_face(testing::tiny_gpt2().config.dump(), "test"));
}

void fill(Tensor& store, double seed) {
  double x = seed;
  for (float& value : store.span<float>()) {
    x = std::fmod(x * 1.7 + 0.3, 1.0);
    value = static_cast<float>(x - 0.5);
  }
}

TEST(AdamW, FollowsThePaper) {
  const ParameterLayout layout = tiny_layout();
  const AdamWSettings settings{.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-6, .weight_decay = 0.1};
  AdamW optimizer(layout, settings);
  Tensor values = layout.make_store(), gradients = layout.make_store();
  fill(values, 0.1);
  std::vector<double> value(values.span<float>().begin(), values.span<float>().end());
  std::vector<double> first(value.size()), second(value.size());
  for (int step = 0; step < 3; ++step) {
    const double rate = 0.01 * (step + 1), scale = 0.5;
    fill(gradients, 0.2 + step);
    optimizer.update(values, gradients, step, rate, scale);
    for (const ParameterSpec& spec : layout.specs())
      for (std::int64_t n = 0; n < spec.shape.numel(); ++n) {
        const auto i = static_cast<std::size_t>(spec.offset + n);
        const double g = scale * gradients.span<float>()[i];
        first[i] = 0.8 * first[i] + 0.2 * g;
        second[i] = 0.9 * second[i] + 0.1 * g * g;
        const double m = first[i] / (1 - std::pow(0.8, step + 1));
        const double v = second[i] / (1 - std::pow(0.9, step + 1));
        const double decay = spec.shape.rank() == 2 ? 0.1 : 0;
        value[i] -= rate * (m / (std::sqrt(v) + 1e-6) + decay * value[i]);
        ASSERT_NEAR(values.span<float>()[i], value[i], 2e-6) << spec.name << " after " << step;
      }
  }
}

TEST(LearningRate, WarmsUpThenFallsAlongACosine) {
  const LearningRate rate{.peak = 2, .floor = 0.1, .warmup = 4, .steps = 104};
  EXPECT_DOUBLE_EQ(rate.at(0), 0.5);
  EXPECT_DOUBLE_EQ(rate.at(3), 2);
  EXPECT_DOUBLE_EQ(rate.at(4), 2);
  EXPECT_NEAR(rate.at(54), 1.1, 1e-12);
  EXPECT_NEAR(rate.at(104), 0.2, 1e-12);
}

TEST(GlobalNorm, IsTheSquareRootOfAllSquares) {
  Tensor gradients({50000});
  gradients.span<float>()[3] = 3;
  gradients.span<float>()[49999] = 4;
  EXPECT_DOUBLE_EQ(global_norm(gradients), 5);
}

}  // namespace
}  // namespace headlight
