#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "core/folder.h"
#include "core/function_ref.h"
#include "core/mapped_file.h"
#include "core/tensor.h"
#include "core/threads.h"
#include "core/utf8.h"
#include "support/shared.h"

namespace headlight {
namespace {

TEST(FunctionRef, CallsWhatItRefersTo) {
  int calls = 0;
  const auto add = [&](int n) { return calls += n; };
  const FunctionRef<int(int)> ref = add;
  const FunctionRef<int(int)> copy = ref;
  EXPECT_TRUE(copy);
  EXPECT_EQ(ref(2), 2);
  EXPECT_EQ(copy(3), 5);
  EXPECT_FALSE(FunctionRef<int(int)>());
}

TEST(Error, NamesTheOp) {
  try {
    check(false, "attention", "n_heads {} does not divide d_model {}", 7, 512);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[attention] n_heads 7 does not divide d_model 512");
    EXPECT_EQ(e.op(), "attention");
  }
}

TEST(Error, PrintableEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("a\n\x1b[31m"), "a\\x0a\\x1b[31m");
  EXPECT_EQ(printable("\xff\xc0\xaf"), "\\xff\\xc0\\xaf");  // never valid; overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(DType, Float16RoundTripsEveryValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = to_float(Float16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(to_float(to_float16(x))));
    } else {
      ASSERT_EQ(to_float16(x).bits, bits);
    }
  }
}

TEST(DType, Float16MatchesTheCompilersConversion) {
  for (std::uint32_t i = 0; i < 2'000'000; ++i) {
    const float x = std::bit_cast<float>(i * 2147u + 12345u);
    if (std::isnan(x)) continue;
    const auto expected = std::bit_cast<std::uint16_t>(static_cast<_Float16>(x));
    ASSERT_EQ(to_float16(x).bits, expected) << x;
  }
}

TEST(DType, BFloat16RoundsToNearestEven) {
  EXPECT_EQ(to_bfloat16(1.0f).bits, 0x3F80);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F808000u)).bits, 0x3F80);  // tie to even
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F818000u)).bits, 0x3F82);
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isinf(to_float(to_bfloat16(std::numeric_limits<float>::max()))));
}

TEST(Shape, RefusesWhatDoesNotFit) {
  EXPECT_EQ(to_string(Shape({2, 3, 4})), "[2, 3, 4]");
  EXPECT_EQ(Shape({2, 3, 4}).contiguous_strides(), Shape({12, 4, 1}));
  EXPECT_THROW(Shape({1LL << 40, 1LL << 40}).numel(), Error);
  EXPECT_THROW(Shape({2, -1}).numel(), Error);
}

TEST(Tensor, IsAlignedZeroAndTyped) {
  Tensor t({1024, 1024});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.view().data()) % 64, 0u);
  for (float x : t.span<float>()) ASSERT_EQ(x, 0.0f);
  EXPECT_THROW(t.span<double>(), Error);
  EXPECT_THROW(Tensor(DType::f32, Shape({1LL << 44, 1LL << 15})), Error);
}

TEST(Tensor, NarrowsToEveryStorageType) {
  Tensor wide({2, 2});
  const float values[] = {1.0f, -0.3f, 65520.0f, 0.0f};
  std::ranges::copy(values, wide.span<float>().begin());
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    const Tensor back = to_f32(to_dtype(dtype, wide));
    for (std::size_t i = 0; i < 4; ++i) {
      const float expected = dtype == DType::f32    ? values[i]
                             : dtype == DType::bf16 ? to_float(to_bfloat16(values[i]))
                                                    : to_float(to_float16(values[i]));
      EXPECT_EQ(back.span<float>()[i], expected);
    }
  }
  EXPECT_THROW(to_dtype(DType::i8, wide), Error);
  EXPECT_THROW(to_dtype(DType::f16, to_dtype(DType::bf16, wide)), Error);
}

