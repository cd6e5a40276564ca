// Attention against the multiply-add peak of the same machine in the same minute: slices of the
// peak loop run before and after every call.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "case_data.h"
#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/statistics.h"
#include "kernels/target_override.h"
#include "memory.h"
#include "peak.h"
#include "peak_bf16.h"
#include "pinning.h"
#include "timing.h"

namespace headlight::bench {
namespace {

struct Options {
  std::vector<std::int64_t> lengths{512, 1024, 2048, 4096, 8192};
  std::vector<std::int64_t> head_dims{64, 128};
  std::int64_t heads = 8;
  std::int64_t kv_heads = 0;  // 0: as many as heads
  bool causal = false;
  std::string statistics;  // empty, "reductions" or "pattern"
  int threads = 1;
  DType dtype = DType::f32;  ///< of q, k, v and z
  std::string kernel, isa;
  double seconds = 2;
  bool memory = false;
  bool json = false;
};

struct Case {
  std::int64_t length, head_dim;
};

/// What --statistics asks for: reductions of every head, or the whole pattern of head 0.
class Statistics {
 public:
  Statistics(const Options& o, const Case& c) {
    const Shape rows{1, o.heads, c.length};
    if (o.statistics == "reductions") {
      request_ = {.entropy = hold(rows),
                  .distance = hold(rows),
                  .offsets = offsets_,
                  .offset_mass = hold({1, o.heads, c.length, std::ssize(offsets_)}),
                  .column_mass = hold(rows)};
    } else if (o.statistics == "pattern") {
      request_ = {.heads = first_head_, .pattern = hold({1, 1, c.length, c.length})};
    }
  }
  const AttentionStatistics* request() const { return tensors_.empty() ? nullptr : &request_; }

 private:
  MutableTensorView hold(Shape shape) { return tensors_.emplace_back(shape); }

