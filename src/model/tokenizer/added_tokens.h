// Tokens that are found in the text as they are, before the model sees any of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/tokenizer/normalizers.h"
#include "model/tokenizer/vocabulary.h"

namespace headlight {

/// One entry of `added_tokens`; the flags are those of tokenizer.json.
struct AddedToken {
  std::string content;  ///< never found when empty
  std::int64_t id = 0;
  bool special = false;      ///< left out of decoded text
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool normalized = false;   ///< looked for in normalised text, itself normalised
};

/// Where an added token is in a text.
struct AddedMatch {
  Span bytes;
  std::int64_t id = 0;
};

class AddedTokens {
 public:
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer);

  /// Those to be found in text as the user wrote it, left to right, longest first.
  std::vector<AddedMatch> find_raw(std::string_view text) const { return find(raw_, text); }
  /// Those to be found once it is normalised.
  std::vector<AddedMatch> find_normalized(std::string_view text) const {
    return find(normalized_, text);
  }
  bool is_special(std::int64_t id) const { return special_ids_.contains(id); }

 private:
  /// Byte by byte; node 0 is the root.
  struct Trie {
    std::unordered_map<std::uint64_t, std::uint32_t> next;    // node << 8 | byte
    std::unordered_map<std::uint32_t, std::size_t> token_at;  // index of the token ending at a node
    std::uint32_t nodes = 1;

    void insert(std::string_view content, std::size_t token);
    /// Index and length of the longest token at the front of `text`; length 0 for none.
    std::pair<std::size_t, std::size_t> longest(std::string_view text) const;
  };

  std::vector<AddedMatch> find(const Trie& trie, std::string_view text) const;

  std::vector<AddedToken> tokens_;
  std::unordered_set<std::int64_t> special_ids_;
  Trie raw_;
  Trie normalized_;
};

}  // namespace headlight
