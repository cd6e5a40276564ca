// Headlight as a worker of bench/compare: JSON lines in, JSON lines out, as
// bench/peers/protocol.py describes them.
// usage: bench_worker      (HEADLIGHT_THREADS says how many threads)
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/threads.h"
#include "memory.h"
#include "peak.h"
#include "workload.h"

namespace headlight::bench {
namespace {

using Json = nlohmann::json;
using Workloads = std::map<std::string, std::unique_ptr<Workload>>;

constexpr std::size_t kMaxCalls = 4000;

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

DType dtype_of(const std::string& name) {
  for (const DType dtype : {DType::f32, DType::bf16})
    if (name == name_of(dtype)) return dtype;
  fail("bench_worker", "dtype {} is neither f32 nor bf16", name);
}

Case case_of(const Json& from) {
  Case c;
  from.at("kind").get_to(c.kind);
  from.at("batch").get_to(c.batch);
  from.at("q_len").get_to(c.q_len);
  from.at("kv_len").get_to(c.kv_len);
  from.at("n_heads").get_to(c.n_heads);
  from.at("n_kv_heads").get_to(c.n_kv_heads);
  from.at("head_dim").get_to(c.head_dim);
  from.at("causal").get_to(c.causal);
  c.dtype = dtype_of(from.at("dtype").get<std::string>());
  return c;
}

Json load(Workloads& workloads, const Json& request) {
  const Case c = case_of(request.at("case"));
  const double before = settle_memory();
  std::unique_ptr<Workload> workload = make_workload(c);
  workload->run();
  workload->settle();
  // Weights were packed from copies that are gone now; only what stays is counted.
  settle_memory();
  workload->run();
  workloads[request.at("variant")] = std::move(workload);
  return {{"rss_mib", memory_mib("VmHWM") - before}};
}

Json save(const Workload& workload, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  for (const TensorView& output : workload.outputs()) {
    const Tensor wide = to_f32(output);
    file.write(reinterpret_cast<const char*>(wide.span<float>().data()),
               static_cast<std::streamsize>(wide.bytes()));
  }
  check(file.good(), "bench_worker", "cannot write {}", path);
  return Json::object();
}

// Times single calls after one that warms the caches.
Json measure(Workload& workload, double seconds) {
  using Clock = std::chrono::steady_clock;
  workload.run();
  std::vector<double> wall, cpu;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (wall.empty() || (Clock::now() < end && wall.size() < kMaxCalls)) {
    const double cpu_start = cpu_ms();
    const auto start = Clock::now();
    workload.run();
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    cpu.push_back(cpu_ms() - cpu_start);
    wall.push_back(took.count());
  }
  return {{"wall_ms", wall}, {"cpu_ms", cpu}};
}

Json limit(const Json& request) {
  if (request.at("of") == "fma") return {{"value", fma_peak_gflops(threads())}};
  return {{"value", read_bandwidth_gbps(threads(), request.at("bytes"))}};
}

Workload& loaded(const Workloads& workloads, const Json& request) {
  const auto found = workloads.find(request.at("variant"));
  check(found != workloads.end(), "bench_worker", "variant {} was not loaded",
        request.at("variant").dump());
  return *found->second;
}

Json answer(Workloads& workloads, const Json& request) {
  const std::string what = request.at("do");
  if (what == "hello") return {{"peer", "Headlight"}, {"version", ""}, {"variants", {"attention"}}};
  if (what == "load") return load(workloads, request);
  if (what == "save") return save(loaded(workloads, request), request.at("path"));
  if (what == "time") return measure(loaded(workloads, request), request.at("seconds"));
  if (what == "limit") return limit(request);
  if (what == "drop") {
    workloads.clear();
    return Json::object();
  }
  fail("bench_worker", "unknown request {}", what);
}

int serve() {
  Workloads workloads;
  for (std::string line; std::getline(std::cin, line);) {
    Json reply;
    try {
      reply = answer(workloads, Json::parse(line));
    } catch (const std::exception& error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace headlight::bench

int main() {
  return headlight::bench::serve();
}
