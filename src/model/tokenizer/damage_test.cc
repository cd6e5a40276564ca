// Damaged and unsupported files: one line that names the file and the cause.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "core/error.h"
#include "core/mapped_file.h"
#include "model/tokenizer/test_support.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::load_files;

Json good_word_piece() {
  return {{"model",
           {{"type", "WordPiece"}, {"vocab", {{"[UNK]", 0}, {"[CLS]", 1}, {"a", 2}, {"##b", 3}}}}},
          {"normalizer", {{"type", "BertNormalizer"}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor",
           {{"type", "BertProcessing"}, {"sep", {"[CLS]", 1}}, {"cls", {"[CLS]", 1}}}},
          {"decoder", {{"type", "WordPiece"}}}};
}

struct JsonDamage {
  const char* name;
  std::function<void(Json&)> damage;
  std::vector<std::string> parts;  // of the message, beside the file's name
};

const std::vector<JsonDamage>& json_damages() {
  static const std::vector<JsonDamage> kDamages = {
      {"NotAnObject", [](Json& j) { j = Json::array(); }, {"must be an object"}},
      {"NoModel", [](Json& j) { j.erase("model"); }, {"model"}},
      {"NoVocab", [](Json& j) { j["model"].erase("vocab"); }, {"vocab"}},
      {"VocabIsAList",
       [](Json& j) {
         j["model"]["vocab"] = {1, 2};
       },
       {"vocab", "array of 2"}},
      {"VocabIsEmpty", [](Json& j) { j["model"]["vocab"] = Json::object(); }, {"is empty"}},
      {"IdIsText", [](Json& j) { j["model"]["vocab"]["a"] = "2"; }, {"\"a\"", "integer"}},
      {"IdIsAFraction", [](Json& j) { j["model"]["vocab"]["a"] = 2.5; }, {"\"a\"", "2.5"}},
      {"IdTwice", [](Json& j) { j["model"]["vocab"]["a"] = 3; }, {"id 3 is used twice"}},
      {"IdNegative", [](Json& j) { j["model"]["vocab"]["a"] = -1; }, {"id -1", "out of range"}},
      {"IdHuge", [](Json& j) { j["model"]["vocab"]["a"] = 1LL << 62; }, {"out of range"}},
      {"IdHole",
       [](Json& j) {
         j["model"]["vocab"]["a"] = 4;
         j["added_tokens"] = {{{"id", 1}, {"content", "[CLS]"}}};
       },
       {"no piece has id 2"}},
      {"NoUnknown", [](Json& j) { j["model"]["unk_token"] = "<unk>"; }, {"unk_token", "<unk>"}},
      {"WordLimit",
       [](Json& j) { j["model"]["max_input_chars_per_word"] = 0; },
       {"max_input_chars_per_word"}},
      {"Unigram",
       [](Json& j) { j["model"]["type"] = "Unigram"; },
       {"Unigram", "supported: BPE, WordPiece, WordLevel"}},
      {"Dropout",
       [](Json& j) {
         j["model"] = {
             {"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", Json::array()}, {"dropout", 0.1}};
       },
       {"dropout"}},
      {"MergeOfThree",
       [](Json& j) {
         j["model"] = {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", {"a a a"}}};
       },
       {"merge", "a a a"}},
      {"MergeUnknown",
       [](Json& j) {
         j["model"] = {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", {"a b"}}};
       },
       {"merge 0", "\"b\""}},
      {"MergesMissing", [](Json& j) { j["model"]["type"] = "BPE"; }, {"merges"}},
      {"Normalizer",
       [](Json& j) { j["normalizer"]["type"] = "Precompiled"; },
       {"normalizer \"Precompiled\" is not supported", "NFKC"}},
      {"NormalizerNoType", [](Json& j) { j["normalizer"] = Json::object(); }, {"type"}},
      {"NormalizerText", [](Json& j) { j["normalizer"] = "NFC"; }, {"normalizer", "object"}},
      {"NormalizerFlag", [](Json& j) { j["normalizer"]["lowercase"] = 1; }, {"lowercase"}},
      {"SequenceIsNone",
       [](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}, {"normalizers", 3}};
       },
       {"normalizers", "array"}},
      {"PreTokenizer",
       [](Json& j) { j["pre_tokenizer"]["type"] = "UnicodeScripts"; },
       {"pre_tokenizer \"UnicodeScripts\"", "ByteLevel"}},
      {"Regex",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "[a"}}}};
       },
       {"[a", "not valid at byte"}},
      {"Behavior",
       [](Json& j) {
         j["pre_tokenizer"] = {
             {"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Odd"}};
       },
       {"behavior", "Odd", "MergedWithNext"}},
      {"PostProcessor",
       [](Json& j) { j["post_processor"]["type"] = "Odd"; },
       {"post_processor \"Odd\"", "TemplateProcessing"}},
      {"SpecialId",
       [](Json& j) {
         j["post_processor"]["cls"] = {"[CLS]", 9};
       },
       {"id 9", "vocabulary of 4"}},
      {"TemplateName",
       [](Json& j) {
         j["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", {{{"SpecialToken", {{"id", "[X]"}}}}}},
                                {"special_tokens", Json::object()}};
       },
       {"[X]"}},
      {"Decoder", [](Json& j) { j["decoder"]["type"] = "CTC"; }, {"decoder \"CTC\"", "WordPiece"}},
      {"AddedIdTaken",
       [](Json& j) {
         j["added_tokens"] = {{{"id", 2}, {"content", "x"}}};
       },
       {"id 2 is used twice"}},
      {"AddedEmpty",
       [](Json& j) {
         j["added_tokens"] = {{{"id", 4}, {"content", ""}}};
       },
       {"added token 4 is empty"}},
      {"AddedNoId",
       [](Json& j) {
         j["added_tokens"] = {{{"content", "x"}}};
       },
       {"id"}},
      {"AddedIsText", [](Json& j) { j["added_tokens"] = "x"; }, {"added_tokens"}},
  };
  return kDamages;
}

