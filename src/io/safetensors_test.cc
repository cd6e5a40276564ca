#include "io/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "io/nearest_name.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;

std::string prefix(std::uint64_t length) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(length >> (8 * i));
  return text;
}

/// A file with this header, its true length in front, and `data_bytes` zero bytes behind.
std::string whole(const std::string& header, std::size_t data_bytes) {
  return prefix(header.size()) + header + std::string(data_bytes, '\0');
}

class SafetensorsTest : public ::testing::Test {
 protected:
  fs::path write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }
  /// Opening a file of these bytes must fail; every message also names the file.
  void expect_refused(const std::string& bytes, std::initializer_list<std::string_view> parts) {
    write(bytes);
    expect_error([&] { SafetensorsFile file(path_); }, {path_.string()});
    expect_error([&] { SafetensorsFile file(path_); }, parts);
  }

  const fs::path path_ = testing::scratch_folder() / "a.safetensors";
};

TEST_F(SafetensorsTest, RoundTripsEveryDTypeInOrder) {
  std::vector<Tensor> tensors;
  std::vector<NamedTensor> named;
  for (const DType dtype : {DType::f32, DType::boolean, DType::f16, DType::i8, DType::f64,
                            DType::bf16, DType::u8, DType::i64, DType::i16, DType::i32}) {
    Tensor& t = tensors.emplace_back(dtype, Shape{3, 5});
    auto* bytes = static_cast<std::uint8_t*>(t.view().data());
    for (std::size_t i = 0; i < t.bytes(); ++i)
      bytes[i] = static_cast<std::uint8_t>(dtype == DType::boolean ? i % 2 : i * 7 + 1);
  }
  tensors.emplace_back(DType::f32, Shape{});      // a scalar
  tensors.emplace_back(DType::i64, Shape{0, 4});  // no elements
  for (const Tensor& t : tensors)
    named.push_back({fmt::format("t{}.{}", 20 - named.size(), name_of(t.dtype())), t});
  const std::map<std::string, std::string> metadata = {{"a", "x\n\"y\""}, {"é", ""}};
  write_safetensors(path_, named, metadata);

  const SafetensorsFile file(path_);
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.names().size(), named.size());
  for (const NamedTensor& item : named) {
    ASSERT_TRUE(file.contains(item.name));
    const TensorView got = file.tensor(item.name);
    EXPECT_EQ(got.dtype(), item.tensor.dtype()) << item.name;
    EXPECT_EQ(got.shape(), item.tensor.shape()) << item.name;
    const auto bytes = static_cast<std::size_t>(got.numel()) * size_of(got.dtype());
    EXPECT_EQ(std::memcmp(got.data(), item.tensor.data(), bytes), 0) << item.name;
    // The odd-sized tensors before it leave some misaligned in the file; no view is.
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got.data()) % size_of(got.dtype()), 0u);
  }
  // File order, not alphabetical order (the empty tensor may stand on either side of its offset).
  EXPECT_EQ(file.names().front(), "t20.f32");
  EXPECT_EQ(file.names()[1], "t19.bool");
}

