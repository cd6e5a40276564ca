// Which of a folder's files its tokenizer is read from.
#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer.h"
#include "model/tokenizer/llama2c.h"
#include "model/tokenizer/sentence_piece.h"
#include "model/tokenizer/tokenizer_json.h"
#include "model/tokenizer/vocab_files.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;

Json read_config(const fs::path& path) {
  return is_taken(path) ? read_json_file(path) : Json::object();
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& folder) {
  const fs::path config_path = folder / "tokenizer_config.json";
  const Json config_json = read_config(config_path);
  const JsonObject config(config_json, config_path.string());
  const fs::path sentence_piece = folder / "tokenizer.model";

  if (const fs::path whole = folder / "tokenizer.json"; is_taken(whole)) {
    const Json root = read_json_file(whole);
    const bool better_beside_it =
        tokenizer_json_model(root, whole.string()) == "Unigram" && is_taken(sentence_piece);
    if (!better_beside_it) return read_tokenizer_json(root, whole.string());
  }
  if (is_taken(sentence_piece)) return read_sentence_piece(sentence_piece, config);

  constexpr std::pair<const char*, const char*> kBpeNames[] = {{"vocab.json", "merges.txt"},
                                                               {"encoder.json", "vocab.bpe"}};
  for (const auto& [vocab, merges] : kBpeNames) {
    const bool has_vocab = is_taken(folder / vocab);
    const bool has_merges = is_taken(folder / merges);
    check(has_vocab == has_merges, "tokenizer", "{}: there is {} but no {}",
          printable(folder.string(), 400), has_vocab ? vocab : merges, has_vocab ? merges : vocab);
    if (has_vocab) return read_bpe_files(folder / vocab, folder / merges, config);
  }
  if (is_taken(folder / "vocab.txt")) return read_bert_vocab(folder / "vocab.txt", config);
  if (const auto path = find_llama2c_vocabulary(folder)) return read_llama2c_vocabulary(*path);
  return nullptr;
}

}  // namespace headlight
