#include "kernels/attention/statistics.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/slice.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention";

void check_heads(std::span<const std::int64_t> heads, std::int64_t n_heads) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    check(heads[i] >= 0 && heads[i] < n_heads, kOp,
          "statistics of head {} are asked for, but there are {} heads", heads[i], n_heads);
    check(std::ranges::count(heads, heads[i]) == 1, kOp,
          "statistics of head {} are asked for twice; name each head once", heads[i]);
  }
}

void check_output(std::string_view name, TensorView view, DType dtype, const Shape& expected) {
  if (!view) return;
  const std::size_t last = expected.rank() - 1;
  check(view.shape() == expected && view.dtype() == dtype &&
            (expected[last] <= 1 || view.stride(last) == 1),
        kOp, "{} is {} {} with strides {}; it must be {} {}, innermost stride 1", name,
        name_of(view.dtype()), view.shape(), view.strides(), name_of(dtype), expected);
}

void check_top(const AttentionStatistics& s, const Shape& rows) {
  check(static_cast<bool>(s.top_mass) == static_cast<bool>(s.top_keys), kOp,
        "top_mass and top_keys come together; give both or neither");
  if (!s.top_mass) return;
  check(s.top_mass.rank() == 4, kOp, "top_mass has shape {}; it must be [batch, heads, q_len, k]",
        s.top_mass.shape());
  const Shape expected{rows[0], rows[1], rows[2], s.top_mass.dim(3)};
  check_output("top_mass", s.top_mass, DType::f32, expected);
  check_output("top_keys", s.top_keys, DType::i32, expected);
}

void check_pattern(const AttentionStatistics& s, const Shape& rows, std::int64_t kv_len) {
  const std::span<const std::int64_t> queries = s.pattern_queries;
  for (std::size_t i = 0; i < queries.size(); ++i)
    check(queries[i] >= 0 && queries[i] < rows[2] && (i == 0 || queries[i - 1] < queries[i]), kOp,
          "pattern_queries holds {} at {}; they rise and lie below q_len {}", queries[i], i,
          rows[2]);
  const std::int64_t count = queries.empty() ? rows[2] : std::ssize(queries);
  check_output("pattern", s.pattern, DType::f32, {rows[0], rows[1], count, kv_len});
}

}  // namespace

std::int64_t AttentionStatistics::index_of(std::int64_t head) const {
  if (heads.empty()) return head;
  const auto found = std::ranges::find(heads, head);
  return found == heads.end() ? -1 : found - heads.begin();
}

void check_statistics(const AttentionStatistics& s, const StatisticsExtents& e) {
  check_heads(s.heads, e.n_heads);
  const std::int64_t count = s.heads.empty() ? e.n_heads : std::ssize(s.heads);
  const Shape rows{e.batch, count, e.q_len};
  check_output("entropy", s.entropy, DType::f32, rows);
  check_output("distance", s.distance, DType::f32, rows);
  check_output("offset_mass", s.offset_mass, DType::f32,
               {rows[0], rows[1], rows[2], static_cast<std::int64_t>(s.offsets.size())});
  check_output("column_mass", s.column_mass, DType::f32, {rows[0], rows[1], e.columns});
  check(!s.top_keys || e.keys <= std::numeric_limits<std::int32_t>::max(), kOp,
        "top_keys holds i32, too narrow for kv_len {}", e.keys);
  check_top(s, rows);
  check_pattern(s, rows, e.keys);
}

PartStatistics::PartStatistics(const AttentionStatistics& whole, const StatisticsPart& part)
    : part_{.heads = whole.heads, .offsets = whole.offsets} {
  const auto rows = [&](const MutableTensorView& of) {
    return slice(slice(of, 0, part.batch, 1), 2, part.q_begin, part.q_len);
  };
  part_.entropy = rows(whole.entropy);
  part_.distance = rows(whole.distance);
  part_.offset_mass = rows(whole.offset_mass);
  part_.top_mass = rows(whole.top_mass);
  part_.top_keys = rows(whole.top_keys);
  part_.column_mass =
      slice(slice(whole.column_mass, 0, part.batch, 1), 2, part.column, part.kv_len);
  if (whole.pattern) take_pattern(whole, part);
}

void PartStatistics::take_pattern(const AttentionStatistics& whole, const StatisticsPart& part) {
  std::int64_t first = part.q_begin, count = part.q_len;
  if (!whole.pattern_queries.empty()) {
    const auto from = std::ranges::lower_bound(whole.pattern_queries, part.q_begin);
    const auto to = std::ranges::lower_bound(whole.pattern_queries, part.q_begin + part.q_len);
    if (from == to) return;
    first = from - whole.pattern_queries.begin();
    count = to - from;
    for (auto query = from; query != to; ++query) queries_.push_back(*query - part.q_begin);
    part_.pattern_queries = queries_;
  }
  const MutableTensorView rows = slice(slice(whole.pattern, 0, part.batch, 1), 2, first, count);
  part_.pattern = slice(rows, 3, 0, part.kv_len);
  for (std::int64_t n = 0; n < rows.dim(1); ++n)
    for (std::int64_t i = 0; i < count; ++i)
      std::fill_n(rows.as<float>() + row_offset(rows, 0, n, i) + part.kv_len,
                  rows.dim(3) - part.kv_len, 0.0f);
}

}  // namespace headlight
