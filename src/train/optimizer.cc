#include "train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/threads.h"

namespace headlight {
namespace {

constexpr std::int64_t kBlock = 1 << 14;

struct Range {
  const ParameterSpec* spec;
  std::int64_t begin, end;  // of the store
};

/// What every value of one step is updated with.
struct Coefficients {
  float scale, beta1, beta2, shrink, step_size, correction, epsilon;
};

/// p -= lr * m' / (sqrt(v') + epsilon) after p *= 1 - lr * decay, with the bias corrections of
/// Adam's moments (Kingma & Ba 2015, section 3) moved into step_size and correction.
void update_values(const Coefficients& c, std::int64_t n, const float* gradient, float* value,
                   float* first, float* second) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * c.scale;
    first[i] = c.beta1 * first[i] + (1 - c.beta1) * g;
    second[i] = c.beta2 * second[i] + (1 - c.beta2) * g * g;
    const float spread = std::sqrt(second[i]) * c.correction + c.epsilon;
    value[i] = value[i] * c.shrink - c.step_size * first[i] / spread;
  }
}

std::vector<Range> ranges_of(const ParameterLayout& layout) {
  std::vector<Range> ranges;
  for (const ParameterSpec& spec : layout.specs()) {
    const std::int64_t end = spec.offset + spec.shape.numel();
    for (std::int64_t begin = spec.offset; begin < end; begin += kBlock)
      ranges.push_back({&spec, begin, std::min(end, begin + kBlock)});
  }
  return ranges;
}

}  // namespace

double LearningRate::at(std::int64_t step) const {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const auto after = static_cast<double>(std::max<std::int64_t>(steps - warmup, 1));
  const double done = std::min(1.0, static_cast<double>(step - warmup) / after);
  return peak * (floor + (1 - floor) * (1 + std::cos(std::numbers::pi * done)) / 2);
}

AdamW::AdamW(const ParameterLayout& layout, const AdamWSettings& settings)
    : layout_(layout),
      settings_(settings),
      first_(layout.make_store()),
      second_(layout.make_store()) {}

void AdamW::update(Tensor& values, const Tensor& gradients, std::int64_t step, double learning_rate,
                   double scale) {
  const auto t = static_cast<double>(step + 1);
  Coefficients c{};
  c.scale = static_cast<float>(scale);
  c.beta1 = static_cast<float>(settings_.beta1);
  c.beta2 = static_cast<float>(settings_.beta2);
  c.step_size = static_cast<float>(learning_rate / (1 - std::pow(settings_.beta1, t)));
  c.correction = static_cast<float>(1 / std::sqrt(1 - std::pow(settings_.beta2, t)));
  c.epsilon = static_cast<float>(settings_.epsilon);
  const auto shrink = static_cast<float>(1 - learning_rate * settings_.weight_decay);
  const std::vector<Range> ranges = ranges_of(layout_);
  parallel_for(std::ssize(ranges), [&](std::int64_t i) {
    const Range& r = ranges[static_cast<std::size_t>(i)];
    Coefficients mine = c;
    mine.shrink = r.spec->decays ? shrink : 1.0f;
    update_values(mine, r.end - r.begin, gradients.span<float>().data() + r.begin,
                  values.span<float>().data() + r.begin, first_.span<float>().data() + r.begin,
                  second_.span<float>().data() + r.begin);
  });
}

double global_norm(const Tensor& gradients) {
  const auto all = gradients.span<float>();
  const std::int64_t blocks = (std::ssize(all) + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  parallel_for(blocks, [&](std::int64_t b) {
    const auto end = std::min(std::ssize(all), (b + 1) * kBlock);
    double sum = 0;
    for (std::int64_t i = b * kBlock; i < end; ++i) {
      const double g = all[static_cast<std::size_t>(i)];
      sum += g * g;
    }
    sums[static_cast<std::size_t>(b)] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

}  // namespace headlight
