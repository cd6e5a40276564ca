// Where training examples come from: any example of a run by its number, so that a run that was
// stopped goes on with exactly the examples that it would have had.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/tokenizer.h"
#include "train/batch.h"
#include "train/settings.h"

namespace headlight {

/// Examples that measure one ability.
struct HeldOut {
  std::string name;
  std::vector<Example> examples;
};

class ExampleSource {
 public:
  virtual ~ExampleSource() = default;
  virtual std::int64_t vocab_size() const = 0;
  /// A function of the source and the number alone.
  virtual Example example(std::uint64_t index) const = 0;
  /// What is never trained on; may be empty.
  virtual std::vector<HeldOut> heldout() const { return {}; }
  /// Writes what turns text into ids and back into a model folder; nothing if there is no text.
  virtual void write_tokenizer(const std::filesystem::path& folder) const = 0;
  /// The tokenizer of sentences whose relations are known; null where none are.
  virtual const Tokenizer* relations_tokenizer() const { return nullptr; }
  /// Names the data: equal for equal examples.
  virtual std::string fingerprint() const = 0;
};

/// The source that settings ask for. `files` are the user's texts, for DataKind::text only. Throws
/// when the settings' model cannot read the data, or files are missing or given in vain.
std::unique_ptr<ExampleSource> make_examples(const TrainSettings& settings,
                                             const std::vector<std::filesystem::path>& files);

}  // namespace headlight
