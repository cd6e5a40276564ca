// Damage to the tokenizer's files, beside a sound model.
#include "damage.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTokenizer = "tokenizer.json";

/// A sound tokenizer.json over the vocabulary a, b, ab, [UNK].
Json sound_tokenizer() {
  return Json::parse(R"({
    "added_tokens": [{"id": 3, "content": "[UNK]", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": null,
    "decoder": null,
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "[UNK]": 3},
              "merges": ["a b"], "unk_token": "[UNK]"}
  })");
}

DamagedModel broken(std::string name, std::string file, Damage damage, std::string cause) {
  return {"Tokenizer" + std::move(name), Family::gpt2, std::move(damage), std::move(file),
          std::move(cause)};
}

DamagedModel edited(std::string name, std::function<void(Json&)> edit, std::string cause) {
  const auto damage = [edit = std::move(edit)](const fs::path& folder) {
    Json tokenizer = sound_tokenizer();
    edit(tokenizer);
    write_bytes(folder / kTokenizer, tokenizer.dump());
  };
  return broken("Json" + std::move(name), kTokenizer, damage, std::move(cause));
}

DamagedModel text(std::string name, std::string bytes, std::string cause) {
  return broken("Json" + std::move(name), kTokenizer, with_file(kTokenizer, std::move(bytes)),
                std::move(cause));
}

