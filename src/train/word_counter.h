// The words of text files and how often each was seen, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/pre_tokenizers.h"
#include "train/bpe_trainer.h"

namespace headlight {

/// Counts words line by line, as Hugging Face's trainers do: a word does not go past a line's end.
class WordCounter {
 public:
  /// When more than `most_words` different words are held, the rarest are forgotten until half of
  /// that is left. The result then depends on the order of the text; without it, it does not.
  explicit WordCounter(PreTokenizer pre_tokenizer, std::size_t most_words = std::size_t{1} << 22);

  /// Throws when the file is not UTF-8, naming the byte.
  void add_file(const std::filesystem::path& path);
  void add_line(std::string_view line);           ///< valid UTF-8
  std::uint64_t bytes() const { return bytes_; }  ///< of text that was counted

  /// In order of the words' bytes.
  std::vector<WordCount> counts() const;

 private:
  void forget_rare();

  PreTokenizer pre_tokenizer_;
  std::size_t most_words_;
  std::uint64_t bytes_ = 0;
  std::unordered_map<std::string, std::uint64_t> counts_;
};

}  // namespace headlight