TEST(Tensor, WidensEveryStorageType) {
  Tensor half(DType::f16, {2});
  half.span<Float16>()[1] = to_float16(1.5f);
  EXPECT_EQ(to_f32(half).span<float>()[1], 1.5f);
  EXPECT_THROW(to_f32(Tensor(DType::i64, {2})), Error);
}

TEST(Threads, ParallelForVisitsAllAndRethrows) {
  set_threads(4);
  std::atomic<int> sum{0};
  parallel_for(1000, [&](std::int64_t i) { sum += static_cast<int>(i); });
  EXPECT_EQ(sum, 499500);
  EXPECT_THROW(parallel_for(8, [](std::int64_t i) { check(i != 5, "test", "five"); }), Error);
  EXPECT_THROW(set_threads(-1), Error);
  set_threads(0);
}

TEST(Threads, ALimitNestsAndEnds) {
  set_threads(4);
  {
    const ThreadLimit two(2);
    EXPECT_EQ(threads(), 2);
    {
      const ThreadLimit three(3);
      EXPECT_EQ(threads(), 2);
      const ThreadLimit one(1);
      EXPECT_EQ(threads(), 1);
    }
    EXPECT_EQ(threads(), 2);
  }
  EXPECT_EQ(threads(), 4);
  EXPECT_THROW(ThreadLimit(0), Error);
  set_threads(0);
}

TEST(Folder, OnDiskAndInMemoryReadTheSame) {
  const std::filesystem::path disk = testing::scratch_folder();
  write_text_file(disk / "a.txt", "hello");
  const std::string_view text = "hello";
  const EmbeddedFile files[] = {{"a.txt", std::as_bytes(std::span(text))}, {"none", {}}};
  const Folder memory("built-in:x", files);
  for (const Folder& folder : {Folder(disk), memory}) {
    folder.check_there("op");
    EXPECT_TRUE(folder.holds("a.txt"));
    EXPECT_FALSE(folder.holds("b.txt"));
    EXPECT_EQ(folder.text("a.txt"), "hello");
    EXPECT_EQ(folder.open("a.txt").path(), folder.path() / "a.txt");
    EXPECT_THROW(folder.open("b.txt"), Error);
    EXPECT_THROW(folder.text("a.txt", 4), Error);
  }
  EXPECT_EQ(memory.open("a.txt").bytes().data(), std::as_bytes(std::span(text)).data())
      << "in place";
  EXPECT_TRUE(memory.open("none").bytes().empty());
  EXPECT_THROW(Folder(disk / "absent").check_there("op"), Error);
  EXPECT_THROW(Folder(disk / "a.txt").check_there("op"), Error);
  std::filesystem::remove_all(disk);
}

TEST(MappedFile, ReadsRegularFilesOnly) {
  const auto folder = testing::scratch_folder();
  EXPECT_THROW(MappedFile(folder / "absent"), Error);
  EXPECT_THROW(MappedFile{folder}, Error);
  std::ofstream(folder / "empty");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  std::ofstream(folder / "text") << "hello";
  EXPECT_EQ(read_text_file(folder / "text"), "hello");
  EXPECT_THROW(read_text_file(folder / "text", 4), Error);
}

TEST(WriteFile, ReplacesWholeOrNotAtAll) {
  const auto folder = testing::scratch_folder();
  const std::string text = "new";
  const auto bytes = std::as_bytes(std::span(text));
  write_file_atomically(folder / "file", std::array{bytes, bytes});
  EXPECT_EQ(read_text_file(folder / "file"), "newnew");
  EXPECT_THROW(write_file_atomically(folder / "no" / "file", std::array{bytes}), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST(Utf8, AcceptsExactlyTheUnicodeTable) {
  for (const std::string_view good : {"", "abc", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                      "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "é数🙂"})
    EXPECT_TRUE(is_utf8(good)) << printable(good);
  // Stray and missing continuations, overlong forms, a surrogate, past U+10FFFF.
  for (const std::string_view bad :
       {"\x80", "\xc2", "\xe2\x82", "a\xffz", "\xc0\xaf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"})
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

}  // namespace
}  // namespace headlight
