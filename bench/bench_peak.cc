// What this machine can do at most. usage: bench_peak [--json] [--threads N]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "core/threads.h"
#include "peak.h"

namespace headlight::bench {
namespace {

int run(int argc, char** argv) {
  bool json = false;
  int count = 1;
  CLI::App app("The machine's limits: multiply-adds, and reads by level of the memory");
  app.add_flag("--json", json, "one JSON object");
  app.add_option("--threads", count, "threads to measure with")->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);
  set_threads(count);
  constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB;
  const nlohmann::ordered_json figures = {
      {"threads", count},
      {"fma_peak_gflops", fma_peak_gflops(count)},
      {"read_16KiB_gbps", read_bandwidth_gbps(count, count * 16 * kKiB)},
      {"read_1MiB_gbps", read_bandwidth_gbps(count, count * kMiB)},
      {"read_16MiB_gbps", read_bandwidth_gbps(count, count * 16 * kMiB)},
      {"read_512MiB_gbps", read_bandwidth_gbps(count, 512 * kMiB)}};
  if (json) {
    fmt::print("{}\n", figures.dump());
    return 0;
  }
  for (const auto& [name, value] : figures.items())
    fmt::print("{:<18} {:>8.1f}\n", name, value.get<double>());
  return 0;
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  return headlight::bench::run(argc, argv);
}
