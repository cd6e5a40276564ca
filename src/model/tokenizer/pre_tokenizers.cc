#include "model/tokenizer/pre_tokenizers.h"

#include <algorithm>
#include <utility>

#include "model/tokenizer/byte_alphabet.h"

namespace headlight {
namespace {

/// A stretch of a word: a match of what it is split at, or what lies between two matches.
struct Stretch {
  Span span;
  bool match = false;
};

/// All of a word, cut into matches and what lies between.
std::vector<Stretch> cover(std::uint32_t size, const std::vector<Span>& matches, bool invert) {
  std::vector<Stretch> out;
  std::uint32_t done = 0;
  for (const Span match : matches) {
    if (match.begin > done) out.push_back({{done, match.begin}, invert});
    out.push_back({match, !invert});
    done = match.end;
  }
  if (done < size) out.push_back({{done, size}, invert});
  return out;
}

/// Joins neighbours for which join(earlier, later) is true.
template <class Join>
std::vector<Span> join_neighbours(const std::vector<Stretch>& stretches, Join&& join) {
  std::vector<Span> out;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (i > 0 && join(i))
      out.back().end = stretches[i].span.end;
    else
      out.push_back(stretches[i].span);
  }
  return out;
}

/// Which matches of a run of matches join a neighbour that is none: with the previous one, the
/// first of the run; with the next one, the last.
std::vector<Span> apply_behavior(const std::vector<Stretch>& s, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::removed: {
      std::vector<Span> out;
      for (const Stretch& stretch : s)
        if (!stretch.match) out.push_back(stretch.span);
      return out;
    }
    case SplitBehavior::isolated:
      return join_neighbours(s, [](std::size_t) { return false; });
    case SplitBehavior::contiguous:
      return join_neighbours(s, [&](std::size_t i) { return s[i].match == s[i - 1].match; });
    case SplitBehavior::merged_with_previous:
      return join_neighbours(s, [&](std::size_t i) { return s[i].match && !s[i - 1].match; });
    case SplitBehavior::merged_with_next:
      return join_neighbours(s, [&](std::size_t i) { return s[i - 1].match && !s[i].match; });
  }
  return {};
}

/// Splits every word by find(text of the word) -> matches.
template <class Find>
Words split_words(Words in, Find&& find, SplitBehavior behavior, bool invert) {
  std::vector<Span> out;
  for (const Span word : in.words) {
    const auto stretches = cover(word.size(), find(in.text.text(word)), invert);
    for (const Span part : apply_behavior(stretches, behavior))
      if (part.size() > 0) out.push_back({word.begin + part.begin, word.begin + part.end});
  }
  in.words = std::move(out);
  return in;
}

/// Splits at every character that `is_match` says yes to.
template <class IsMatch>
Words split_at_chars(Words in, IsMatch&& is_match, SplitBehavior behavior) {
  const auto find = [&](std::string_view text) {
    std::vector<Span> found;
    for (std::size_t at = 0; at < text.size();) {
      const auto begin = static_cast<std::uint32_t>(at);
      if (is_match(next_code_point(text, at)))
        found.push_back({begin, static_cast<std::uint32_t>(at)});
    }
    return found;
  };
  return split_words(std::move(in), find, behavior, false);
}

/// Rewrites every word by write(word, out), which appends what the word becomes.
template <class Write>
Words rewrite_words(const Words& in, Write&& write) {
  Words out;
  out.words.reserve(in.words.size());
  for (const Span word : in.words) {
    const std::uint32_t begin = out.text.size();
    write(word, out.text);
    out.words.push_back({begin, out.text.size()});
  }
  return out;
}

Words put_before_words(const Words& in, std::string_view prefix, bool first_only) {
  return rewrite_words(in, [&](Span word, AlignedText& out) {
    const std::uint32_t from = in.text.source(word).begin;
    if (!in.text.text(word).starts_with(prefix) && (!first_only || from == 0))
      out.append(prefix, Span{from, from});
    out.append(in.text, word);
  });
}

