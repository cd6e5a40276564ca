#include "train/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "core/error.h"
#include "io/nearest_name.h"
#include "train/hash.h"

namespace headlight {
namespace {

constexpr std::array<std::pair<DataKind, std::string_view>, 3> kDataKinds = {
    {{DataKind::text, "text"}, {DataKind::sort, "sort"}, {DataKind::micro_world, "micro-world"}}};

template <class T>
struct Range {
  T least, most;
};

/// The settings, declared once: reading, writing and the names that are known all visit this list.
/// What only says how often to look is visited last.
template <class Settings, class Visit>
void visit_data(Settings& s, Visit&& visit) {
  visit("kind", s.kind, Range<int>{});
  visit("vocab_size", s.vocab_size, Range<std::int64_t>{256, 1 << 20});
  visit("length", s.length, Range<std::int64_t>{0, 1 << 20});
  visit("mask_share", s.mask_share, Range<double>{0.001, 1});
  visit("partner_share", s.partner_share, Range<double>{0, 1});
}

template <class Settings, class Visit>
void visit_run(Settings& s, Visit&& visit) {
  constexpr std::int64_t kMost = 1 << 30;
  visit("seed", s.seed, Range<std::int64_t>{0, std::int64_t{1} << 53});
  visit("steps", s.steps, Range<std::int64_t>{1, kMost});
  visit("sequences", s.sequences, Range<std::int64_t>{1, 1 << 20});
  visit("micro_batches", s.micro_batches, Range<std::int64_t>{1, 1 << 20});
  visit("learning_rate", s.learning_rate, Range<double>{0, 10});
  visit("final_learning_rate", s.final_learning_rate, Range<double>{0, 1});
  visit("warmup", s.warmup, Range<std::int64_t>{0, kMost});
  visit("beta1", s.adamw.beta1, Range<double>{0, 0.99999});
  visit("beta2", s.adamw.beta2, Range<double>{0, 0.99999});
  visit("epsilon", s.adamw.epsilon, Range<double>{1e-30, 1});
  visit("weight_decay", s.adamw.weight_decay, Range<double>{0, 10});
  visit("clip", s.clip, Range<double>{0, 1e9});
  visit("initial_deviation", s.initial_deviation, Range<double>{0, 10});
  visit("head_overlap", s.head_overlap, Range<double>{0, 1000});
}

template <class Settings, class Visit>
void visit_habits(Settings& s, Visit&& visit) {
  constexpr std::int64_t kMost = 1 << 30;
  visit("checkpoint_every", s.checkpoint_every, Range<std::int64_t>{1, kMost});
  visit("evaluate_every", s.evaluate_every, Range<std::int64_t>{1, kMost});
  visit("snapshots", s.snapshots, Range<std::int64_t>{0, 10000});
}

/// Reads what is there, keeps the default of what is not, and remembers every name it was asked.
struct Reader {
  const JsonObject& from;
  std::vector<std::string_view>& known;

  void operator()(std::string_view key, std::int64_t& value, Range<std::int64_t> range) {
    known.push_back(key);
    value = from.integer_or(key, value, range.least, range.most);
  }
  void operator()(std::string_view key, std::uint64_t& value, Range<std::int64_t> range) {
    auto number = static_cast<std::int64_t>(value);
    (*this)(key, number, range);
    value = static_cast<std::uint64_t>(number);
  }
  void operator()(std::string_view key, double& value, Range<double> range) {
    known.push_back(key);
    value = from.number_or(key, value);
    check(range.least <= value && value <= range.most, "train", "{}: {} {} is not in [{}, {}]",
          from.source(), key, value, range.least, range.most);
  }
  void operator()(std::string_view key, DataKind& value, Range<int>) {
    known.push_back(key);
    const std::string text = from.string_or(key, name_of(value));
    for (const auto& [kind, name] : kDataKinds)
      if (name == text) return void(value = kind);
    fail("train", "{}: {} \"{}\" is not known; known: text, sort, micro-world", from.source(), key,
         printable(text));
  }
};

struct Writer {
  Json& out;

