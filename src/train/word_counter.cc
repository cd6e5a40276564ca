#include "train/word_counter.h"

#include <algorithm>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/utf8.h"

namespace headlight {
namespace {

// What is split at once takes some 20 times its size; longer lines are cut between characters.
constexpr std::size_t kLongestLine = std::size_t{1} << 20;

/// The front of `text`: a line with its end, or as much of it as may be taken at once.
std::string_view front_line(std::string_view text) {
  std::size_t size = std::min(text.substr(0, kLongestLine).find('\n'), kLongestLine - 1) + 1;
  if (size >= text.size()) return text;
  // Not inside a character: back to a byte that starts one.
  while (size > 1 && (static_cast<std::uint8_t>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t length = 0; (length = utf8_length(text.substr(at))) > 0;) at += length;
  return at;
}

}  // namespace

WordCounter::WordCounter(PreTokenizer pre_tokenizer, std::size_t most_words)
    : pre_tokenizer_(std::move(pre_tokenizer)), most_words_(most_words) {}

void WordCounter::add_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::string_view all(reinterpret_cast<const char*>(file.bytes().data()),
                             file.bytes().size());
  for (std::size_t at = 0; at < all.size();) {
    const std::string_view line = front_line(all.substr(at));
    if (!is_utf8(line)) {
      const std::size_t bad = at + first_bad_byte(line);
      fail("vocabulary", "{} is not UTF-8: byte {} is 0x{:02x}; convert it first, e.g. with iconv",
           printable(path.string(), 300), bad, static_cast<std::uint8_t>(all[bad]));
    }
    add_line(line);
    at += line.size();
  }
}

void WordCounter::add_line(std::string_view line) {
  const auto size = static_cast<std::uint32_t>(line.size());
  const Words split = pre_tokenizer_({AlignedText(line, 0), {{0, size}}});
  for (const Span word : split.words) ++counts_[std::string(split.text.text(word))];
  bytes_ += line.size();
  if (counts_.size() > most_words_) forget_rare();
}

void WordCounter::forget_rare() {
  for (std::uint64_t least = 2; counts_.size() > most_words_ / 2; ++least)
    std::erase_if(counts_, [least](const auto& entry) { return entry.second < least; });
}

std::vector<WordCount> WordCounter::counts() const {
  std::vector<WordCount> out;
  out.reserve(counts_.size());
  for (const auto& [word, count] : counts_) out.push_back({word, count});
  std::ranges::sort(out, {}, &WordCount::word);
  return out;
}

}  // namespace headlight
