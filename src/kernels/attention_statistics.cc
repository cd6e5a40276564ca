#include "kernels/attention_statistics.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

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
  check(view.shape() == expected && view.dtype() == dtype && view.contiguous(), kOp,
        "{} is {} {}; it must be contiguous {} {}", name, name_of(view.dtype()), view.shape(),
        name_of(dtype), expected);
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
  if (!s.pattern) return;
  const std::int64_t count = queries.empty() ? rows[2] : static_cast<std::int64_t>(queries.size());
  const Shape expected{rows[0], rows[1], count, kv_len};
  check(s.pattern.shape() == expected && s.pattern.dtype() == DType::f32 &&
            (kv_len <= 1 || s.pattern.stride(3) == 1),
        kOp, "pattern is {} {} with strides {}; it must be f32 {}, innermost stride 1",
        name_of(s.pattern.dtype()), s.pattern.shape(), s.pattern.strides(), expected);
}

}  // namespace

std::int64_t AttentionStatistics::index_of(std::int64_t head) const {
  if (heads.empty()) return head;
  const auto found = std::ranges::find(heads, head);
  return found == heads.end() ? -1 : found - heads.begin();
}

void check_statistics(const AttentionStatistics& s, const AttentionTensors& t) {
  check_heads(s.heads, t.q.dim(2));
  const std::int64_t count =
      s.heads.empty() ? t.q.dim(2) : static_cast<std::int64_t>(s.heads.size());
  const std::int64_t kv_len = t.k.dim(1);
  const Shape rows{t.q.dim(0), count, t.q.dim(1)};
  check_output("entropy", s.entropy, DType::f32, rows);
  check_output("distance", s.distance, DType::f32, rows);
  check_output("offset_mass", s.offset_mass, DType::f32,
               {rows[0], rows[1], rows[2], static_cast<std::int64_t>(s.offsets.size())});
  check_output("column_mass", s.column_mass, DType::f32, {rows[0], rows[1], kv_len});
  check(!s.top_keys || kv_len <= std::numeric_limits<std::int32_t>::max(), kOp,
        "top_keys holds i32, too narrow for kv_len {}", kv_len);
  check_top(s, rows);
  check_pattern(s, rows, kv_len);
}

}  // namespace headlight