class DamagedJson : public ::testing::TestWithParam<JsonDamage> {};

TEST_P(DamagedJson, IsRefusedByFileAndCause) {
  Json root = good_word_piece();
  GetParam().damage(root);
  for (const std::string& part : GetParam().parts)
    expect_error([&] { load_files({{"tokenizer.json", root.dump()}}); }, {"tokenizer.json", part});
}

INSTANTIATE_TEST_SUITE_P(All, DamagedJson, ::testing::ValuesIn(json_damages()),
                         [](const auto& damage) { return damage.param.name; });

TEST(DamagedFiles, TheUndamagedOneLoads) {
  const auto tokenizer = load_files({{"tokenizer.json", good_word_piece().dump()}});
  EXPECT_EQ(testing::ids_of(tokenizer->encode("ab")), (std::vector<std::int64_t>{1, 2, 3, 1}));
}

TEST(DamagedFiles, NoTokenizerIsNull) {
  EXPECT_EQ(load_files({{"config.json", "{}"}}), nullptr);
}

TEST(DamagedFiles, TokenizerJsonThatIsNoJson) {
  expect_error([] { load_files({{"tokenizer.json", "{\"model\": "}}); }, {"tokenizer.json"});
  expect_error([] { load_files({{"tokenizer.json", ""}}); }, {"tokenizer.json"});
  expect_error([] { load_files({{"tokenizer.json", "{\"a\": \"\xFF\"}"}}); }, {"tokenizer.json"});
  expect_error(
      [] {
        load_files({{"tokenizer.json", std::string(100'000, '[')}});
      },
      {"tokenizer.json", "deeper"});
  const auto folder = testing::scratch_folder();
  std::filesystem::create_directory(folder / "tokenizer.json");
  expect_error([&] { load_tokenizer(folder); }, {"tokenizer.json"});
}

TEST(DamagedFiles, VocabTxt) {
  const std::string good = "[UNK]\n[CLS]\n[SEP]\na\n";
  EXPECT_NE(load_files({{"vocab.txt", good}}), nullptr);
  expect_error(
      [&] {
        load_files({{"vocab.txt", good + "a\n"}});
      },
      {"vocab.txt", "two ids, 3 and 4"});
  expect_error([&] { load_files({{"vocab.txt", "[UNK]\n[CLS]\n"}}); }, {"vocab.txt", "[SEP]"});
  expect_error([&] { load_files({{"vocab.txt", "a\n"}}); }, {"vocab.txt", "[UNK]"});
  expect_error([&] { load_files({{"vocab.txt", ""}}); }, {"vocab.txt", "empty"});
  expect_error(
      [&] {
        load_files({{"vocab.txt", good + "\xC3\n"}});
      },
      {"vocab.txt is not UTF-8", "byte 20"});
  expect_error(
      [&] {
        load_files({{"vocab.txt", good}, {"tokenizer_config.json", "[]"}});
      },
      {"tokenizer_config.json"});
}

TEST(DamagedFiles, VocabJsonAndMerges) {
  const std::string vocab = R"({"a": 0, "b": 1, "ab": 2})";
  EXPECT_NE(load_files({{"vocab.json", vocab}, {"merges.txt", "#version: 0.2\na b\n"}}), nullptr);
  expect_error([&] { load_files({{"vocab.json", vocab}}); }, {"vocab.json but no merges.txt"});
  expect_error([&] { load_files({{"merges.txt", "a b\n"}}); }, {"merges.txt but no vocab.json"});
  expect_error(
      [&] {
        load_files({{"vocab.json", vocab}, {"merges.txt", "a b\nab\n"}});
      },
      {"merges.txt", "line 2", "\"ab\""});
  expect_error(
      [&] {
        load_files({{"vocab.json", vocab}, {"merges.txt", "a c\n"}});
      },
      {"merge 0", "\"c\""});
  expect_error([&] { load_files({{"vocab.json", "[1]"}, {"merges.txt", ""}}); }, {"vocab.json"});
  expect_error(
      [&] {
        load_files({{"vocab.json", vocab},
                    {"merges.txt", ""},
                    {"tokenizer_config.json", R"({"tokenizer_class": "OddTokenizer"})"}});
      },
      {"OddTokenizer", "GPT2Tokenizer"});
}

TEST(DamagedFiles, SentencePieceModel) {
  for (const std::string text : {"", "no model", "\x0A\xFF\xFF\xFF\xFF\x0F"})
    expect_error([&] { load_files({{"tokenizer.model", text}}); }, {"tokenizer.model"});
  HEADLIGHT_SHARED_OR_SKIP(path, "models/stories15M/tokenizer.model");
  const std::string good = read_text_file(path);
  expect_error(
      [&] {
        load_files({{"tokenizer.model", good.substr(0, good.size() / 2)}});
      },
      {"tokenizer.model"});
  expect_error(
      [&] {
        load_files(
            {{"tokenizer.model", good}, {"tokenizer_config.json", R"({"add_bos_token": "yes"})"}});
      },
      {"tokenizer_config.json", "add_bos_token"});
}

template <class T>
std::string bytes_of(T value) {
  std::string out(sizeof(value), '\0');
  std::memcpy(out.data(), &value, sizeof(value));
  return out;
}

/// A field of a protocol buffer message with `bytes` in it.
std::string field(char number, const std::string& bytes) {
  std::string out{static_cast<char>(number << 3 | 2)};
  for (std::size_t rest = bytes.size(); out.size() < 4; rest >>= 7)
    out += static_cast<char>((rest & 0x7F) | (out.size() < 3 ? 0x80 : 0));
  return out + bytes;
}

/// A message later in the file adds to one before it, so a normaliser can be appended to a model.
TEST(DamagedFiles, SentencePieceCharsmap) {
  HEADLIGHT_SHARED_OR_SKIP(path, "models/stories15M/tokenizer.model");
  const std::string good = read_text_file(path);
  const auto load = [&](const std::vector<std::uint32_t>& units, const std::string& texts) {
    std::string map = bytes_of(static_cast<std::uint32_t>(units.size() * 4));
    for (const std::uint32_t unit : units) map += bytes_of(unit);
    return load_files({{"tokenizer.model", good + field(3, field(2, map + texts))}});
  };
  const std::string texts("x\0", 2);
  std::vector<std::uint32_t> units(256, 0);
  EXPECT_EQ(load(units, texts)->decode({9038}), "Once");
  const auto refuses = [&](const std::vector<std::uint32_t>& bad, const std::string& text) {
    expect_error([&] { load(bad, text); }, {"tokenizer.model", "precompiled_charsmap"});
  };
  refuses(units, "x");      // texts without an end
  refuses(units, "");       // none at all
  refuses({0, 0}, texts);   // fewer units than there are bytes
  units['a'] = 300u << 10;  // leads to unit 300 ^ 'a'
  refuses(units, texts);
  units['a'] = 1u << 8;  // has a value, at unit 'a' itself, far past the texts
  refuses(units, texts);
}

std::string llama2c(std::int32_t longest,
                    const std::vector<std::pair<float, std::string>>& pieces) {
  std::string out = bytes_of(longest);
  for (const auto& [score, text] : pieces)
    out += bytes_of(score) + bytes_of(static_cast<std::int32_t>(text.size())) + text;
  return out;
}

TEST(DamagedFiles, Llama2cVocabulary) {
  const std::string good = llama2c(5, {{0, "<unk>"}, {0, "<s>"}, {0, "</s>"}, {-1, "a"}});
  EXPECT_NE(load_files({{"tokenizer.bin", good}}), nullptr);
  const auto refuses = [](const std::string& bytes, std::string_view part) {
    expect_error([&] { load_files({{"tok4.bin", bytes}}); }, {"tok4.bin", part});
  };
  refuses("", "longest piece");
  refuses(good.substr(0, good.size() - 1), "ends at byte");
  refuses(llama2c(-1, {}), "-1 bytes");
  refuses(llama2c(1 << 30, {}), "1073741824 bytes");
  refuses(llama2c(5, {{0, "<unk>"}}), "1 pieces");
  refuses(llama2c(5, {{0, "toolong"}}), "piece 0 has 7 bytes");
  refuses(llama2c(5, {{0, ""}}), "piece 0 has 0 bytes");
  refuses(llama2c(5, {{NAN, "a"}}), "not finite");
  refuses(llama2c(5, {{0, "\xFF"}}), "not UTF-8");
  refuses(llama2c(5, {{0, "a"}, {0, "b"}, {0, "a"}}), "two ids");
  expect_error([&] { load_files({{"tok1.bin", good}, {"tok2.bin", good}}); }, {"tokenizer.bin"});
}

TEST(DamagedFiles, AnUnknownIdIsNamed) {
  const auto tokenizer = load_files({{"tokenizer.json", good_word_piece().dump()}});
  expect_error([&] { tokenizer->decode({0, 4}); }, {"id 4", "vocabulary of 4 (ids 0 to 3)"});
  expect_error([&] { tokenizer->piece(-1); }, {"id -1"});
}

/// Whatever single bytes of a file become, there is a tokenizer that works or an Error.
TEST(DamagedFiles, RandomBytes) {
  const std::string good = good_word_piece().dump();
  std::mt19937_64 random(7);
  std::size_t refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string bytes = good;
    for (std::size_t k = 1 + random() % 3; k-- > 0;)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      const auto tokenizer = load_files({{"tokenizer.json", bytes}});
      tokenizer->decode(testing::ids_of(tokenizer->encode("ab Ünknown")));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0u);
  EXPECT_LT(refused, 500u);
}

}  // namespace
}  // namespace headlight