std::vector<DamagedModel> json_files() {
  return {
      text("Empty", "", "line 1"),
      text("NotJson", "a b c", "line 1"),
      text("CutOff", sound_tokenizer().dump().substr(0, 80), "line 1"),
      text("NotUtf8", "{\"model\": \"\xc3\x28\"}", "UTF-8"),
      text("NestedDeep", std::string(100'000, '['), "nested deeper"),
      text("IsAList", "[]", "must be an object"),
      text("EmptyObject", "{}", "\"model\" is missing"),
      text("DuplicatePiece", R"({"model": {"type": "BPE", "vocab": {"a": 0, "a": 1}}})",
           "duplicate key \"a\""),
      edited(
          "UnknownType", [](Json& t) { t["model"]["type"] = "Telepathy"; }, "Telepathy"),
      edited(
          "TypeNotText", [](Json& t) { t["model"]["type"] = 7; }, "\"type\" must be a string"),
      edited(
          "ModelNull", [](Json& t) { t["model"] = nullptr; }, "must be an object"),
      edited(
          "WithoutVocabulary", [](Json& t) { t["model"].erase("vocab"); }, "\"vocab\" is missing"),
      edited(
          "VocabularyEmpty", [](Json& t) { t["model"]["vocab"] = Json::object(); }, "vocab"),
      edited(
          "VocabularyIsAList",
          [](Json& t) {
            t["model"]["vocab"] = {"a", "b"};
          },
          "must be an object"),
      edited(
          "IdNegative", [](Json& t) { t["model"]["vocab"]["a"] = -1; }, "id -1"),
      edited(
          "IdHuge", [](Json& t) { t["model"]["vocab"]["a"] = 1'000'000'000'000; },
          "id 1000000000000"),
      edited(
          "IdPast63Bits", [](Json& t) { t["model"]["vocab"]["a"] = ~std::uint64_t{0}; }, "id"),
      edited(
          "IdText", [](Json& t) { t["model"]["vocab"]["a"] = "0"; }, "must be an integer"),
      edited(
          "IdTwice", [](Json& t) { t["model"]["vocab"]["a"] = 1; }, "id 1 is used twice"),
      edited(
          "MergesNotAList", [](Json& t) { t["model"]["merges"] = "a b"; },
          "\"merges\" must be an array"),
      edited(
          "MergeOfThree", [](Json& t) { t["model"]["merges"] = {"a b c"}; }, "a merge must be"),
      edited(
          "MergeUnknown", [](Json& t) { t["model"]["merges"] = {"a z"}; }, "not in the vocabulary"),
      edited(
          "UnknownTokenMissing", [](Json& t) { t["model"]["unk_token"] = "<none>"; }, "<none>"),
      edited(
          "AddedTokensNotAList", [](Json& t) { t["added_tokens"] = 1; },
          "\"added_tokens\" must be an array"),
      edited(
          "AddedTokenWithoutId", [](Json& t) { t["added_tokens"][0].erase("id"); },
          "\"id\" is missing"),
      edited(
          "AddedTokenIdHuge", [](Json& t) { t["added_tokens"][0]["id"] = 1e15; }, "\"id\""),
      edited(
          "PreTokenizerUnknown", [](Json& t) { t["pre_tokenizer"]["type"] = "Psychic"; },
          "Psychic"),
      edited(
          "PreTokenizerNotAnObject", [](Json& t) { t["pre_tokenizer"] = "Whitespace"; },
          "pre_tokenizer"),
      edited(
          "PatternNotARegex",
          [](Json& t) {
            t["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "(["}}}};
          },
          "is not valid"),
      edited(
          "NormalizerUnknown",
          [](Json& t) {
            t["normalizer"] = {{"type", "Magic"}};
          },
          "Magic"),
      edited(
          "PostProcessorIdOutside",
          [](Json& t) {
            t["post_processor"] = {
                {"type", "BertProcessing"}, {"sep", {"x", 99}}, {"cls", {"y", 0}}};
          },
          "id 99"),
      edited(
          "DecoderUnknown",
          [](Json& t) {
            t["decoder"] = {{"type", "Enigma"}};
          },
          "Enigma"),
  };
}

std::vector<DamagedModel> other_files() {
  std::vector<DamagedModel> cases = {
      broken("ModelGarbage", "tokenizer.model", with_file("tokenizer.model", "not a protobuf"),
             "not a SentencePiece model"),
      broken("ModelEmpty", "tokenizer.model", with_file("tokenizer.model", ""), "empty"),
      broken("ModelZeros", "tokenizer.model", with_file("tokenizer.model", std::string(1000, '\0')),
             "not a SentencePiece model"),
      broken("VocabTxtNotUtf8", "vocab.txt", with_file("vocab.txt", "[UNK]\n[CLS]\n\xff\xfe\n"),
             "UTF-8"),
      broken("VocabTxtEmpty", "vocab.txt", with_file("vocab.txt", ""), "the vocabulary is empty"),
      broken("VocabTxtWithoutSpecials", "vocab.txt", with_file("vocab.txt", "a\nb\n"),
             "not in the vocabulary"),
      broken("VocabTxtTwice", "vocab.txt", with_file("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\na\n"),
             "has two ids"),
      broken("VocabWithoutMerges", "", with_file("vocab.json", R"({"a": 0})"), "merges.txt"),
      broken("BinCutOff", "tokenizer.bin", with_file("tokenizer.bin", "\7"), "ends at byte 1"),
      broken("BinGarbage", "tokenizer.bin", with_file("tokenizer.bin", "not a vocabulary at all"),
             "the longest piece"),
      broken("ConfigNotJson", "tokenizer_config.json", with_file("tokenizer_config.json", "no"),
             "line 1"),
      broken(
          "MergesNotUtf8", "merges.txt",
          [](const fs::path& folder) {
            write_bytes(folder / "vocab.json", R"({"a": 0})");
            write_bytes(folder / "merges.txt", "#version\na \xff\n");
          },
          "UTF-8"),
      broken(
          "MergesOfOne", "merges.txt",
          [](const fs::path& folder) {
            write_bytes(folder / "vocab.json", R"({"a": 0})");
            write_bytes(folder / "merges.txt", "#version\na\n");
          },
          "line 2"),
  };
  for (const std::string file : {"tokenizer.json", "tokenizer.model", "tokenizer.bin", "vocab.txt",
                                 "tokenizer_config.json"}) {
    std::string tag;
    for (const char c : file)
      if (std::isalpha(static_cast<unsigned char>(c))) tag += c;
    cases.push_back(broken("Folder" + tag, file, with_folder(file), "a directory"));
    cases.push_back(broken("Pipe" + tag, file, with_pipe(file), "special file"));
    cases.push_back(broken("LinkLoop" + tag, file, with_link_loop(file), "symbolic links"));
  }
  return cases;
}

}  // namespace

std::vector<DamagedModel> damaged_tokenizers() {
  std::vector<DamagedModel> all = json_files();
  const std::vector<DamagedModel> others = other_files();
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

}  // namespace headlight::testing
