// headlight experiment: a claim about heads, tested over several seeds.
#include "app/experiment_command.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "app/end_signals.h"
#include "app/progress_bar.h"
#include "app/terminal.h"
#include "core/error.h"
#include "core/mapped_file.h"
#include "core/threads.h"
#include "train/experiments/experiment.h"

namespace headlight::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string name, out = "experiments", model;
  ExperimentOptions experiment;
  bool json = false;
};

/// What an experiment leaves in --out, and finds there again.
class Record {
 public:
  Record(const fs::path& folder, std::string_view name)
      : folder_(folder), path_(folder / fmt::format("{}.json", name)) {
    std::error_code error;
    fs::create_directories(folder, error);
    check(!error, "experiment", "cannot make the folder {}: {}", shown(folder), error.message());
    if (is_taken(path_)) before_ = read_json_file(path_);
  }

  /// Measures of all experiments in the folder: a trial that another one ran is not run again.
  Measures known() const {
    Measures out;
    for (const Experiment& experiment : experiments()) {
      const fs::path path = folder_ / fmt::format("{}.json", experiment.name);
      if (is_taken(path)) out.merge(measures_in(read_json_file(path)));
    }
    return out;
  }

  /// Trials of earlier runs with other settings stay.
  void write(const std::vector<Trial>& trials, const Measures& measures, Json report) const {
    Json list = to_json(trials, measures);
    if (before_.is_object() && before_.contains("trials"))
      for (const Json& trial : before_.at("trials"))
        if (std::ranges::none_of(trials, [&](const Trial& t) { return is_of(trial, t); }))
          list.push_back(trial);
    report["trials"] = std::move(list);
    write_text_file(path_, report.dump(1) + "\n");
  }

  static std::string shown(const fs::path& path) { return printable(path.string(), 300); }
  const fs::path& path() const { return path_; }
  fs::path picture() const { return fs::path(path_).replace_extension(".svg"); }

 private:
  static bool is_of(const Json& written, const Trial& trial) {
    return written.is_object() && written.contains("id") && written.at("id") == trial.id();
  }

  fs::path folder_, path_;
  Json before_;
};

std::size_t column_width(const Table& table, std::size_t column) {
  std::size_t width = display_width(table.columns[column].name);
  for (const TableRow& row : table.rows)
    width =
        std::max(width, display_width(text_of(row.values[column], table.columns[column].decimals)));
  return width + 2;
}

std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, display_width(text)), ' ') + text;
}

/// Columns [begin, end) of a table.
std::string columns_text(const Table& table, std::size_t begin, std::size_t end, std::size_t names,
                         const Style& style) {
  std::string head = fit(table.row_title, names), out;
  for (std::size_t c = begin; c < end; ++c)
    head += right_aligned(table.columns[c].name, column_width(table, c));
  for (const TableRow& row : table.rows) {
    out += fit(row.name, names);
    for (std::size_t c = begin; c < end; ++c)
      out +=
          right_aligned(text_of(row.values[c], table.columns[c].decimals), column_width(table, c));
    out += "\n";
  }
  return style.bold(head) + "\n" + out;
}

/// A table, in parts where it is wider than a terminal.
std::string table_text(const Table& table, const Style& style) {
  std::size_t names = display_width(table.row_title);
  for (const TableRow& row : table.rows) names = std::max(names, display_width(row.name));
  std::string out = "\n" + table.title + "\n";
  for (std::size_t begin = 0, end = 0; begin < table.columns.size(); begin = end) {
    std::size_t width = names;
    while (end < table.columns.size() &&
           (end == begin || width + column_width(table, end) <= kColumns))
      width += column_width(table, end++);
    out += columns_text(table, begin, end, names, style);
  }
  return out;
}

std::string report_text(const ExperimentReport& report, std::int64_t seeds) {
  const Style style = Style::of_stdout();
  std::string out =
      fmt::format("{} seeds; mean ± half width of the 95 % interval (Student's t)\n", seeds);
  for (const std::string& note : report.notes) out += "  " + note + "\n";
  for (const Table& table : report.tables) out += table_text(table, style);
  out += "\n";
  for (const Claim& claim : report.claims)
    out += fmt::format("{}  {}\n          {}\n", style.bold(claim.held ? "HELD    " : "NOT HELD"),
                       claim.text, claim.evidence);
  return out;
}

/// Runs what is not known yet; true when nothing is left.
bool measure(const std::vector<Trial>& trials, Measures& known, const Record& record) {
  EndSignals signals;  // before the first thread
  ProgressBar bar;
  TrialCallbacks callbacks;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  std::string last = "";
  callbacks.should_stop = [&] { return signals.taken(); };
  callbacks.on_progress = [&](std::int64_t done, std::int64_t total) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double left = seconds * static_cast<double>(total - done) / static_cast<double>(done);
    bar.show(done, total, fmt::format("steps  {} left  {}", duration_text(left), last));
  };
  callbacks.on_result = [&](const Trial& trial, const Json&) {
    last = fmt::format("{}, seed {}: done", trial.arm, trial.seed);
    record.write(trials, known, Json::object());
  };
  return run_trials(trials, known, callbacks);
}

int run(Options options) {
  const Experiment& experiment = find_experiment(options.name);
  options.experiment.model = resolve_model(options.model).folder;
  const std::vector<Trial> trials = experiment.trials(options.experiment);
  const Record record(options.out, experiment.name);
  Measures known = record.known();
  if (!measure(trials, known, record)) {
    print("stopped; the same command goes on with what is left\n");
    return 0;
  }
  const ExperimentReport report = experiment.report(Results(trials, known));
  const Json json = to_json(report);
  record.write(trials, known, json);
  write_text_file(record.picture(), to_svg(report.plot));
  if (options.json)
    print_json(json);
  else
    print(report_text(report, options.experiment.seeds) +
          fmt::format("\n{}, {}\n", Record::shown(record.path()), Record::shown(record.picture())));
  return 0;
}

std::string experiment_list() {
  std::string text;
  for (const Experiment& experiment : experiments())
    text += fmt::format("  {:<11} {}\n", experiment.name, experiment.about);
  return text;
}

}  // namespace

void add_experiment(CommandLine& line) {
  auto options = std::make_shared<Options>();
  ExperimentOptions& e = options->experiment;
  CLI::App* command = line.add(
      "experiment", "Test a claim about heads over several seeds",
      "  headlight experiment rescues\n"
      "  headlight experiment heads --heads 1,8 --seeds 8\n"
      "  headlight experiment redundancy\n"
      "Experiments:\n" +
          experiment_list() +
          "Prints a table with intervals and whether each claim held; writes NAME.json and\n"
          "NAME.svg. Ctrl-C loses the trainings that are under way; the same command goes on.\n"
          "docs/experiments.md has the results.",
      [options] { return run(*options); });
  command->add_option("NAME", options->name, "Which experiment")->required();
  command->add_option("--seeds", e.seeds, "Seeds 1 to N (default: 5)")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  command->add_option("--steps", e.steps, "Steps of a training, instead of the experiment's")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->type_name("N");
  command->add_option("--heads", e.heads, "heads: the numbers to compare, divisors of 64")
      ->delimiter(',')
      ->type_name("N,...");
  command
      ->add_option("--model", options->model,
                   "redundancy: a model of the micro-world (default: the built-in one)")
      ->type_name("DIR");
  command->add_option("--out", options->out, "Folder for results (default: experiments)")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print tables and claims as JSON");
}

}  // namespace headlight::app
