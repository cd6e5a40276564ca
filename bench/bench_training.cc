// One side of bench/peers/train_torch.py: trains, so many steps at a time, and says how long it
// took. Before that it writes what the other side needs to do the same: the initial model and the
// examples of every step.
// usage: bench_training SETTINGS.json FOLDER [TEXT...]      (HEADLIGHT_THREADS: how many threads)
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/mapped_file.h"
#include "io/safetensors.h"
#include "train/trainer.h"

namespace headlight::bench {
namespace {

using Json = nlohmann::json;

Tensor tensor_of(const std::vector<std::int64_t>& values) {
  Tensor out(DType::i64, {std::ssize(values)});
  std::ranges::copy(values, out.span<std::int64_t>().begin());
  return out;
}

/// All examples of a run, one after another: their lengths, ids and targets.
void write_examples(const TrainSettings& settings, const ExampleSource& source,
                    const std::filesystem::path& path) {
  std::vector<std::int64_t> lengths, ids, targets;
  for (std::int64_t i = 0; i < settings.steps * settings.sequences; ++i) {
    const Example example = source.example(static_cast<std::uint64_t>(i));
    lengths.push_back(std::ssize(example.ids));
    ids.insert(ids.end(), example.ids.begin(), example.ids.end());
    targets.insert(targets.end(), example.targets.begin(), example.targets.end());
  }
  const Tensor l = tensor_of(lengths), i = tensor_of(ids), t = tensor_of(targets);
  write_safetensors(path, {{"lengths", l}, {"ids", i}, {"targets", t}});
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Json train(Trainer& trainer, std::int64_t steps) {
  using Clock = std::chrono::steady_clock;
  Json losses = Json::array();
  std::int64_t tokens = 0;
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < steps; ++i) {
    const StepReport report = trainer.step();
    losses.push_back(report.sum.mean());
    tokens += report.tokens;
  }
  const std::chrono::duration<double> wall = Clock::now() - start;
  return {
      {"losses", losses}, {"tokens", tokens}, {"wall", wall.count()}, {"cpu", cpu_seconds() - cpu}};
}

int run(const std::vector<std::string>& arguments) {
  check(arguments.size() >= 2, "bench_training",
        "usage: bench_training SETTINGS.json FOLDER [TEXT...]");
  const TrainSettings settings = train_settings(read_text_file(arguments[0]), arguments[0]);
  const std::filesystem::path folder = arguments[1];
  const auto source = make_examples(settings, {arguments.begin() + 2, arguments.end()});
  Trainer trainer(settings, *source);
  trainer.write_model(folder);
  write_examples(settings, *source, folder / "examples.safetensors");
  std::cout << Json{{"parameters", trainer.n_parameters()}}.dump() << std::endl;
  for (std::int64_t steps = 0; std::cin >> steps;)
    std::cout << train(trainer, steps).dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace headlight::bench

int main(int argc, char** argv) {
  try {
    return headlight::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
