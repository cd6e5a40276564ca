// Windows of the user's own texts, in a vocabulary that is learnt from them.
#include <algorithm>

#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer/tokenizer_json.h"
#include "train/example_sources.h"
#include "train/hash.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr double kHeldOutShare = 0.05;
constexpr std::int64_t kHeldOutWindows = 64;

class TextExamples final : public ExampleSource {
 public:
  TextExamples(const TrainSettings& settings, const std::vector<std::filesystem::path>& files)
      : settings_(settings),
        use_(fills_in(settings) ? TokenizerUse::fill : TokenizerUse::generate),
        files_(byte_level_bpe_files(
            learn_byte_level_bpe(files, static_cast<std::size_t>(settings.data.vocab_size), use_),
            use_)),
        tokenizer_(read_tokenizer_json(files_.tokenizer, "the learnt tokenizer")),
        length_(window_length()) {
    for (const auto& file : files) read(file);
    train_ = static_cast<std::int64_t>(static_cast<double>(std::ssize(ids_)) * (1 - kHeldOutShare));
    check(std::min(train_, std::ssize(ids_) - train_) > length_, "train",
          "{} tokens of text are too few for sequences of {}: give more text, or a smaller length",
          ids_.size(), length_);
  }

  std::int64_t vocab_size() const override { return tokenizer_->vocab_size(); }

  Example example(std::uint64_t index) const override {
    Random random(settings_.seed, RandomUse::examples, index);
    return window(random.below(train_ - length_), random);
  }

  std::vector<HeldOut> heldout() const override {
    HeldOut text{"text", {}};
    const std::int64_t room = std::ssize(ids_) - train_ - length_;
    for (std::int64_t i = 0; i < kHeldOutWindows; ++i) {
      Random random(settings_.seed, RandomUse::heldout, static_cast<std::uint64_t>(i));
      text.examples.push_back(window(train_ + room * i / kHeldOutWindows, random));
    }
    return {text};
  }

  void write_tokenizer(const std::filesystem::path& folder) const override {
    write_tokenizer_files(files_, folder);
  }

  std::string fingerprint() const override { return hash_.text(); }

 private:
  std::int64_t window_length() const {
    const JsonObject model(settings_.model, "the settings' model");
    const std::string_view key =
        model.has("n_positions") ? "n_positions" : "max_position_embeddings";
    const std::int64_t most = model.integer(key, 4, 1 << 24);
    const std::int64_t length = settings_.data.length == 0 ? most : settings_.data.length;
    check(4 <= length && length <= most, "train", "length {} is not in [4, {}], the model's {}",
          length, most, key);
    return length;
  }

  /// A text after the others, with what separates texts between them.
  void read(const std::filesystem::path& file) {
    const std::string text = read_text_file(file);
    hash_.add(text);
    if (use_ == TokenizerUse::generate && !ids_.empty())
      ids_.push_back(special_id(use_, "<|endoftext|>"));
    for (const Token& token : tokenizer_->encode(text, {.add_special = false}))
      ids_.push_back(token.id);
  }

  Example window(std::int64_t begin, Random& random) const {
    return use_ == TokenizerUse::fill ? with_hidden_tokens(begin, random) : with_next(begin);
  }

  Example with_next(std::int64_t begin) const {
    const auto first = ids_.begin() + begin;
    return {{first, first + length_}, {first + 1, first + length_ + 1}};
  }

  /// BERT's task (Devlin et al. 2019, section 3.1): of the tokens that are asked, 80 % are hidden,
  /// 10 % replaced by any token, 10 % left.
  Example with_hidden_tokens(std::int64_t begin, Random& random) const {
    Example out;
    out.ids.push_back(special_id(use_, "[CLS]"));
    out.ids.insert(out.ids.end(), ids_.begin() + begin, ids_.begin() + begin + length_ - 2);
    out.ids.push_back(special_id(use_, "[SEP]"));
    out.targets.assign(out.ids.size(), kIgnoredTarget);
    for (std::size_t i = 1; i + 1 < out.ids.size(); ++i) {
      if (random.uniform() >= settings_.data.mask_share) continue;
      out.targets[i] = out.ids[i];
      const double choice = random.uniform();
      if (choice < 0.8)
        out.ids[i] = special_id(use_, "[MASK]");
      else if (choice < 0.9)
        out.ids[i] = random.below(vocab_size());
    }
    return out;
  }

  TrainSettings settings_;
  TokenizerUse use_;
  TokenizerFiles files_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::int64_t length_;
  std::vector<std::int64_t> ids_;  // of all texts
  std::int64_t train_ = 0;         // how many of them, from the first, are trained on
  Hash hash_;
};

}  // namespace

std::unique_ptr<ExampleSource> text_examples(const TrainSettings& settings,
                                             const std::vector<std::filesystem::path>& files) {
  check(!files.empty(), "train", "data of kind text need text files; give --data FILE");
  return std::make_unique<TextExamples>(settings, files);
}

}  // namespace headlight
