#include "io/gguf.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight {
namespace {

using testing::expect_error;

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}
std::string u32(std::uint32_t value) {
  return raw(value);
}
std::string u64(std::uint64_t value) {
  return raw(value);
}
std::string text(std::string_view value) {
  return u64(value.size()) + std::string(value);
}
std::string pair(std::string_view key, std::uint32_t type, const std::string& value) {
  return text(key) + u32(type) + value;
}
std::string header(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3) {
  return "GGUF" + u32(version) + u64(tensors) + u64(pairs);
}
std::string tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                   std::uint32_t type, std::uint64_t offset) {
  std::string entry = text(name) + u32(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t dim : dims) entry += u64(dim);
  return entry + u32(type) + u64(offset);
}
/// Zeros up to the next multiple of 32.
std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 31) / 32 * 32, '\0');
  return bytes;
}

class GgufTest : public ::testing::Test {
 protected:
  GgufFile open(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return GgufFile(path_);
  }
  void expect_refused(const std::string& bytes, std::string_view cause) const {
    expect_error([&] { open(bytes); }, {path_.string(), cause});
  }
  const std::filesystem::path path_ = testing::scratch_folder() / "a.gguf";
};

TEST_F(GgufTest, ReadsEveryValueType) {
  const std::string values[] = {
      pair("u8", 0, raw<std::uint8_t>(200)),
      pair("i8", 1, raw<std::int8_t>(-100)),
      pair("u16", 2, raw<std::uint16_t>(60000)),
      pair("i16", 3, raw<std::int16_t>(-30000)),
      pair("u32", 4, u32(4'000'000'000)),
      pair("i32", 5, raw<std::int32_t>(-2'000'000'000)),
      pair("f32", 6, raw(1.5f)),
      pair("bool", 7, "\1"),
      pair("string", 8, text("é")),
      pair("strings", 9, u32(8) + u64(3) + text("a") + text("") + text("bc")),
      pair("u64", 10, u64(1ull << 62)),
      pair("i64", 11, raw<std::int64_t>(-5)),
      pair("f64", 12, raw(2.25)),
      pair("ints", 9, u32(5) + u64(2) + raw<std::int32_t>(-1) + raw<std::int32_t>(7)),
      pair("floats", 9, u32(6) + u64(2) + raw(0.5f) + raw(-1.0f)),
      pair("none", 9, u32(8) + u64(0)),
      pair("huge", 10, u64(1ull << 63)),
  };
  std::string bytes = header(0, std::size(values), 2);
  for (const std::string& value : values) bytes += value;
  const GgufFile file = open(bytes);
  EXPECT_EQ(file.version(), 2u);
  EXPECT_EQ(file.keys().size(), std::size(values));
  EXPECT_EQ(file.integer("u8"), 200);
  EXPECT_EQ(file.integer("i8"), -100);
  EXPECT_EQ(file.integer("u16"), 60000);
  EXPECT_EQ(file.integer("i16"), -30000);
  EXPECT_EQ(file.integer("u32"), 4'000'000'000);
  EXPECT_EQ(file.integer("i32"), -2'000'000'000);
  EXPECT_EQ(file.integer("u64"), std::int64_t{1} << 62);
  EXPECT_EQ(file.integer("i64"), -5);
  EXPECT_EQ(file.number("f32"), 1.5);
  EXPECT_EQ(file.number("f64"), 2.25);
  EXPECT_TRUE(file.boolean("bool"));
  EXPECT_EQ(file.string("string"), "é");
  EXPECT_EQ(file.strings("strings"), (std::vector<std::string_view>{"a", "", "bc"}));
  EXPECT_EQ(file.integers("ints"), (std::vector<std::int64_t>{-1, 7}));
  EXPECT_EQ(file.numbers("floats"), (std::vector<double>{0.5, -1.0}));
  EXPECT_TRUE(file.strings("none").empty());

  expect_error([&] { file.integer("huge"); }, {"\"huge\" must be an integer of 63 bits, got u64"});
  expect_error([&] { file.integer("f32"); }, {"got f32"});
  expect_error([&] { file.string("strings"); }, {"a single value, got an array of 3 string"});
  expect_error([&] { file.strings("ints"); }, {"an array of strings, got an array of 2 i32"});
  expect_error([&] { file.integers("strings"); }, {"an array of integers"});
  expect_error([&] { file.numbers("u8"); }, {"an array, got u8"});
  expect_error([&] { file.boolean("stringz"); }, {"no key \"stringz\"", "nearest is \"string\""});
}

TEST_F(GgufTest, ReadsTensors) {
  const std::string data =
      padded(raw(1.0f) + raw(2.0f) + raw(3.0f) + raw(4.0f) + raw(5.0f) + raw(6.0f)) +
      raw<std::uint16_t>(0x3C00);
  const GgufFile file =
      open(padded(header(2, 0) + tensor("b", {1}, 1, 32) + tensor("a", {3, 2}, 0, 0)) + data);
  EXPECT_EQ(file.tensor_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(file.tensor("a").shape(), (Shape{2, 3}));  // row-major
  EXPECT_EQ(file.tensor("a").as<float>()[5], 6.0f);
  EXPECT_EQ(to_float(file.tensor("b").as<Float16>()[0]), 1.0f);
  expect_error([&] { file.tensor("c"); }, {path_.string(), "no tensor \"c\" among its 2"});
}

TEST_F(GgufTest, RefusesDamagedHeaders) {
  expect_refused("", "past the end of the file (0)");
  expect_refused("GGML" + u32(3), "does not open with \"GGUF\"");
  expect_refused(header(0, 0, 1), "version 1 is not supported");
  expect_refused(header(0, 0, std::uint32_t{3} << 24), "little-endian");  // a big-endian 3
  expect_refused(header(0, 0).substr(0, 20), "past the end");
  expect_refused(header(0, 1), "key count 1 is more than the file has room for");
  expect_refused(header(std::numeric_limits<std::uint64_t>::max(), 0), "tensor count 184467");
}

TEST_F(GgufTest, RefusesDamagedPairs) {
  const auto one = [](const std::string& pair) { return header(0, 1) + pair; };
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  expect_refused(one(u64(most) + std::string(20, 'x')), "a key of 18446744073709551615 bytes");
  expect_refused(one(text("") + u32(0) + "xxxxxx"), "a key of 0 bytes");
  expect_refused(one(pair("\xff", 0, "x")), "\"\\xff\" is not valid UTF-8");
  expect_refused(one(pair("k", 8, text("\xc0\x80"))), "is not valid UTF-8");
  expect_refused(one(pair("k", 13, "x")), "key \"k\" holds type 13");
  expect_refused(one(pair("k", 7, "\2")), "a bool that is neither 0 nor 1");
  expect_refused(one(pair("k", 10, "xxxx")), "more than the file has room for");
  expect_refused(one(pair("k", 9, u32(9) + u64(1))), "an array of arrays");
  expect_refused(one(pair("k", 9, u32(8) + u64(most))), "holds 18446744073709551615 values");
  expect_refused(one(pair("k", 9, u32(8) + u64(2) + u64(0) + u64(9))), "a string of 9 bytes");
  expect_refused(header(0, 2) + pair("k", 0, "x") + pair("k", 0, "x"), "duplicate key \"k\"");
}

TEST_F(GgufTest, RefusesDamagedTensors) {
  const auto one = [](const std::string& entry, std::size_t bytes) {
    return padded(header(1, 0) + entry) + std::string(bytes, '\0');
  };
  EXPECT_NO_THROW(open(one(tensor("a", {2}, 0, 0), 8)));
  expect_refused(one(tensor("a", {2}, 0, 0), 7), "tensor \"a\" (8 bytes at 0) is past the end");
  expect_refused(one(tensor("a", {2}, 0, 1ull << 63), 8), "is past the end");
  expect_refused(one(tensor("a", {2}, 0, 8), 64), "not a multiple of the alignment 32");
  expect_refused(one(tensor("a", {2}, 12, 0), 8), "\"a\" has ggml type 12");
  expect_refused(one(tensor("a", {1, 1, 1, 1, 1}, 0, 0), 8), "5 dimensions; at most 4");
  expect_refused(one(tensor("a", {1ull << 63}, 0, 0), 8), "an extent past 63 bits");
  expect_refused(one(tensor("a", {1ull << 40, 1ull << 40}, 0, 0), 8), "overflows 63 bits");
  const std::string two = tensor("a", {2}, 0, 0) + tensor("b", {2}, 0, 0);
  expect_refused(padded(header(2, 0) + two) + std::string(8, '\0'), "overlaps");
  const std::string same = tensor("a", {1}, 0, 0) + tensor("a", {1}, 0, 32);
  expect_refused(padded(header(2, 0) + same) + std::string(36, '\0'), "duplicate tensor \"a\"");
  const std::string odd = pair("general.alignment", 4, u32(12));
  expect_refused(header(0, 1) + odd, "general.alignment 12");
}

struct Vocabulary {
  const char* file;
  const char* model;
  std::size_t tokens, scores, merges;
};

TEST(GgufShared, VocabularyFilesOfLlamaCpp) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "tokenizers");
  for (const Vocabulary& v : {Vocabulary{"ggml-vocab-bert-bge.gguf", "bert", 30522, 0, 0},
                              Vocabulary{"ggml-vocab-gpt-2.gguf", "gpt2", 50257, 0, 50000},
                              Vocabulary{"ggml-vocab-llama-spm.gguf", "llama", 32000, 32000, 0}}) {
    const GgufFile file(folder / v.file);
    EXPECT_EQ(file.version(), 3u);
    EXPECT_EQ(file.string("tokenizer.ggml.model"), v.model);
    EXPECT_EQ(file.strings("tokenizer.ggml.tokens").size(), v.tokens);
    EXPECT_EQ(file.integers("tokenizer.ggml.token_type").size(), v.tokens);
    if (v.scores) {
      EXPECT_EQ(file.numbers("tokenizer.ggml.scores").size(), v.scores);
    }
    if (v.merges) {
      const auto merges = file.strings("tokenizer.ggml.merges");
      ASSERT_EQ(merges.size(), v.merges);
      EXPECT_EQ(merges[2], "h e");
    }
    EXPECT_TRUE(file.tensor_names().empty());
  }
}

}  // namespace
}  // namespace headlight