// The split of GPT-2 (openai/gpt-2, src/encoder.py).
constexpr const char* kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Runs of word characters, and runs of the others that are no white space.
std::vector<Span> whitespace_words(std::string_view text) {
  enum class Kind { space, word, other };
  std::vector<Span> out;
  Kind last = Kind::space;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = static_cast<std::uint32_t>(at);
    const char32_t c = next_code_point(text, at);
    const Kind kind = is_word_char(c) ? Kind::word : is_white_space(c) ? Kind::space : Kind::other;
    if (kind != Kind::space && kind != last) out.push_back({begin, begin});
    if (kind != Kind::space) out.back().end = static_cast<std::uint32_t>(at);
    last = kind;
  }
  return out;
}

}  // namespace

PreTokenizer pre_tokenize_sequence(std::vector<PreTokenizer> steps) {
  return [steps = std::move(steps)](Words words) {
    for (const PreTokenizer& step : steps) words = step(std::move(words));
    return words;
  };
}

PreTokenizer pre_tokenize_split(Pattern pattern, SplitBehavior behavior, bool invert) {
  return [pattern = std::move(pattern), behavior, invert](Words words) {
    return split_words(
        std::move(words), [&](std::string_view text) { return pattern.find_all(text); }, behavior,
        invert);
  };
}

PreTokenizer pre_tokenize_bert() {
  return pre_tokenize_sequence(
      {pre_tokenize_whitespace_split(), pre_tokenize_punctuation(SplitBehavior::isolated)});
}

PreTokenizer pre_tokenize_whitespace() {
  return [](Words words) {
    return split_words(std::move(words), whitespace_words, SplitBehavior::removed, true);
  };
}

PreTokenizer pre_tokenize_whitespace_split() {
  return [](Words words) {
    return split_at_chars(std::move(words), is_white_space, SplitBehavior::removed);
  };
}

PreTokenizer pre_tokenize_delimiter(char32_t delimiter) {
  return [delimiter](Words words) {
    const auto is_delimiter = [delimiter](char32_t c) { return c == delimiter; };
    return split_at_chars(std::move(words), is_delimiter, SplitBehavior::removed);
  };
}

PreTokenizer pre_tokenize_digits(bool individual) {
  const auto behavior = individual ? SplitBehavior::isolated : SplitBehavior::contiguous;
  return [behavior](Words words) { return split_at_chars(std::move(words), is_numeric, behavior); };
}

PreTokenizer pre_tokenize_punctuation(SplitBehavior behavior) {
  return [behavior](Words words) {
    return split_at_chars(std::move(words), is_punctuation, behavior);
  };
}

PreTokenizer pre_tokenize_metaspace(std::string mark, PrependScheme scheme, bool split) {
  return [mark = std::move(mark), scheme, split](Words words) {
    words = rewrite_words(words, [&](Span word, AlignedText& out) {
      words.text.each(word, [&](char32_t c, Span from) {
        c == U' ' ? out.append(mark, from) : out.append(c, from);
      });
    });
    if (scheme != PrependScheme::never)
      words = put_before_words(words, mark, scheme == PrependScheme::first);
    if (!split) return words;
    const Pattern pattern = Pattern::literal(mark);
    return split_words(
        std::move(words), [&](std::string_view text) { return pattern.find_all(text); },
        SplitBehavior::merged_with_next, false);
  };
}

PreTokenizer pre_tokenize_byte_level(bool add_prefix_space, bool use_regex) {
  std::vector<PreTokenizer> steps;
  if (add_prefix_space)
    steps.emplace_back([](Words words) { return put_before_words(words, " ", false); });
  if (use_regex)
    steps.push_back(pre_tokenize_split(Pattern::regex(kGpt2Expression, "GPT-2's split"),
                                       SplitBehavior::isolated, false));
  steps.emplace_back([](Words words) {
    return rewrite_words(words, [&](Span word, AlignedText& out) {
      for (std::uint32_t at = word.begin; at < word.end; ++at)
        out.append(byte_to_char(static_cast<std::uint8_t>(words.text.text()[at])),
                   words.text.source({at, at + 1}));
    });
  });
  return pre_tokenize_sequence(std::move(steps));
}

}  // namespace headlight