TEST_F(SafetensorsTest, PadsTheHeaderToEightBytes) {
  for (const std::string name : {"a", "ab", "abc", "abcdefghi"}) {
    write_safetensors(path_, {{name, Tensor(Shape{2})}});
    std::ifstream in(path_, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    ASSERT_EQ((bytes.size() - 8 - 8) % 8, 0u);
    EXPECT_EQ(bytes.substr(0, 8), prefix(bytes.size() - 16));
    EXPECT_EQ(bytes[8], '{');
  }
}

TEST_F(SafetensorsTest, WriterRefuses) {
  const Tensor t(Shape{2, 3});
  expect_error([&] { write_safetensors(path_, {{"a", t}, {"a", t}}); }, {"\"a\" is given twice"});
  expect_error([&] { write_safetensors(path_, {{"__metadata__", t}}); }, {"reserved"});
  expect_error([&] { write_safetensors(path_, {{"\xff", t}}); }, {"UTF-8"});
  expect_error([&] { write_safetensors(path_, {{"a", t}}, {{"k", "\xc0"}}); }, {"UTF-8"});
  const TensorView transposed(t.view().data(), DType::f32, {3, 2}, {1, 3});
  expect_error([&] { write_safetensors(path_, {{"a", transposed}}); }, {"\"a\"", "contiguous"});
  expect_error([&] { write_safetensors(path_, {{"a", TensorView()}}); }, {"never given"});
  EXPECT_FALSE(fs::exists(path_));  // nothing is left behind
}

TEST_F(SafetensorsTest, AcceptsTheSmallestFiles) {
  EXPECT_TRUE(SafetensorsFile(write(whole("{}", 0))).names().empty());
  EXPECT_TRUE(SafetensorsFile(write(whole("{}      ", 0))).names().empty());
}

TEST_F(SafetensorsTest, RefusesDamagedFraming) {
  expect_refused("", {"0 bytes are too few"});
  expect_refused("1234567", {"7 bytes are too few"});
  expect_refused(prefix(0), {"does not open with {"});
  expect_refused(prefix(3) + "{}", {"header length 3", "past the end of the file"});
  expect_refused(prefix(100'000'001) + "{}", {"header length 100000001", "limit"});
  expect_refused(prefix(std::numeric_limits<std::uint64_t>::max()) + "{}",
                 {"header length 18446744073709551615"});
  expect_refused(whole(" {}", 0), {"does not open with {"});
  expect_refused(whole("\xef\xbb\xbf{}", 0), {"does not open with {"});
  expect_refused(whole("[]", 0), {"does not open with {"});
  expect_refused(whole("{", 0), {"line 1"});
  expect_refused(whole("{} {}", 0), {"line 1"});
  expect_refused(whole("{}", 3), {"3 bytes after the last tensor"});
}

struct HeaderCase {
  const char* header;
  std::size_t data_bytes;
  const char* cause;
};

class SafetensorsHeaderTest : public SafetensorsTest,
                              public ::testing::WithParamInterface<HeaderCase> {};

TEST_P(SafetensorsHeaderTest, RefusesAndNamesTheCause) {
  expect_refused(whole(GetParam().header, GetParam().data_bytes), {GetParam().cause});
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Damaged, SafetensorsHeaderTest, ::testing::ValuesIn(std::vector<HeaderCase>{
  {R"({"a": 1})", 0, "tensor \"a\": must be an object, got 1"},
  {R"({"a": {}})", 0, "\"dtype\" is missing"},
  {R"({"a": {"dtype": "F32", "shape": [1]}})", 4, "\"data_offsets\" is missing"},
  {R"({"a": {"dtype": "F32", "data_offsets": [0, 4]}})", 4, "\"shape\" is missing"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "x": 0}})", 4, "unknown key \"x\""},
  {R"({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}})", 1, "tensor \"a\": dtype \"F8_E4M3\" is not supported; F32, BF16"},
  {R"({"a": {"dtype": "f32", "shape": [1], "data_offsets": [0, 4]}})", 4, "dtype \"f32\" is not supported"},
  {R"({"a": {"dtype": 5, "shape": [1], "data_offsets": [0, 4]}})", 4, "\"dtype\" must be a string"},
  {R"({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})", 4, "\"shape\" must be an array"},
  {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4, "got -1"},
  {R"({"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}})", 4, "got 1.0"},
  {R"({"a": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}})", 4, "whole numbers"},
  {R"({"a": {"dtype": "F32", "shape": [9223372036854775808], "data_offsets": [0, 4]}})", 4, "got 9223372036854775808"},
  {R"({"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", 0, "overflows 63 bits"},
  {R"({"a": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]}})", 0, "overflows 63 bits"},
  {R"({"a": {"dtype": "F32", "shape": [0, 4294967296, 4294967296], "data_offsets": [0, 0]}})", 0, "overflows 63 bits"},
  {R"({"a": {"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,1], "data_offsets": [0, 4]}})", 4, "9 dimensions; at most 8"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", 4, "must be [begin, end]"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4, "end before they begin"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}})", 4, "got -4"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})", 4, "past the end of the 4 bytes of data"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [18446744073709551612, 18446744073709551615]}})", 4, "whole numbers"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})", 8, "takes 4 bytes, but data_offsets span 8"},
  {R"({"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 8]}})", 8, "takes 4 bytes"},
  {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", 8, "\"a\" and \"b\" overlap"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4, "\"a\" and \"b\" overlap"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}})", 12, "hole of 4 bytes lies before tensor \"b\""},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", 8, "hole of 4 bytes lies before tensor \"a\""},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 5, "1 bytes after the last tensor"},
  {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4, "duplicate key \"a\""},
  {R"({"a": {"dtype": "F32", "dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 4, "duplicate key \"dtype\""},
  {R"({"__metadata__": {"n": 1}})", 0, "__metadata__: \"n\" must be a string"},
  {R"({"__metadata__": []})", 0, "__metadata__: must be an object"},
  {"{\"a\xff\": {}}", 0, "UTF-8"},
}));
// clang-format on

TEST_F(SafetensorsTest, BoolTensorsHoldOnlyZeroAndOne) {
  const std::string header = R"({"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}})";
  EXPECT_NO_THROW(SafetensorsFile(write(prefix(header.size()) + header + std::string("\1\0", 2))));
  expect_refused(prefix(header.size()) + header + std::string("\1\2", 2), {"holds the byte 2"});
}

TEST_F(SafetensorsTest, MissingTensorNamesFileAndNearest) {
  write_safetensors(path_, {{"h.0.attn.c_attn.weight", Tensor(Shape{1})},
                            {"h.0.attn.c_proj.weight", Tensor(Shape{1})}});
  const SafetensorsFile file(path_);
  expect_error([&] { file.tensor("h.0.attn.c_prj.weight"); },
               {path_.string(), "no tensor \"h.0.attn.c_prj.weight\" among its 2",
                "nearest is \"h.0.attn.c_proj.weight\""});
  expect_error([&] { file.tensor("a\nb"); }, {"a\\x0ab"});
}

TEST_F(SafetensorsTest, ViewsSurviveAMove) {
  write_safetensors(path_, {{"pad", Tensor(DType::u8, Shape{3})}, {"a", Tensor(Shape{4})}});
  SafetensorsFile first(path_);
  const SafetensorsFile second(std::move(first));
  EXPECT_EQ(second.tensor("a").as<float>()[3], 0.0f);
}

TEST(SafetensorsShared, OpensRealFiles) {
  HEADLIGHT_SHARED_OR_SKIP(models, "models");
  for (const char* name : {"gpt2-basic", "nano-sort", "stories260K", "all-MiniLM-L6-v2"}) {
    const SafetensorsFile file(models / name / "model.safetensors");
    EXPECT_FALSE(file.names().empty()) << name;
    EXPECT_EQ(file.metadata().at("format"), "pt") << name;
  }
}

TEST(NearestName, DistanceAndHint) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  const std::vector<std::string> names = {"alpha", "beta", "gamma"};
  EXPECT_EQ(nearest_hint("bta", names), "; the nearest is \"beta\"");
  EXPECT_EQ(nearest_hint("omega-13", names), "");
  EXPECT_EQ(nearest_hint("", names), "");
}

}  // namespace
}  // namespace headlight
