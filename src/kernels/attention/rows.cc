#include "kernels/attention/rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headlight {
namespace {

constexpr double kMasked = -std::numeric_limits<double>::infinity();

/// Offset of the pair (row, key) in a [B, H, Tq, Tkv] view whose extents may be 1.
std::int64_t pair_offset(TensorView view, RowIndex row, std::int64_t key) {
  const std::int64_t index[] = {row.batch, row.head, row.query, key};
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < 4; ++i)
    if (view.dim(i) != 1) offset += index[i] * view.stride(i);
  return offset;
}

bool may_attend(TensorView mask, RowIndex row, std::int64_t key) {
  // bool and u8 are both one byte; any value but 0 is true.
  return !mask || static_cast<const std::uint8_t*>(mask.data())[pair_offset(mask, row, key)] != 0;
}

double bias_of(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row,
               std::int64_t key) {
  double bias = 0;
  if (tensors.bias) bias += tensors.bias.as<float>()[pair_offset(tensors.bias, row, key)];
  if (!tensors.alibi_slopes.empty())
    bias += static_cast<double>(tensors.alibi_slopes[static_cast<std::size_t>(row.head)]) *
            static_cast<double>(key - problem.position(row.query));
  return bias;
}

std::span<const float> scaled_vector(const AttentionTensors& tensors, TensorView view,
                                     TensorView scale, KeyIndex key, std::vector<float>& buffer) {
  key = stored_key(tensors, key);
  const auto stored = head_vector(view, key.batch, key.position, key.head, buffer);
  if (!scale) return stored;
  const float factor =
      scale.as<float>()[key.batch * scale.stride(0) + key.position * scale.stride(1) +
                        key.head * scale.stride(2)];
  for (float& x : buffer) x *= factor;  // only i8 has scales, so the buffer holds the elements
  return stored;
}

}  // namespace

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += static_cast<double>(a[d]) * b[d];
  return sum;
}

std::span<const float> head_vector(TensorView view, std::int64_t batch, std::int64_t position,
                                   std::int64_t head, std::vector<float>& buffer) {
  const auto width = static_cast<std::size_t>(view.dim(3));
  const std::int64_t offset =
      batch * view.stride(0) + position * view.stride(1) + head * view.stride(2);
  const auto* bytes = static_cast<const std::byte*>(view.data()) +
                      offset * static_cast<std::int64_t>(size_of(view.dtype()));
  if (view.dtype() == DType::f32) return {reinterpret_cast<const float*>(bytes), width};
  buffer.resize(width);
  if (view.dtype() == DType::i8)
    std::copy_n(reinterpret_cast<const std::int8_t*>(bytes), width, buffer.begin());
  else
    widen(view.dtype(), bytes, buffer);
  return buffer;
}

KeyIndex stored_key(const AttentionTensors& tensors, KeyIndex key) {
  const TensorView& table = tensors.page_table;
  if (!table) return key;
  const std::int64_t page_len = tensors.k.dim(1);
  const std::int64_t at = key.batch * table.stride(0) + key.position / page_len * table.stride(1);
  return {table.as<std::int32_t>()[at], key.position % page_len, key.head};
}

std::span<const float> key_vector(const AttentionTensors& tensors, KeyIndex key,
                                  std::vector<float>& buffer) {
  return scaled_vector(tensors, tensors.k, tensors.k_scale, key, buffer);
}

std::span<const float> value_vector(const AttentionTensors& tensors, KeyIndex key,
                                    std::vector<float>& buffer) {
  return scaled_vector(tensors, tensors.v, tensors.v_scale, key, buffer);
}

void score_row(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row,
               std::span<double> scores) {
  std::vector<float> q_buffer, k_buffer;
  const auto q = head_vector(tensors.q, row.batch, row.query, row.head, q_buffer);
  const AttentionProblem entry = entry_problem(problem, tensors, row.batch);
  const auto keys = entry.keys_of(row.query);
  std::ranges::fill(scores, kMasked);
  for (std::int64_t j = keys.first; j < keys.last; ++j) {
    const double bias = bias_of(entry, tensors, row, j);
    if (!may_attend(tensors.mask, row, j) || bias == kMasked) continue;
    const auto k = key_vector(tensors, {row.batch, j, problem.kv_head(row.head)}, k_buffer);
    double score = problem.scale * dot(q, k);
    if (problem.softcap > 0) score = problem.softcap * std::tanh(score / problem.softcap);
    scores[static_cast<std::size_t>(j)] = score + bias;
  }
}

double softmax_with_sink(std::span<double> scores, double sink) {
  if (std::ranges::all_of(scores, [](double s) { return s == kMasked; })) {
    std::ranges::fill(scores, 0.0);
    return kMasked;
  }
  double shift = sink;
  for (const double score : scores) shift = std::fmax(shift, score);  // passes over NaN
  double sum = std::exp(sink - shift);
  for (double& score : scores) sum += score = std::exp(score - shift);
  for (double& score : scores) score /= sum;
  return shift + std::log(sum);
}

void drop_out(const AttentionProblem& problem, RowIndex row, std::span<double> pattern) {
  const Dropout& dropout = problem.dropout;
  if (dropout.p == 0) return;
  const std::uint32_t mask_row = dropout_row(dropout, row.batch, problem.n_heads, row.head);
  for (std::size_t j = 0; j < pattern.size(); ++j)
    pattern[j] *= static_cast<double>(
        dropout_factor(dropout, mask_row, row.query, static_cast<std::int64_t>(j)));
}

double sink_of(const AttentionTensors& tensors, std::int64_t head) {
  return tensors.sinks.empty() ? kMasked : tensors.sinks[static_cast<std::size_t>(head)];
}

}  // namespace headlight
