// Linear layers, norms, activations, softmax and rope against what the machine can do.
// usage: bench_ops [--json] [--threads N] [--filter TEXT]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/threads.h"
#include "kernels/activations/activations.h"
#include "kernels/matmul/matmul.h"
#include "kernels/norms/norms.h"
#include "kernels/rope/rope.h"
#include "peak.h"
#include "timing.h"

namespace headlight::bench {
namespace {

struct Options {
  bool json = false;
  int threads = 0;
  std::string filter;
};

// One measured line: `rate` in `unit`, and the machine's `limit` in the same unit.
struct Result {
  std::string op, shape, unit;
  double seconds, rate, limit;
};

class Report {
 public:
  explicit Report(const Options& options) : options_(options) {}

  bool wants(const std::string& op) const { return op.find(options_.filter) != std::string::npos; }

  void add(const Result& r) const {
    if (options_.json) {
      const nlohmann::ordered_json line = {
          {"op", r.op},     {"shape", r.shape}, {"threads", threads()},     {"us", r.seconds * 1e6},
          {r.unit, r.rate}, {"limit", r.limit}, {"share", r.rate / r.limit}};
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("{:<16} {:<18} {:>11.1f} us {:>9.1f} {:<8} {:>5.1f} % of {:.1f}\n", r.op, r.shape,
                 r.seconds * 1e6, r.rate, r.unit, 100 * r.rate / r.limit, r.limit);
    }
    std::fflush(stdout);
  }

