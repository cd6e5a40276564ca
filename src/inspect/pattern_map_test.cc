#include "inspect/pattern_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::TinyModel;

Trace trace_of(const TinyModel& tiny, std::int64_t length) {
  const auto folder = testing::scratch_folder();
  testing::write_model(tiny, folder);
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < length; ++i) ids.push_back((7 * i + i * i / 5) % 17);
  return record_trace(Transformer::load(folder), tokens_of_ids(ids), "");
}

/// Whole rows, pooled one entry after the other.
std::vector<double> pooled(const Trace& trace, const MapArea& a, std::int64_t n, std::int64_t m) {
  const Tensor rows = pattern_rows(trace, a.layer, a.head, a.row_begin, a.row_end);
  const std::int64_t height = a.row_end - a.row_begin, width = a.key_end - a.key_begin;
  std::vector<double> out(static_cast<std::size_t>(2 * n * m));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j) {
      double sum = 0, count = 0, top = 0;
      for (std::int64_t r = i * height / n; r < (i + 1) * height / n; ++r)
        for (std::int64_t c = j * width / m; c < (j + 1) * width / m; ++c, ++count) {
          const double p =
              rows.span<float>()[static_cast<std::size_t>(r * trace.length() + a.key_begin + c)];
          sum += p;
          top = std::max(top, p);
        }
      out[static_cast<std::size_t>(i * m + j)] = sum / count;
      out[static_cast<std::size_t>((n + i) * m + j)] = top;
    }
  return out;
}

TEST(PatternMap, IsThePatternsOwnRowsPooled) {
  for (const TinyModel& tiny :
       {testing::tiny_llama({{"max_position_embeddings", 300}}),  // causal, grouped-query heads
        testing::tiny_bert({{"max_position_embeddings", 300}}),
        testing::tiny_gpt2({{"n_positions", 300}, {"scale_attn_by_inverse_layer_idx", true}})}) {
    const Trace trace = trace_of(tiny, 283);
    for (std::int64_t head = 0; head < trace.config.n_heads; ++head)
      for (MapArea area : {MapArea{.row_end = 283, .key_end = 283, .size = 40},
                           MapArea{.row_end = 283, .key_end = 283},
                           MapArea{.row_begin = 101, .row_end = 171, .key_begin = 3, .key_end = 99},
                           MapArea{.row_begin = 280, .row_end = 281, .key_end = 283, .size = 1}}) {
        area.layer = 1;
        area.head = head;
        const PatternMap map = pattern_map(trace, area);
        const std::int64_t n = std::min(area.size, area.row_end - area.row_begin);
        const std::int64_t m = std::min(area.size, area.key_end - area.key_begin);
        ASSERT_EQ(map.cells.shape(), Shape({2, n, m}));
        EXPECT_EQ(map.rows_read, map.rows);
        EXPECT_EQ(map.rows, area.row_end - area.row_begin);
        const std::vector<double> expected = pooled(trace, area, n, m);
        for (std::size_t i = 0; i < expected.size(); ++i)
          ASSERT_NEAR(static_cast<double>(map.cells.span<float>()[i]), expected[i], 3e-6) << i;
      }
  }
}

TEST(PatternMap, ReadsFewerRowsWhenAllWouldCostTooMuchAndSaysSo) {
  const Trace trace = trace_of(testing::tiny_llama({{"max_position_embeddings", 3000}}), 2900);
  const MapArea area{.head = 3, .row_end = 2900, .key_end = 2900, .size = 58};
  const PatternMap exact = pattern_map(trace, area);
  EXPECT_EQ(exact.rows_read, 2900);
  const PatternMap sampled = pattern_map(trace, area, 16.0 * 58 * 1450 * 30 * 10.5);
  EXPECT_EQ(sampled.rows_read, 58 * 10);
  EXPECT_EQ(sampled.rows, 2900);
  EXPECT_EQ(pattern_map(trace, area, 0).rows_read, 58) << "one of each cell at least";
  // What each cell of a row of cells holds adds up to 1, whichever rows were read.
  const auto means = sampled.cells.span<float>().first(58 * 58);
  double distance = 0;
  for (std::size_t i = 0; i < 58; ++i) {
    double sum = 0;
    for (const float mean : means.subspan(i * 58, 58)) sum += 50 * static_cast<double>(mean);
    EXPECT_NEAR(sum, 1, 1e-4);
    for (std::size_t j = 0; j < 58; ++j)
      distance += 50 * std::fabs(static_cast<double>(means[i * 58 + j]) -
                                 static_cast<double>(exact.cells.span<float>()[i * 58 + j]));
  }
  EXPECT_GT(distance, 0);
  EXPECT_LT(distance / 58, 0.5) << "a fifth of the rows says about what all of them do";
}

TEST(PatternMap, OutOfRangeNamesTheRange) {
  const Trace trace = trace_of(testing::tiny_llama(), 9);
  const auto refused = [&](MapArea area, std::string_view part) {
    expect_error([&] { pattern_map(trace, area); }, {part});
  };
  refused({.layer = 2, .row_end = 9, .key_end = 9}, "layer 2 is not in [0, 2)");
  refused({.head = 4, .row_end = 9, .key_end = 9}, "head 4 is not in [0, 4)");
  refused({.row_end = 10, .key_end = 9}, "rows 0:10 are not in 0:9");
  refused({.row_end = 9, .key_begin = 3, .key_end = 3}, "columns 3:3 are not in 0:9");
  refused({.row_end = 9, .key_end = 9, .size = 257}, "size 257 is not in [1, 256]");
}

}  // namespace
}  // namespace headlight
