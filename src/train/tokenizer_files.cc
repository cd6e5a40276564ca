#include "train/tokenizer_files.h"

#include <algorithm>

#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/unicode.h"
#include "train/tokenizer_parts.h"
#include "train/word_counter.h"

namespace headlight {
namespace {

Json entry_of(const std::string& token, std::size_t id) {
  return {{"id", id},        {"content", token},    {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

/// [CLS] A [SEP] B [SEP].
Json bert_template(std::size_t cls, std::size_t sep) {
  const auto special = [](const char* token, int type) {
    return Json{{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  const auto text = [](const char* which, int type) {
    return Json{{"Sequence", {{"id", which}, {"type_id", type}}}};
  };
  const auto named = [](const char* token, std::size_t id) {
    return Json{{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
  };
  return {
      {"type", "TemplateProcessing"},
      {"single", {special("[CLS]", 0), text("A", 0), special("[SEP]", 0)}},
      {"pair",
       {special("[CLS]", 0), text("A", 0), special("[SEP]", 0), text("B", 1), special("[SEP]", 1)}},
      {"special_tokens", {{"[CLS]", named("[CLS]", cls)}, {"[SEP]", named("[SEP]", sep)}}}};
}

void write_json(const Json& json, const std::filesystem::path& path) {
  const std::string text = json.dump(1) + "\n";
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  write_file_atomically(path, {{bytes}});
}

}  // namespace

std::vector<std::string> special_tokens(TokenizerUse use) {
  if (use == TokenizerUse::generate) return {"<|endoftext|>"};
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
}

Json tokenizer_frame(TokenizerUse use) {
  Json added = Json::array();
  const auto specials = special_tokens(use);
  for (std::size_t id = 0; id < specials.size(); ++id) added.push_back(entry_of(specials[id], id));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"post_processor", use == TokenizerUse::fill ? bert_template(2, 3) : Json()}};
}

Json tokenizer_config(TokenizerUse use) {
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false}};
  if (use == TokenizerUse::generate) {
    config["bos_token"] = config["eos_token"] = config["unk_token"] = special_tokens(use).front();
    return config;
  }
  config["model_input_names"] = {"input_ids", "token_type_ids", "attention_mask"};
  for (const char* name : {"pad", "unk", "cls", "sep", "mask"}) {
    std::string token(name);
    std::ranges::transform(token, token.begin(),
                           [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    config[std::string(name) + "_token"] = "[" + token + "]";
  }
  return config;
}

TokenizerFiles byte_level_bpe_files(const BpeVocabulary& vocabulary, TokenizerUse use) {
  TokenizerFiles files{tokenizer_frame(use), tokenizer_config(use)};
  Json vocab = Json::object(), merges = Json::array();
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) vocab[vocabulary.pieces[id]] = id;
  for (const auto& [left, right] : vocabulary.merges) merges.push_back(left + " " + right);
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  files.tokenizer["pre_tokenizer"] = files.tokenizer["decoder"] = byte_level;
  files.tokenizer["model"] = {{"type", "BPE"},
                              {"dropout", nullptr},
                              {"unk_token", nullptr},
                              {"continuing_subword_prefix", nullptr},
                              {"end_of_word_suffix", nullptr},
                              {"fuse_unk", false},
                              {"byte_fallback", false},
                              {"vocab", std::move(vocab)},
                              {"merges", std::move(merges)}};
  return files;
}

BpeVocabulary learn_byte_level_bpe(std::span<const std::filesystem::path> files,
                                   std::size_t vocab_size, TokenizerUse use) {
  WordCounter counter(pre_tokenize_byte_level(false, true));
  for (const auto& file : files) counter.add_file(file);
  check(counter.bytes() > 0, "vocabulary", "there is no text in the {} files given", files.size());
  BpeTrainerOptions options{.vocab_size = vocab_size, .initial = special_tokens(use)};
  std::vector<char32_t> alphabet;
  for (int byte = 0; byte < 256; ++byte)
    alphabet.push_back(byte_to_char(static_cast<std::uint8_t>(byte)));
  std::ranges::sort(alphabet);
  for (const char32_t c : alphabet) append_utf8(options.initial.emplace_back(), c);
  return train_bpe(counter.counts(), options);
}

void write_tokenizer_files(const TokenizerFiles& files, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  check(!error, "vocabulary", "cannot make the folder {}: {}", printable(folder.string(), 300),
        error.message());
  write_json(files.tokenizer, folder / "tokenizer.json");
  write_json(files.config, folder / "tokenizer_config.json");
}

}  // namespace headlight