 private:
  Options options_;
};

Tensor random_tensor(Shape shape) {
  Tensor out(shape);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (float& v : out.span<float>()) v = uniform(generator);
  return out;
}

Tensor random_weight(Shape shape, DType dtype) {
  Tensor wide = random_tensor(shape);
  if (dtype == DType::f32) return wide;
  Tensor out(dtype, shape);
  std::ranges::transform(wide.span<float>(), out.span<BFloat16>().begin(), to_bfloat16);
  return out;
}

// Seconds of one call and the multiply-add peak measured between the calls, as the clock moves:
// medians over about `budget` seconds.
struct Measured {
  double seconds, peak;
};

Measured measure(const std::function<void()>& body, double budget = 0.1) {
  constexpr double kSlice = 5e-4;
  body();
  const int calls = std::max(1, static_cast<int>(kSlice / seconds_of(body)));
  std::vector<double> seconds, peaks;
  for (double spent = 0; spent < budget || seconds.size() < 5;) {
    peaks.push_back(fma_slice_gflops(threads()));
    const double taken = seconds_of([&] {
      for (int i = 0; i < calls; ++i) body();
    });
    seconds.push_back(taken / calls);
    spent += taken;
  }
  return {median(seconds), median(peaks)};
}

struct LinearSize {
  std::int64_t k, n;
};
constexpr LinearSize kLinearSizes[] = {{48, 144},   {64, 192},    {288, 768},   {512, 512},
                                       {512, 1536}, {768, 768},   {768, 2304},  {768, 3072},
                                       {3072, 768}, {2048, 2048}, {4096, 4096}, {288, 32000}};

// A decode step (one row) must read every weight once; more rows are bound by arithmetic.
void bench_linear(const Report& report, DType dtype) {
  const std::string op = dtype == DType::f32 ? "linear" : fmt::format("linear_{}", name_of(dtype));
  if (!report.wants(op)) return;
  for (const LinearSize s : kLinearSizes) {
    const Linear linear(random_weight({s.n, s.k}, dtype), WeightLayout::out_in);
    const std::int64_t bytes = s.k * s.n * static_cast<std::int64_t>(size_of(dtype));
    const double read = read_bandwidth_gbps(threads(), bytes);
    for (const std::int64_t rows : {1, 2, 4, 8, 16, 32, 64, 128, 512, 2048}) {
      if (rows * s.n > 20'000'000) continue;
      const Tensor x = random_tensor({rows, s.k});
      Tensor y({rows, s.n});
      const auto [seconds, peak] = measure([&] { linear.apply(x, y); });
      const std::string shape = fmt::format("{}x{}x{}", rows, s.k, s.n);
      const double flops = 2.0 * static_cast<double>(rows * s.k * s.n);
      if (rows == 1)
        report.add({op, shape, "GB/s", seconds, static_cast<double>(bytes) / seconds * 1e-9, read});
      else
        report.add({op, shape, "GFLOP/s", seconds, flops / seconds * 1e-9, peak});
    }
  }
}

// Two matrices that nobody has packed: the products of training.
void bench_matmul(const Report& report) {
  if (!report.wants("matmul")) return;
  struct Size {
    std::int64_t m, n, k;
  };
  for (const Size s : {Size{512, 512, 1024}, Size{1536, 512, 1024}, Size{1024, 512, 1536},
                       Size{2304, 768, 1024}, Size{1024, 768, 2304}}) {
    const Tensor a = random_tensor({s.k, s.m}), b = random_tensor({s.k, s.n});
    Tensor c({s.m, s.n});
    const TensorView a_t(a.span<float>().data(), {s.m, s.k}, {1, s.m});
    const auto [seconds, peak] = measure([&] { matmul(a_t, b, c); });
    const double flops = 2.0 * static_cast<double>(s.m * s.n * s.k);
    report.add({"matmul", fmt::format("{}x{}x{} a^T", s.m, s.k, s.n), "GFLOP/s", seconds,
                flops / seconds * 1e-9, peak});
  }
}

// An op that reads and writes each value of x once, against the plainest such pass.
void bench_pass(const Report& report, const std::string& op, Shape shape, double streams,
                const std::function<void(Tensor&)>& run) {
  if (!report.wants(op)) return;
  Tensor x = random_tensor(shape);
  const auto bytes = static_cast<std::int64_t>(x.bytes());
  const double limit = update_bandwidth_gbps(threads(), bytes);
  const double seconds = best_seconds([&] { run(x); });
  report.add({op, to_string(shape), "GB/s", seconds,
              streams * static_cast<double>(bytes) / seconds * 1e-9, limit});
}

void bench_passes(const Report& report) {
  for (const std::int64_t rows : {16, 512, 4096, 32768}) {
    constexpr std::int64_t kWidth = 768, kHeadDim = 64;
    const Shape shape{rows, kWidth};
    const Tensor weight = random_tensor({kWidth}), bias = random_tensor({kWidth});
    const Tensor up = random_tensor(shape);
    bench_pass(report, "layer_norm", shape, 2,
               [&](Tensor& x) { layer_norm(x, weight, bias, 1e-5f, x); });
    bench_pass(report, "rms_norm", shape, 2, [&](Tensor& x) { rms_norm(x, weight, 1e-5f, x); });
    bench_pass(report, "gelu_erf", shape, 2,
               [](Tensor& x) { activate(Activation::gelu_erf, x.span<float>()); });
    bench_pass(report, "gelu_tanh", shape, 2,
               [](Tensor& x) { activate(Activation::gelu_tanh, x.span<float>()); });
    bench_pass(report, "silu_gated", shape, 3, [&](Tensor& x) {
      activate_gated(Activation::silu, x.span<float>(), up.span<float>());
    });
    bench_pass(report, "softmax", shape, 2, [](Tensor& x) { softmax_rows(x); });
    const RopeTable table(RopeTable::frequencies(kHeadDim, 10000), rows);
    for (const RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved})
      bench_pass(report, layout == RopeLayout::half_split ? "rope_half" : "rope_pairs",
                 {rows, kWidth / kHeadDim, kHeadDim}, 2,
                 [&](Tensor& x) { rope(x, table, layout); });
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Linear layers and elementwise ops against the machine's limits");
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--threads", options.threads, "threads to compute with")
      ->check(CLI::Range(1, 1024));
  app.add_option("--filter", options.filter, "only ops whose name holds this");
  CLI11_PARSE(app, argc, argv);
  set_threads(options.threads);
  const double peak = fma_peak_gflops(threads());
  const Report report(options);
  report.add({"fma_peak", "registers", "GFLOP/s", 0, peak, peak});
  for (const DType dtype : {DType::f32, DType::bf16}) bench_linear(report, dtype);
  bench_matmul(report);
  bench_passes(report);
  return 0;
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  return headlight::bench::run(argc, argv);
}
