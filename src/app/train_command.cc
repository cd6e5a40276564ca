// headlight train: a model from settings and data.
#include <memory>

#include "app/command.h"
#include "app/end_signals.h"
#include "app/errors.h"
#include "app/progress_bar.h"
#include "app/watch_table.h"
#include "core/mapped_file.h"
#include "core/threads.h"
#include "train/examples.h"
#include "train/run.h"
#include "train/settings.h"

namespace headlight::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string preset, config, out, start;
  std::vector<std::string> data;
  std::optional<std::int64_t> steps, seed;
  bool resume = false, watch = false;
};

/// Cuts a run to `steps`, each part in proportion; a shorter one warms up for as large a part of
/// it.
void shorten(std::vector<TrainSettings>& parts, std::int64_t steps) {
  std::int64_t total = 0, done = 0;
  for (const TrainSettings& part : parts) total += part.steps;
  check(steps >= std::ssize(parts), "train", "{} steps are too few for a run of {} parts", steps,
        parts.size());
  for (TrainSettings& part : parts) {
    const std::int64_t before = part.steps;
    const bool last = &part == &parts.back();
    part.steps = last ? steps - done : std::max<std::int64_t>(1, steps * before / total);
    part.warmup = part.warmup * part.steps / before;
    done += part.steps;
  }
}

/// The preset's or the file's settings, part by part, with what the command line changes.
std::vector<TrainSettings> parts_of(const Options& options) {
  if (options.preset.empty() == options.config.empty())
    throw UsageError("train", options.preset.empty() ? "give --preset NAME or --config FILE"
                                                     : "give --preset or --config, not both");
  auto parts =
      options.preset.empty()
          ? train_parts(read_text_file(options.config, 1 << 20), printable(options.config, 300))
          : train_parts(find_preset(options.preset).settings, "preset " + options.preset);
  if (options.seed) {
    // The parts of a run see different examples, so seeds that differ go on differing.
    const std::uint64_t shift = static_cast<std::uint64_t>(*options.seed) - parts.front().seed;
    for (TrainSettings& part : parts) part.seed += shift;
  }
  if (options.steps) shorten(parts, *options.steps);
  return parts;
}

fs::path out_of(const Options& options) {
  if (!options.out.empty()) return options.out;
  return fs::path("trained") /
         (options.preset.empty() ? fs::path(options.config).stem().string() : options.preset);
}

std::string text_of(const RunProgress& p) {
  const double left = static_cast<double>(p.steps - p.report.step) *
                      static_cast<double>(p.report.tokens) / p.tokens_per_second;
  return fmt::format("loss {:.4f}  {} tok/s  {} left", p.report.sum.mean(),
                     count_text(p.tokens_per_second), duration_text(left));
}

void announce(const Trainer& trainer, const TrainSettings& settings, const fs::path& out) {
  const ModelConfig& c = trainer.config();
  print(fmt::format(
      "{}: {}, d_model {}, vocabulary {}, {} parameters\n"
      "{} steps of {} sequences, seed {}, {} threads; to {}\n",
      name_of(c.family), heads_text(c), c.d_model, c.vocab_size, trainer.n_parameters(),
      settings.steps, settings.sequences, settings.seed, threads(), printable(out.string(), 300)));
}

std::string result_text(const LossSum& last, const std::vector<NamedLoss>& heldout,
                        const fs::path& out) {
  std::string text =
      fmt::format("trained: loss {:.4f}, {:.1f} % right", last.mean(), 100 * last.accuracy());
  for (const NamedLoss& part : heldout)
    text += fmt::format("\nheld out, {}: loss {:.4f}, {:.1f} % right", part.name, part.sum.mean(),
                        100 * part.sum.accuracy());
  return text + fmt::format("\nmodel: {}\n", printable(out.string(), 300));
}

/// Trains with a progress bar; true when all steps are done.
bool train(const TrainSettings& settings, Trainer& trainer, RunOptions run, LossSum& last) {
  ProgressBar bar;
  run.on_step = [&](const RunProgress& progress) {
    last = progress.report.sum;
    bar.show(progress.report.step, progress.steps, text_of(progress));
  };
  return run_training(settings, trainer, run);
}

/// One part of a run, into `out`, from the weights in `start` if that is given; whether it ended.
bool run_part(const TrainSettings& settings, const Options& options, const fs::path& start,
              const fs::path& out, EndSignals& signals) {
  const std::vector<fs::path> files(options.data.begin(), options.data.end());
  const auto source = make_examples(settings, files);
  Trainer trainer(settings, *source);
  if (!start.empty()) trainer.start_from(resolve_model(start.string()).folder);
  announce(trainer, settings, out);
  RunOptions run{.out = out, .resume = options.resume};
  run.should_stop = [&] { return signals.taken(); };
  WatchTable table(trainer.config().n_heads);
  if (options.watch) run.on_snapshot = [&](const Json& snapshot) { table.show(snapshot); };
  LossSum last;
  const bool finished = train(settings, trainer, run, last);
  if (finished)
    print(result_text(last, trainer.evaluate(), out));
  else
    print(fmt::format("stopped after step {}; the same command with --resume goes on\n",
                      trainer.steps_done()));
  return finished;
}

/// Part i of a run goes to DIR/part-i, the last one to DIR itself.
int run(const Options& options) {
  const std::vector<TrainSettings> parts = parts_of(options);
  const fs::path out = out_of(options);
  EndSignals signals;  // before the first thread
  fs::path start = options.start;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const fs::path to = last ? out : out / fmt::format("part-{}", i + 1);
    if (!run_part(parts[i], options, start, to, signals)) break;
    start = to;
  }
  return 0;
}

std::string preset_list() {
  std::string text;
  for (const Preset& preset : presets())
    text += fmt::format("  {:<15} {}\n", preset.name, preset.about);
  return text;
}

}  // namespace

void add_train(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.add("train", "Train a model from scratch",
               "  headlight train --preset nano-sort --out sort\n"
               "  headlight train --preset text-gpt --data shakespeare.txt --out bard\n"
               "  headlight train --preset text-gpt --data shakespeare.txt --out bard --resume\n"
               "Presets:\n" +
                   preset_list() +
                   "Ctrl-C finishes the step and saves; --resume goes on. docs/training.md has the "
                   "settings.",
               [options] { return run(*options); });
  command->add_option("--preset", options->preset, "Settings that are part of the program")
      ->type_name("NAME");
  command->add_option("--config", options->config, "Settings from a JSON file")->type_name("FILE");
  command->add_option("--data", options->data, "Text files to train on")->type_name("FILE...");
  command->add_option("--out", options->out, "Folder for the model (default: trained/NAME)")
      ->type_name("DIR");
  command
      ->add_option("--start", options->start,
                   "Begin with this model's weights; micro-world and sort only")
      ->type_name("DIR");
  command->add_option("--steps", options->steps, "Steps, instead of the settings'")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->type_name("N");
  command->add_option("--seed", options->seed, "Seed, instead of the settings'")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 53))
      ->type_name("N");
  command->add_flag("--watch", options->watch,
                    "Print which heads look along which relations while they learn to");
  command->add_flag("--resume", options->resume, "Go on with the run in --out, if there is one");
}

}  // namespace headlight::app
