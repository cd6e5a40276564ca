// What this machine can do at most, per instruction set and per level of memory.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/target_override.h"
#include "peak.h"
#include "peak_bf16.h"
#include "pinning.h"

namespace headlight::bench {
namespace {

struct Options {
  int threads = 1;
  bool json = false;
};

void print(const Options& o, std::string_view what, std::string_view isa, double value,
           std::string_view unit) {
  if (o.json)
    fmt::print(
        "{}\n",
        nlohmann::json{
            {"what", what}, {"isa", isa}, {"threads", o.threads}, {"value", value}, {"unit", unit}}
            .dump());
  else
    fmt::print("{:<28} {:<8} {:>9.1f} {}\n", what, isa, value, unit);
}

void run(const Options& o) {
  set_threads(o.threads);
  pin_threads(o.threads);
  for (const VectorTarget& target : vector_targets()) {
    const TargetOverride override(target);
    print(o, "fma_fp32", target.name, fma_peak_gflops(o.threads), "GFLOP/s");
    print(o, "exp_fp32", target.name, exp_rate_gps(o.threads), "G/s");
  }
  if (has_bf16_dot())
    print(o, "dot_bf16", "AVX512_BF16", bf16_dot_peak_gflops(o.threads), "GFLOP/s");
  struct Level {
    std::string_view what;
    std::int64_t bytes;
  };
  // Well inside a level of today's servers and well past the one before; the last is past any L3.
  constexpr std::int64_t kMemory = std::int64_t{1} << 30;
  const Level levels[] = {{"read_l2", (512 << 10) * o.threads},
                          {"read_l3", (8 << 20) * o.threads},
                          {"read_memory", kMemory}};
  for (const auto& [what, bytes] : levels)
    print(o, what, "", read_bandwidth_gbps(o.threads, bytes), "GB/s");
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  headlight::bench::Options options;
  CLI::App app("The machine's limits: multiply-adds, exp, reads");
  app.add_option("--threads", options.threads, "threads to measure with")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", options.json, "one JSON object a line");
  CLI11_PARSE(app, argc, argv);
  headlight::bench::run(options);
}
