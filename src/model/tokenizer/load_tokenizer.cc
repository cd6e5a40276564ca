// Which of a folder's files its tokenizer is read from.
#include "core/error.h"
#include "model/tokenizer.h"
#include "model/tokenizer/llama2c.h"
#include "model/tokenizer/sentence_piece.h"
#include "model/tokenizer/tokenizer_json.h"
#include "model/tokenizer/vocab_files.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;

Json read_config(const Folder& folder, std::string_view name) {
  return folder.holds(name) ? read_json_file(folder, name) : Json::object();
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const Folder& folder) {
  constexpr std::string_view kConfig = "tokenizer_config.json", kWhole = "tokenizer.json",
                             kSentencePiece = "tokenizer.model";
  const fs::path& path = folder.path();
  const Json config_json = read_config(folder, kConfig);
  const JsonObject config(config_json, (path / kConfig).string());

  if (folder.holds(kWhole)) {
    const Json root = read_json_file(folder, kWhole);
    const std::string source = (path / kWhole).string();
    const bool better_beside_it =
        tokenizer_json_model(root, source) == "Unigram" && folder.holds(kSentencePiece);
    if (!better_beside_it) return read_tokenizer_json(root, source);
  }
  if (folder.embedded()) return nullptr;  // the other kinds come from disk only
  if (folder.holds(kSentencePiece)) return read_sentence_piece(path / kSentencePiece, config);

  constexpr std::pair<const char*, const char*> kBpeNames[] = {{"vocab.json", "merges.txt"},
                                                               {"encoder.json", "vocab.bpe"}};
  for (const auto& [vocab, merges] : kBpeNames) {
    const bool has_vocab = folder.holds(vocab);
    const bool has_merges = folder.holds(merges);
    check(has_vocab == has_merges, "tokenizer", "{}: there is {} but no {}",
          printable(path.string(), 400), has_vocab ? vocab : merges, has_vocab ? merges : vocab);
    if (has_vocab) return read_bpe_files(path / vocab, path / merges, config);
  }
  if (folder.holds("vocab.txt")) return read_bert_vocab(path / "vocab.txt", config);
  if (const auto found = find_llama2c_vocabulary(path)) return read_llama2c_vocabulary(*found);
  return nullptr;
}

}  // namespace headlight
