// The attention op against the FMA peak, measured in turns in the same run.
// usage: bench_attention [--json] [--t 512,2048] [--head-dim 64,128] [--heads H] [--kv-heads H]
//                        [--causal] [--threads N] [--kernel NAME] [--isa NAME] [--rounds N]
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "case_data.h"
#include "core/threads.h"
#include "kernels/attention.h"
#include "kernels/target_override.h"
#include "peak.h"
#include "timing.h"

namespace headlight::bench {
namespace {

struct Options {
  bool json = false, causal = false;
  std::vector<std::int64_t> lengths = {512, 1024, 2048, 4096, 8192};
  std::vector<std::int64_t> head_dims = {64, 128};
  std::int64_t heads = 8, kv_heads = 0;
  int threads = 1, rounds = 9;
  std::string kernel, isa;
};

/// Useful work: 2 products of head_dim multiply-adds for every pair that attends.
double useful_flops(std::int64_t t, std::int64_t heads, std::int64_t head_dim, bool causal) {
  const double n = static_cast<double>(t);
  const double pairs = causal ? n * (n + 1) / 2 : n * n;
  return 4.0 * static_cast<double>(head_dim * heads) * pairs;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Line {
  std::int64_t t, head_dim;
  AttentionReport report;
  double ms, gflops, peak, share;  // medians over the rounds
};

/// One length and head_dim: every round measures the peak, then the op, so both see one machine.
Line measure(const Options& o, std::int64_t t, std::int64_t head_dim) {
  const std::int64_t kv_heads = o.kv_heads == 0 ? o.heads : o.kv_heads;
  const Tensor q = uniform(Stream::q, {1, t, o.heads, head_dim}, 1.7);
  const Tensor k = uniform(Stream::k, {1, t, kv_heads, head_dim}, 1.7);
  const Tensor v = uniform(Stream::v, {1, t, kv_heads, head_dim}, 1.7);
  Tensor z(q.shape());
  AttentionTensors tensors;
  tensors.q = q;
  tensors.k = k;
  tensors.v = v;
  tensors.z = z;
  const AttentionOptions options{.scale = {},
                                 .softcap = 0,
                                 .causal = o.causal ? Causal::bottom_right : Causal::none,
                                 .window = {},
                                 .kernel = o.kernel};
  Line line{t, head_dim, attention(tensors, options), 0, 0, 0, 0};
  const double flops = useful_flops(t, o.heads, head_dim, o.causal);
  std::vector<double> ms, gflops, peaks, shares;
  for (int i = 0; i < o.rounds; ++i) {
    const double peak = fma_peak_gflops(o.threads);
    const double seconds = best_seconds([&] { attention(tensors, options); }, 0.05, 1);
    ms.push_back(seconds * 1e3);
    gflops.push_back(flops / seconds * 1e-9);
    peaks.push_back(peak);
    shares.push_back(gflops.back() / peak);
  }
  line.ms = median(ms);
  line.gflops = median(gflops);
  line.peak = median(peaks);
  line.share = median(shares);
  return line;
}

void print(const Options& o, const Line& l) {
  if (o.json) {
    const nlohmann::ordered_json line = {{"t", l.t},
                                         {"head_dim", l.head_dim},
                                         {"heads", o.heads},
                                         {"causal", o.causal},
                                         {"threads", o.threads},
                                         {"kernel", l.report.kernel},
                                         {"isa", l.report.isa},
                                         {"rounds", o.rounds},
                                         {"ms", l.ms},
                                         {"gflops", l.gflops},
                                         {"fma_peak_gflops", l.peak},
                                         {"share", l.share}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print(
        "{:>6} {:>8} {:>5} {:>7} {:<12} {:>10.2f} ms {:>8.1f} GFLOP/s {:>5.1f} % of {:.1f}\n", l.t,
        l.head_dim, o.heads, o.causal ? "causal" : "full",
        fmt::format("{}/{}", l.report.kernel, l.report.isa), l.ms, l.gflops, 100 * l.share, l.peak);
  }
  std::fflush(stdout);
}

/// Keeps the process on as many cores as it computes with, so that it does not wander.
void pin(int count) {
  cpu_set_t available, chosen;
  CPU_ZERO(&chosen);
  if (sched_getaffinity(0, sizeof(available), &available) != 0) return;
  for (std::size_t core = 0; core < CPU_SETSIZE && CPU_COUNT(&chosen) < count; ++core)
    if (CPU_ISSET(core, &available)) CPU_SET(core, &chosen);
  sched_setaffinity(0, sizeof(chosen), &chosen);
}

int run(int argc, char** argv) {
  Options o;
  CLI::App app("The attention op against the FMA peak of the same run");
  app.add_flag("--json", o.json, "one JSON object a line");
  app.add_flag("--causal", o.causal, "each query sees no later key");
  app.add_option("--t", o.lengths, "query and key lengths")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--head-dim", o.head_dims, "widths of a head")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  app.add_option("--heads", o.heads, "query heads")->check(CLI::PositiveNumber);
  app.add_option("--kv-heads", o.kv_heads, "key/value heads (default: as many)");
  app.add_option("--threads", o.threads, "threads to compute with")->check(CLI::Range(1, 1024));
  app.add_option("--rounds", o.rounds, "rounds to take medians of")->check(CLI::PositiveNumber);
  app.add_option("--kernel", o.kernel, "force this kernel");
  app.add_option("--isa", o.isa, "force this instruction set, such as avx2");
  CLI11_PARSE(app, argc, argv);
  if (!o.isa.empty()) setenv("HEADLIGHT_ISA", o.isa.c_str(), 1);
  use_target_from_environment();
  pin(o.threads);
  set_threads(o.threads);
  for (const std::int64_t head_dim : o.head_dims)
    for (const std::int64_t t : o.lengths) print(o, measure(o, t, head_dim));
  return 0;
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  try {
    return headlight::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_attention: {}\n", e.what());
    return 1;
  }
}
