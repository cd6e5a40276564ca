// Sentences of the micro-world, and words in them that the model is to name.
#include <map>
#include <utility>

#include "model/tokenizer/tokenizer_json.h"
#include "train/example_sources.h"
#include "train/hash.h"
#include "train/micro_world.h"
#include "train/micro_world_tokens.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr std::uint64_t kHeldOutSentences = 3000;

class MicroWorldExamples final : public ExampleSource {
 public:
  explicit MicroWorldExamples(const TrainSettings& settings)
      : seed_(settings.seed),
        partner_share_(settings.data.partner_share),
        files_(micro_world_tokenizer_files()),
        tokenizer_(read_tokenizer_json(files_.tokenizer, "the micro-world's tokenizer")),
        tokens_(*tokenizer_),
        train_({.seed = settings.seed, .split = Split::train}),
        heldout_({.seed = settings.seed, .split = Split::heldout}) {}

  std::int64_t vocab_size() const override { return tokenizer_->vocab_size(); }

  /// One group of a sentence's masks is asked. A word that is asked is hidden in half of the cases;
  /// in the others it stands there, or a word that does not belong, so that the model also learns
  /// to look for the partner of a word that it can see.
  Example example(std::uint64_t index) const override {
    const MicroSentence sentence = train_.sentence(index);
    Random random(seed_, RandomUse::masks, index);
    const auto chosen = static_cast<std::size_t>(random.below(std::ssize(sentence.masks)));
    auto encoded = tokens_.encode(sentence.text);
    const std::vector<std::int64_t> told = encoded.example.ids;
    for (const MaskedWord& mask : sentence.masks) {
      if (mask.group != sentence.masks[chosen].group) continue;
      const std::size_t at = encoded.at(mask.word);
      encoded.example.targets[at] = tokens_.id_of(mask.answer);
      if (!mask.keep) encoded.example.ids[at] = shown(mask, random);
    }
    ask_partners(sentence, told, random, encoded);
    return std::move(encoded.example);
  }

  /// Every masked word of sentences whose words never met in training: hidden, and alone asked.
  std::vector<HeldOut> heldout() const override {
    std::map<std::pair<Language, Relation>, HeldOut> parts;
    for (std::uint64_t i = 0; i < kHeldOutSentences; ++i) {
      const MicroSentence sentence = heldout_.sentence(i);
      for (const MaskedWord& asked : sentence.masks) {
        HeldOut& part = parts[{sentence.language, asked.relation}];
        part.name = fmt::format("{} {}", name_of(sentence.language), name_of(asked.relation));
        part.examples.push_back(tokens_.hidden(sentence, asked));
      }
    }
    std::vector<HeldOut> out;
    for (auto& [key, part] : parts) out.push_back(std::move(part));
    return out;
  }

  void write_tokenizer(const std::filesystem::path& folder) const override {
    write_tokenizer_files(files_, folder);
  }

  const Tokenizer* relations_tokenizer() const override { return tokenizer_.get(); }

  std::string fingerprint() const override {
    Hash hash;
    hash.add(files_.tokenizer.dump());
    for (std::uint64_t i = 0; i < 100; ++i) hash.add(train_.sentence(i).text);
    return hash.text();
  }

 private:
  /// Asks words that stand there for the word that they belong to: an adjective names its noun, a
  /// verb its subject or its object, as a pronoun names its noun. A head has to look there for it,
  /// also where nothing is hidden.
  void ask_partners(const MicroSentence& sentence, std::span<const std::int64_t> told,
                    Random& random, MicroWorldTokens::Encoded& encoded) const {
    if (partner_share_ == 0) return;
    Example& example = encoded.example;
    std::map<std::size_t, std::vector<std::size_t>> partners;  // tokens, by the token that is asked
    for (const RelationLabel& label : sentence.relations) {
      const std::size_t from = encoded.at(label.from), to = encoded.at(label.to);
      const bool asked = example.targets[from] != kIgnoredTarget;
      if (!asked && example.ids[to] == told[to] && told[from] != told[to])
        partners[from].push_back(to);
    }
    for (const auto& [from, to] : partners) {
      const auto chosen = static_cast<std::size_t>(random.below(std::ssize(to)));
      if (random.uniform() < partner_share_) example.targets[from] = example.ids[to[chosen]];
    }
  }

  std::int64_t shown(const MaskedWord& mask, Random& random) const {
    if (random.uniform() < 0.5) return tokens_.mask_id();
    const std::int64_t choice = random.below(1 + std::ssize(mask.decoys));
    return tokens_.id_of(choice == 0 ? mask.answer
                                     : mask.decoys[static_cast<std::size_t>(choice - 1)]);
  }

  std::uint64_t seed_;
  double partner_share_;
  TokenizerFiles files_;
  std::unique_ptr<Tokenizer> tokenizer_;
  MicroWorldTokens tokens_;
  MicroWorld train_, heldout_;
};

}  // namespace

std::unique_ptr<ExampleSource> micro_world_examples(const TrainSettings& settings) {
  return std::make_unique<MicroWorldExamples>(settings);
}

}  // namespace headlight
