// Everything that decides what a training run gives, read from a JSON file or a preset.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "model/config.h"
#include "train/optimizer.h"

namespace headlight {

/// What the examples are made of.
enum class DataKind : std::uint8_t {
  text,         ///< the user's files, with a vocabulary trained on them
  sort,         ///< six letters to be sorted, nano-sort's task
  micro_world,  ///< generated sentences whose relations are known
};
std::string_view name_of(DataKind kind);

struct DataSettings {
  DataKind kind = DataKind::text;
  std::int64_t vocab_size = 2048;  ///< text: of the vocabulary that is trained
  std::int64_t length = 0;         ///< text: tokens of a sequence; 0: the model's max_len
  double mask_share = 0.15;        ///< text, masked models: tokens that are asked
  /// micro-world: of the words that belong to another word, both as they stand, the share that is
  /// asked to name that word.
  double partner_share = 0;
};

struct TrainSettings {
  Json model;  ///< the config.json of the result; vocab_size comes from the data
  DataSettings data;
  std::uint64_t seed = 1;
  std::int64_t steps = 1000;
  std::int64_t sequences = 64;     ///< of one step
  std::int64_t micro_batches = 1;  ///< passes that a step's sequences are split into
  double learning_rate = 1e-3;
  double final_learning_rate = 0.1;  ///< as a share of learning_rate, at the last step
  std::int64_t warmup = 100;         ///< steps
  AdamWSettings adamw;
  double clip = 1;                  ///< the largest global norm of a gradient; 0: any
  double initial_deviation = 0.02;  ///< of matrices
  /// What the overlap of heads at a word costs (head_overlap.h), beside a target's loss.
  /// It rises to this over the first half of a run: heads first learn, then divide the work.
  double head_overlap = 0;
  std::int64_t checkpoint_every = 200;
  std::int64_t evaluate_every = 200;
  std::int64_t snapshots = 0;  ///< log-spaced records of what heads look at; micro-world only

  LearningRate schedule() const;
  /// The price of overlap at a step.
  double head_overlap_at(std::int64_t step) const;
};

/// Reads settings, checks their ranges, and refuses keys that nobody reads, naming the nearest.
/// `source` names the text in errors.
TrainSettings train_settings(std::string_view text, std::string_view source);
/// The same for a run of one or more parts, each of which begins with the weights that the one
/// before leaves. "then" holds what the next part has otherwise: a merge patch (RFC 7396), except
/// that the model stays as it is.
std::vector<TrainSettings> train_parts(std::string_view text, std::string_view source);
/// As JSON, every field named; reading it back gives the same.
Json to_json(const TrainSettings& settings);
/// Names what a run computes: runs with equal fingerprints may continue each other. How often a
/// checkpoint or an evaluation is made is no part of it.
std::string fingerprint(const TrainSettings& settings);

/// A named set of settings that is part of the program.
struct Preset {
  std::string_view name, about, settings;
};
std::span<const Preset> presets();
/// Throws, with the nearest name, when there is none of this name.
const Preset& find_preset(std::string_view name);

}  // namespace headlight
