#include "app/layer_timing.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "app/json_view.h"
#include "core/error.h"
#include "core/threads.h"
#include "model/multi_head_attention.h"

namespace headlight::app {
namespace {
using Clock = std::chrono::steady_clock;

constexpr std::string_view kOp = "layer_time";
constexpr double kBudget = 0.15;  // seconds for each of the two measurements
constexpr int kMostRuns = 200;

struct Timed {
  double median = 0;  ///< seconds
  int runs = 0;
};

/// Median over at least one run and about kBudget seconds, after one that warms up.
template <class Body>
Timed timed(const Body& body) {
  body();
  std::vector<double> seconds;
  double spent = 0;
  while (seconds.empty() || (spent + seconds.back() < kBudget && std::ssize(seconds) < kMostRuns)) {
    const auto start = Clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    spent += seconds.back();
  }
  const auto middle = seconds.begin() + std::ssize(seconds) / 2;
  std::nth_element(seconds.begin(), middle, seconds.end());
  return {*middle, static_cast<int>(seconds.size())};
}

Tensor random_input(std::int64_t length, std::int64_t width) {
  Tensor x({1, length, width});
  std::minstd_rand generator(1);
  for (float& value : x.span<float>())
    value = static_cast<float>(generator() % 2048) / 1024.0f - 1.0f;
  return x;
}

MultiHeadAttentionConfig checked_config(const LayerDimensions& d) {
  const auto within = [](std::string_view name, std::int64_t value, std::int64_t most) {
    check(value >= 1 && value <= most, kOp, "{} is {}; the lab times 1 to {}", name, value, most);
  };
  within("d_model", d.d_model, kMostTimedWidth);
  within("n_heads", d.n_heads, d.d_model);
  within("n_kv_heads", d.n_kv_heads, d.n_heads);
  within("length", d.length, kMostTimedLength);
  const MultiHeadAttentionConfig config = resolved({.d_model = d.d_model,
                                                    .n_heads = d.n_heads,
                                                    .n_kv_heads = d.n_kv_heads,
                                                    .causal = Causal::bottom_right});
  const double flops = layer_flops(config, d.length, d.length);
  check(flops <= kMostTimedFlops, kOp,
        "{:.2g} operations are more than the {:.2g} that the lab times", flops, kMostTimedFlops);
  return config;
}

}  // namespace

std::int64_t layer_parameters(const MultiHeadAttentionConfig& resolved) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < kAttentionWeights; ++i)
    if (const auto shape = weight_shape(resolved, static_cast<AttentionWeight>(i)))
      count += shape->numel();
  return count;
}

double layer_flops(const MultiHeadAttentionConfig& c, std::int64_t queries, std::int64_t length) {
  const auto n = static_cast<double>(queries);
  const auto widths = static_cast<double>(c.q_width() + c.k_width() + c.v_width());
  const double projections = widths * static_cast<double>(c.d_model) +
                             static_cast<double>(c.z_width()) * static_cast<double>(c.d_out);
  // The last query sees `length` keys, each before it one fewer.
  const double pairs = n * (static_cast<double>(length) - (n - 1) / 2);
  return 2 * n * projections + 2 * pairs * static_cast<double>(c.q_width() + c.z_width());
}

Json time_layer(const LayerDimensions& d) {
  const MultiHeadAttentionConfig config = checked_config(d);
  MultiHeadAttention layer(config);
  const Tensor x = random_input(d.length, d.d_model);
  Tensor out({1, d.length, d.d_model});
  AttentionReport ran;
  const Timed whole = timed([&] { ran = layer.forward(x, out); });

  KvCache cache = layer.make_cache(1, d.length);
  if (d.length > 1) {
    const Tensor before = random_input(d.length - 1, d.d_model);
    Tensor unread({1, d.length - 1, d.d_model});
    layer.forward(before, cache, unread);
  }
  const Tensor one = random_input(1, d.d_model);
  Tensor next({1, 1, d.d_model});
  AttentionReport ran_next;
  const Timed step = timed([&] {
    cache.truncate(d.length - 1);
    ran_next = layer.forward(one, cache, next);
  });
  const std::int64_t cached = cache.keys().numel() + cache.values().numel();
  return {{"d_model", d.d_model},
          {"n_heads", d.n_heads},
          {"n_kv_heads", d.n_kv_heads},
          {"head_dim", config.head_dim},
          {"length", d.length},
          {"parameters", layer_parameters(config)},
          {"cache_numbers", cached},
          {"threads", threads()},
          {"whole",
           {{"flops", layer_flops(config, d.length, d.length)},
            {"seconds", json_number(whole.median)},
            {"runs", whole.runs},
            {"attention", to_string(ran)}}},
          {"next",
           {{"flops", layer_flops(config, 1, d.length)},
            {"seconds", json_number(step.median)},
            {"runs", step.runs},
            {"attention", to_string(ran_next)}}}};
}

}  // namespace headlight::app