  void operator()(std::string_view key, DataKind value, Range<int>) {
    out[std::string(key)] = name_of(value);
  }
  template <class T, class R>
  void operator()(std::string_view key, const T& value, R) {
    out[std::string(key)] = value;
  }
};

void refuse_unknown(const Json& object, const std::vector<std::string_view>& known,
                    std::string_view source) {
  for (const auto& [key, value] : object.items())
    check(std::ranges::find(known, key) != known.end(), "train", "{}: \"{}\" is not a setting{}",
          source, printable(key), nearest_hint(key, known));
}

Json model_and_run(const TrainSettings& settings) {
  Json out = Json::object(), data = Json::object();
  visit_data(settings.data, Writer{data});
  visit_run(settings, Writer{out});
  out["model"] = settings.model;
  out["data"] = std::move(data);
  return out;
}

}  // namespace

std::string_view name_of(DataKind kind) {
  for (const auto& [value, name] : kDataKinds)
    if (value == kind) return name;
  fail("train", "data kind {} has no name", static_cast<int>(kind));
}

double TrainSettings::head_overlap_at(std::int64_t step) const {
  return head_overlap * std::min(1.0, 2 * static_cast<double>(step) / static_cast<double>(steps));
}

LearningRate TrainSettings::schedule() const {
  return {.peak = learning_rate, .floor = final_learning_rate, .warmup = warmup, .steps = steps};
}

namespace {

TrainSettings settings_of(const Json& json, std::string_view source) {
  const JsonObject object(json, std::string(source));
  TrainSettings settings;
  std::vector<std::string_view> known = {"model", "data"};
  visit_run(settings, Reader{object, known});
  visit_habits(settings, Reader{object, known});
  refuse_unknown(json, known, source);
  settings.model = object.at("model");
  check(settings.model.is_object(), "train", "{}: model must be an object, a config.json", source);
  const std::string inner = fmt::format("{}: data", source);
  std::vector<std::string_view> known_data;
  const JsonObject data(object.at("data"), inner);
  visit_data(settings.data, Reader{data, known_data});
  refuse_unknown(object.at("data"), known_data, inner);
  check(settings.micro_batches <= settings.sequences, "train",
        "{}: {} sequences cannot be split into {} micro_batches", source, settings.sequences,
        settings.micro_batches);
  check(settings.warmup <= settings.steps, "train", "{}: warmup {} is longer than steps {}", source,
        settings.warmup, settings.steps);
  return settings;
}

}  // namespace

TrainSettings train_settings(std::string_view text, std::string_view source) {
  return settings_of(parse_json(text, source), source);
}

std::vector<TrainSettings> train_parts(std::string_view text, std::string_view source) {
  constexpr std::size_t kMost = 16;
  std::vector<TrainSettings> parts;
  Json json = parse_json(text, source);
  for (std::string where(source);; where += ": then") {
    check(parts.size() < kMost, "train", "{}: more than {} parts", source, kMost);
    Json then;
    if (json.is_object() && json.contains("then")) {
      then = std::move(json["then"]);
      json.erase("then");
      check(then.is_object() && !then.contains("model"), "train",
            "{}: then must be an object of the settings that the next part has otherwise, and the "
            "model stays as it is",
            where);
    }
    parts.push_back(settings_of(json, where));
    const DataKind kind = parts.back().data.kind;
    check(kind == parts.front().data.kind && (then.is_null() || kind != DataKind::text), "train",
          "{}: data of kind {} cannot go on from data of kind {}: their vocabularies differ", where,
          name_of(kind), name_of(parts.front().data.kind));
    if (then.is_null()) return parts;
    json.merge_patch(then);
  }
}

Json to_json(const TrainSettings& settings) {
  Json out = model_and_run(settings);
  visit_habits(settings, Writer{out});
  return out;
}

std::string fingerprint(const TrainSettings& settings) {
  Hash hash;
  hash.add(model_and_run(settings).dump());
  return hash.text();
}

const Preset& find_preset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  fail("train", "there is no preset \"{}\"{}; known: {}", printable(name),
       nearest_hint(name, names), fmt::join(names, ", "));
}

}  // namespace headlight