  std::vector<std::int64_t> offsets_{0, -1, 1, -2}, first_head_{0};
  std::vector<Tensor> tensors_;
  AttentionStatistics request_;
};

/// Rates of one case in GFLOP/s, and of the peak slices around its calls.
struct Rates {
  std::vector<double> calls, peaks, shares;
  double scratch_mib = 0;
  std::vector<double> costs;  // time with statistics over the time without
  double dot_peak = 0;        ///< of VDPBF16PS; 0 where it is not asked for, or there is none
  AttentionReport report;
};

/// Useful floating-point operations: two products of head_dim multiply-adds for each pair that
/// attends. The softmax counts nothing.
double useful_flops(const Options& o, const Case& c) {
  const double t = static_cast<double>(c.length);
  const double pairs = o.causal ? t * (t + 1) / 2 : t * t;
  return 4.0 * static_cast<double>(c.head_dim * o.heads) * pairs;
}

/// MiB that one call, the first, takes beyond its inputs and outputs, among them a mask of keys.
double scratch_mib(const AttentionTensors& plain, const AttentionOptions& options) {
  Tensor mask(DType::boolean, {1, 1, 1, plain.k.dim(1)});
  std::ranges::fill(mask.span<bool>(), true);
  AttentionTensors tensors = plain;
  tensors.mask = mask;
  const double before = settle_memory();
  attention(tensors, options);
  return memory_mib("VmHWM") - before;
}

Rates measure(const Options& o, const Case& c) {
  constexpr double kSpread = 1.7;  // about the standard deviation 1 of a normalised q
  const std::int64_t kv_heads = o.kv_heads > 0 ? o.kv_heads : o.heads;
  const Tensor q =
      to_dtype(o.dtype, uniform(Stream::q, {1, c.length, o.heads, c.head_dim}, kSpread));
  const Tensor k =
      to_dtype(o.dtype, uniform(Stream::k, {1, c.length, kv_heads, c.head_dim}, kSpread));
  const Tensor v =
      to_dtype(o.dtype, uniform(Stream::v, {1, c.length, kv_heads, c.head_dim}, kSpread));
  Tensor z(o.dtype, Shape{1, c.length, o.heads, c.head_dim});
  const AttentionTensors tensors{.q = q, .k = k, .v = v, .z = z};
  const Statistics statistics(o, c);
  AttentionTensors asking = tensors;
  asking.statistics = statistics.request();
  const AttentionOptions options{.causal = o.causal ? Causal::bottom_right : Causal::none,
                                 .kernel = o.kernel};
  Rates rates;
  if (o.memory) {
    rates.scratch_mib = scratch_mib(asking, options);
    return rates;
  }
  attention(asking, options);
  rates.report = attention(tensors, options);  // warms caches, and the thread's working memory
  if (o.dtype != DType::f32 && has_bf16_dot()) rates.dot_peak = bf16_dot_peak_gflops(o.threads);
  const double flops = useful_flops(o, c);
  double before = fma_slice_gflops(o.threads);
  for (double spent = 0; spent < o.seconds || rates.calls.size() < 5;) {
    const double seconds = seconds_of([&] { attention(tensors, options); });
    const double after = fma_slice_gflops(o.threads);
    if (asking.statistics)
      rates.costs.push_back(seconds_of([&] { attention(asking, options); }) / seconds);
    rates.calls.push_back(flops / seconds * 1e-9);
    rates.peaks.push_back(after);
    rates.shares.push_back(rates.calls.back() / (0.5 * (before + after)));
    before = after;
    spent += seconds;
  }
  return rates;
}

void print_heading(const Options& o) {
  fmt::print("{} heads, {}, {} thread(s), {}; GFLOP/s of useful work\n", o.heads,
             o.causal ? "causal" : "not causal", o.threads, name_of(o.dtype));
  fmt::print("{:>6} {:>5} {:>9} {:>9} {:>9} {:>7} {:>7}  {}\n", "T", "D", "median", "best", "peak",
             "share", "best", "kernel");
}

void print_row(const Options& o, const Case& c, const Rates& rates) {
  const double best = largest(rates.calls), peak = largest(rates.peaks);
  if (o.json) {
    nlohmann::ordered_json row{{"t", c.length},
                               {"head_dim", c.head_dim},
                               {"heads", o.heads},
                               {"causal", o.causal},
                               {"threads", o.threads},
                               {"kernel", rates.report.kernel},
                               {"isa", rates.report.isa},
                               {"rounds", rates.calls.size()},
                               {"gflops", median(rates.calls)},
                               {"best_gflops", best},
                               {"best_fma_peak_gflops", peak},
                               {"fma_peak_gflops", median(rates.peaks)},
                               {"share", median(rates.shares)},
                               {"best_share", best / peak},
                               {"dtype", name_of(o.dtype)},
                               {"bf16_dot_peak_gflops", rates.dot_peak}};
    if (!rates.costs.empty()) row["statistics_cost"] = median(rates.costs);
    fmt::print("{}\n", row.dump());
  } else {
    fmt::print("{:>6} {:>5} {:>9.1f} {:>9.1f} {:>9.1f} {:>6.1f}% {:>6.1f}%  {}\n", c.length,
               c.head_dim, median(rates.calls), best, peak, 100 * median(rates.shares),
               100 * best / peak, to_string(rates.report));
    if (!rates.costs.empty())
      fmt::print("{:>12} with {}: {:.3f} times as long\n", "", o.statistics, median(rates.costs));
    if (rates.dot_peak > 0)
      fmt::print("{:>14} of {:.1f} by VDPBF16PS: {:.1f}%\n", "", rates.dot_peak,
                 100 * median(rates.calls) / rates.dot_peak);
  }
  std::fflush(stdout);
}

Options parse(CLI::App& app, int argc, char** argv) {
  Options o;
  app.add_option("--t", o.lengths, "lengths of the sequence")->delimiter(',');
  app.add_option("--head-dim", o.head_dims, "widths of a head")->delimiter(',');
  app.add_option("--heads", o.heads, "query heads")->check(CLI::Range(1, 1024));
  app.add_option("--kv-heads", o.kv_heads, "key/value heads; as many as query heads by default");
  app.add_flag("--causal", o.causal, "each query sees the keys up to its own");
  app.add_option("--statistics", o.statistics,
                 "also time calls that give reductions of every head, or the pattern of one")
      ->check(CLI::IsMember({"reductions", "pattern"}));
  app.add_option("--threads", o.threads, "threads to compute with")->check(CLI::Range(1, 1024));
  const std::map<std::string, DType> dtypes{
      {"f32", DType::f32}, {"bf16", DType::bf16}, {"f16", DType::f16}};
  app.add_option("--dtype", o.dtype, "storage of q, k, v and z (f32, bf16, f16)")
      ->transform(CLI::CheckedTransformer(dtypes));
  app.add_option("--kernel", o.kernel, "force this kernel");
  app.add_option("--isa", o.isa, "force this instruction set (avx2, avx-512)");
  app.add_option("--seconds", o.seconds, "time to spend on each case");
  app.add_flag("--memory", o.memory, "make one call, and say how much memory it took");
  app.add_flag("--json", o.json, "one JSON object a line");
  app.parse(argc, argv);
  return o;
}

void run(const Options& o) {
  if (!o.isa.empty()) setenv("HEADLIGHT_ISA", o.isa.c_str(), 1);
  use_target_from_environment();
  set_threads(o.threads);
  pin_threads(o.threads);
  if (!o.json && !o.memory) print_heading(o);
  for (const std::int64_t head_dim : o.head_dims)
    for (const std::int64_t length : o.lengths)
      if (o.memory)
        fmt::print("{:>6} {:>5} {:>9.1f} MiB beyond inputs and outputs\n", length, head_dim,
                   measure(o, {length, head_dim}).scratch_mib);
      else
        print_row(o, {length, head_dim}, measure(o, {length, head_dim}));
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  CLI::App app("Attention against the machine's multiply-add peak");
  try {
    headlight::bench::run(headlight::bench::parse(app, argc, argv));
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const headlight::Error& e) {
    fmt::print(stderr, "bench_attention: {}\n", e.what());
    return 1;
  }
}
