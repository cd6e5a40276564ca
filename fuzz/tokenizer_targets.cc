#include <cstdlib>

#include "core/utf8.h"
#include "model/tokenizer.h"
#include "targets.h"

namespace headlight::fuzz {
namespace {

constexpr std::string_view kTexts[] = {"", "a b", "Hello, world! 12\t\n x  y",
                                       "é数🙂 [UNK]\0 <s>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

void check(bool kept) {
  if (!kept) std::abort();
}

/// Whatever tokenizer was accepted, its tokens have ids it knows, pieces that are UTF-8 and ranges
/// inside the text; and what it encodes it can decode.
void use(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::int64_t> ids;
  for (const Token& token : tokenizer.encode(text)) {
    check(token.id >= 0 && token.id < tokenizer.vocab_size());
    check(is_utf8(token.piece));
    check(token.begin <= token.end && token.end <= text.size());
    check(is_utf8(tokenizer.piece(token.id)));
    ids.push_back(token.id);
  }
  check(is_utf8(tokenizer.decode(ids)));
}

/// Each target has a folder of its own: another one's file in it would be read in its place.
void fuzz_file(const ScratchFolder& folder, std::string_view name, Bytes bytes) {
  folder.write(name, bytes);
  const auto tokenizer = load_tokenizer(folder.path());
  check(tokenizer != nullptr);
  for (const std::string_view text : kTexts) {
    try {
      use(*tokenizer, text);
    } catch (const Error&) {  // a text that this tokenizer refuses
    }
  }
}

}  // namespace

void fuzz_tokenizer_json(Bytes bytes) {
  static const ScratchFolder folder;
  fuzz_file(folder, "tokenizer.json", bytes);
}

void fuzz_sentence_piece(Bytes bytes) {
  static const ScratchFolder folder;
  fuzz_file(folder, "tokenizer.model", bytes);
}

void fuzz_llama2c(Bytes bytes) {
  static const ScratchFolder folder;
  fuzz_file(folder, "tokenizer.bin", bytes);
}

}  // namespace headlight::fuzz
