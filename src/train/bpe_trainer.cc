#include "train/bpe_trainer.h"

#include <limits>
#include <queue>
#include <set>
#include <unordered_map>

#include "core/error.h"
#include "core/utf8.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "vocabulary";

using Pair = std::pair<std::uint32_t, std::uint32_t>;

struct PairHash {
  std::size_t operator()(Pair pair) const {
    return std::hash<std::uint64_t>()(std::uint64_t{pair.first} << 32 | pair.second);
  }
};

struct Candidate {
  std::int64_t count = 0;
  Pair pair;

  /// Less urgent: rarer, or as frequent with larger ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

/// A word cut into pieces.
struct Cut {
  std::vector<std::uint32_t> pieces;
  std::int64_t count = 0;
};

class Trainer {
 public:
  Trainer(std::span<const WordCount> words, const BpeTrainerOptions& options) : options_(options) {
    for (const std::string& piece : options.initial) id_of(piece);
    add_characters(words);
    check(out_.pieces.size() <= options.vocab_size, kOp,
          "a vocabulary of {} cannot hold the {} characters and special tokens it starts from; ask "
          "for more",
          options.vocab_size, out_.pieces.size());
    for (const WordCount& word : words) cut(word);
    count_pairs();
  }

  BpeVocabulary run() {
    while (out_.pieces.size() < options_.vocab_size && !queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const std::int64_t count = counts_[top.pair];
      if (count < static_cast<std::int64_t>(options_.least_count) || count < 1) continue;
      if (count == top.count)
        merge(top.pair);
      else
        queue_.push({count, top.pair});
    }
    return std::move(out_);
  }

 private:
  std::uint32_t id_of(const std::string& piece) {
    const auto [found, added] =
        ids_.try_emplace(piece, static_cast<std::uint32_t>(out_.pieces.size()));
    if (added) out_.pieces.push_back(piece);
    return found->second;
  }

  /// Calls take(piece) for every character of a word, with the prefix of those inside it.
  template <class Take>
  void each_character(const std::string& word, Take&& take) const {
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t length = utf8_length(std::string_view(word).substr(at));
      check(length > 0, kOp, "the word \"{}\" is not UTF-8", printable(word));
      take((at == 0 ? std::string() : options_.continuing_prefix) + word.substr(at, length));
      at += length;
    }
  }

  void add_characters(std::span<const WordCount> words) {
    std::set<std::string> characters;  // the order of UTF-8 is that of code points
    for (const WordCount& word : words)
      each_character(word.word, [&](std::string piece) { characters.insert(std::move(piece)); });
    for (const std::string& piece : characters) id_of(piece);
  }

  void cut(const WordCount& word) {
    check(word.count <= std::numeric_limits<std::int64_t>::max() / 2, kOp, "a count is too large");
    Cut& cut = words_.emplace_back();
    cut.count = static_cast<std::int64_t>(word.count);
    each_character(word.word,
                   [&](const std::string& piece) { cut.pieces.push_back(id_of(piece)); });
  }

  void count_pairs() {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::size_t i = 1; i < words_[w].pieces.size(); ++i) {
        const Pair pair{words_[w].pieces[i - 1], words_[w].pieces[i]};
        counts_[pair] += words_[w].count;
        holders_[pair].push_back(static_cast<std::uint32_t>(w));
      }
    for (const auto& [pair, count] : counts_) queue_.push({count, pair});
  }

  /// Makes one piece of two, wherever they stand side by side.
  void merge(Pair pair) {
    const std::string& left = out_.pieces[pair.first];
    const std::string& right = out_.pieces[pair.second];
    const std::string joined = left + right.substr(options_.continuing_prefix.size());
    out_.merges.emplace_back(left, right);
    const std::uint32_t id = id_of(joined);
    changed_.clear();
    const std::vector<std::uint32_t> holders = std::move(holders_[pair]);
    holders_.erase(pair);
    for (const std::uint32_t w : holders) merge_in(w, pair, id);
    counts_.erase(pair);
    for (const Pair& touched : changed_)
      if (const auto found = counts_.find(touched); found != counts_.end())
        queue_.push({found->second, touched});
  }

  void merge_in(std::uint32_t w, Pair pair, std::uint32_t id) {
    auto& pieces = words_[w].pieces;
    const std::int64_t count = words_[w].count;
    std::size_t out = 0;
    for (std::size_t i = 0; i < pieces.size(); ++out) {
      if (i + 1 == pieces.size() || Pair{pieces[i], pieces[i + 1]} != pair) {
        pieces[out] = pieces[i++];
        continue;
      }
      if (out > 0) {
        counts_[{pieces[out - 1], pair.first}] -= count;
        appear({pieces[out - 1], id}, count, w);
      }
      if (i + 2 < pieces.size()) {
        counts_[{pair.second, pieces[i + 2]}] -= count;
        appear({id, pieces[i + 2]}, count, w);
      }
      pieces[out] = id;
      i += 2;
    }
    pieces.resize(out);
  }

  void appear(Pair pair, std::int64_t count, std::uint32_t word) {
    counts_[pair] += count;
    holders_[pair].push_back(word);
    changed_.insert(pair);
  }

  const BpeTrainerOptions& options_;
  BpeVocabulary out_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<Cut> words_;
  std::unordered_map<Pair, std::int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::vector<std::uint32_t>, PairHash> holders_;  // words, some repeated
  std::priority_queue<Candidate> queue_;  // with counts that were right when they were put in
  std::set<Pair> changed_;
};

}  // namespace

BpeVocabulary train_bpe(std::span<const WordCount> words, const BpeTrainerOptions& options) {
  return Trainer(words, options).run();
}

}  // namespace headlight
