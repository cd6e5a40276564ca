// One training run, step by step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/examples.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/settings.h"
#include "train/tied_heads.h"

namespace headlight {

/// What a step did.
struct StepReport {
  std::int64_t step = 0;  ///< counted from 1
  LossSum sum = {};
  std::int64_t tokens = 0;
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
};

struct NamedLoss {
  std::string name;
  LossSum sum;
};

/// Parameters, their gradients and moments, and the next step. Two trainers with the same settings,
/// data and number of threads have the same parameters, bit for bit, after the same steps, wherever
/// one of them was saved and read back.
class Trainer {
 public:
  /// `source` must outlive this.
  Trainer(const TrainSettings& settings, const ExampleSource& source);

  /// The config.json of the model: the settings' and the data's vocabulary.
  const Json& model_json() const { return model_; }
  const ModelConfig& config() const { return layout_.config(); }
  std::int64_t n_parameters() const { return layout_.n_parameters(); }
  std::int64_t steps_done() const { return steps_done_; }
  const Tokenizer* relations_tokenizer() const { return source_.relations_tokenizer(); }
  /// Before the first step: from now on all heads of a layer share W_Q, W_K and W_V
  /// (train/tied_heads.h).
  void tie_heads();
  /// Before the first step: takes a trained model's weights in place of random ones. Throws when
  /// its tensors have other names or shapes. The vocabulary must be that of the data, which only
  /// data with a vocabulary of their own, not text, can promise.
  void start_from(const Folder& model);
  /// Parameters that are not copies of others.
  std::int64_t n_free_parameters() const;
  /// For measurements between steps; gates that are set stay set.
  Network& network() { return network_; }
  /// One step. Throws, naming it, when the loss or the gradient is not finite.
  StepReport step();
  /// Over the source's held-out examples, a sum for each ability.
  std::vector<NamedLoss> evaluate();

  void save(const std::filesystem::path& checkpoint) const;
  void restore(const std::filesystem::path& checkpoint);
  /// Makes `folder` a model folder: config.json, model.safetensors, the tokenizer.
  void write_model(const std::filesystem::path& folder) const;

 private:
  struct HeldOutBatches {
    std::string name;
    std::vector<Batch> batches;
  };
  std::string run_name() const;
  std::vector<Batch> next_batches() const;

  TrainSettings settings_;
  const ExampleSource& source_;
  Json model_;
  ParameterLayout layout_;
  Tensor values_, gradients_;
  AdamW optimizer_;
  Network network_;
  std::optional<TiedHeads> tied_;
  std::vector<HeldOutBatches> heldout_;
  std::int64_t steps_done_ = 0;
  std::string started_from_;  ///< names the weights of start_from(); empty without
};

}  // namespace headlight
