#include "train/network.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/threads.h"
#include "train/attend.h"
#include "train/block.h"
#include "train/ops.h"

namespace headlight {
namespace {

void add(const float* from, std::int64_t n, float* to) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
}

/// Work so small that waking threads for each of its steps costs more than they take over.
std::optional<ThreadLimit> alone_if_small(const Batch& batch, std::int64_t d_model) {
  constexpr std::int64_t kSmall = 8192;
  if (batch.rows() * d_model >= kSmall) return std::nullopt;
  return std::optional<ThreadLimit>(std::in_place, 1);
}

}  // namespace

Network::Network(const ParameterLayout& layout, Tensor& values, Tensor& gradients)
    : config_(layout.config()),
      values_(bind(layout, values)),
      gradients_(bind(layout, gradients)),
      head_(config_, values_) {
  check(config_.family != Family::bert || config_.mlm_head, "train",
        "a bert model without a head for masked tokens has nothing to learn from; give "
        "\"architectures\": [\"BertForMaskedLM\"]");
}

/// The sum of a token's embeddings, and in bert its norm.
void Network::embed(const Batch& batch) {
  const std::int64_t d = config_.d_model;
  const auto x =
      first_rows(values_.embed_norm.weight ? tape_.embedded : tape_.blocks[0].x, batch.rows());
  for (std::int64_t t = 0; t < batch.rows(); ++t) {
    const auto i = static_cast<std::size_t>(t);
    float* to = x.as<float>() + t * d;
    std::copy_n(values_.token_embedding.as<float>() + batch.ids[i] * d, d, to);
    if (values_.token_type_embedding) add(values_.token_type_embedding.as<float>(), d, to);
    if (values_.position_embedding)
      add(values_.position_embedding.as<float>() + batch.positions[i] * d, d, to);
  }
  if (values_.embed_norm.weight)
    apply_norm(config_, values_.embed_norm, x, first_rows(tape_.blocks[0].x, batch.rows()));
}

/// tape.d_x, the gradient of the first block's input, into the embeddings' gradients: in the order
/// of the rows, one thread, so that sums do not depend on the run.
void Network::embed_backward(const Batch& batch) {
  const std::int64_t d = config_.d_model;
  const auto d_x = first_rows(tape_.d_x, batch.rows());
  if (values_.embed_norm.weight)
    norm_backward(config_, values_.embed_norm, gradients_.embed_norm,
                  {first_rows(tape_.embedded, batch.rows()), d_x, d_x});
  for (std::int64_t t = 0; t < batch.rows(); ++t) {
    const auto i = static_cast<std::size_t>(t);
    const float* from = d_x.as<float>() + t * d;
    add(from, d, gradients_.token_embedding.as<float>() + batch.ids[i] * d);
    if (gradients_.token_type_embedding) add(from, d, gradients_.token_type_embedding.as<float>());
    if (gradients_.position_embedding)
      add(from, d, gradients_.position_embedding.as<float>() + batch.positions[i] * d);
  }
}

TensorView Network::forward(const Batch& batch) {
  check(batch.rows() > 0, "train", "a batch without tokens");
  tape_.reserve(config_, batch.rows());
  embed(batch);
  for (std::int64_t l = 0; l < config_.n_layers; ++l) {
    const auto i = static_cast<std::size_t>(l);
    Tensor& next = l + 1 < config_.n_layers ? tape_.blocks[i + 1].x : tape_.x;
    block_forward({config_, batch, tape_, l, values_.blocks[i]}, first_rows(next, batch.rows()));
  }
  const auto x = first_rows(tape_.x, batch.rows());
  if (!values_.final_norm.weight) return hidden_ = x;
  const auto final = first_rows(tape_.final, batch.rows());
  apply_norm(config_, values_.final_norm, x, final);
  return hidden_ = final;
}

void Network::set_head_gates(std::vector<float> gates) {
  const auto wanted = static_cast<std::size_t>(config_.n_layers * config_.n_heads);
  check(gates.empty() || gates.size() == wanted, "train", "{} head gates for {} layers x {} heads",
        gates.size(), config_.n_layers, config_.n_heads);
  tape_.head_gates = std::move(gates);
}

Tensor Network::pattern(const Batch& batch, std::int64_t layer, std::int64_t head,
                        const SequenceGroup& sequence) {
  check(0 <= layer && layer < config_.n_layers && 0 <= head && head < config_.n_heads &&
            sequence.count == 1 && sequence.row + sequence.length <= batch.rows(),
        "train", "no head {}.{}, or no sequence of {} rows at {}", layer, head, sequence.length,
        sequence.row);
  const auto l = static_cast<std::size_t>(layer);
  return attend_pattern({config_, batch, tape_, layer, values_.blocks[l]}, sequence, head);
}

LossSum Network::evaluate(const Batch& batch) {
  const auto alone = alone_if_small(batch, config_.d_model);
  return head_.evaluate(batch, forward(batch));
}

void Network::find_overlaps(const Batch& batch, double weight) {
  tape_.overlaps.clear();
  if (overlap_price_ == 0) return;
  tape_.overlap_weight = overlap_price_ * weight;
  for (const SequenceGroup& group : batch.groups)
    tape_.overlaps.emplace_back(group.count, group.length);
  for (std::int64_t l = 0; l < config_.n_layers; ++l)
    add_overlap({config_, batch, tape_, l, values_.blocks[static_cast<std::size_t>(l)]});
}

LossSum Network::train(const Batch& batch, double weight) {
  const auto alone = alone_if_small(batch, config_.d_model);
  const TensorView hidden = forward(batch);
  find_overlaps(batch, weight);
  tape_.d_head_gates.assign(tape_.head_gates.size(), 0.0f);
  const auto d_x = first_rows(tape_.d_x, batch.rows());
  const LossSum sum = head_.train(batch, hidden, gradients_, d_x, weight);
  if (values_.final_norm.weight)
    norm_backward(config_, values_.final_norm, gradients_.final_norm,
                  {first_rows(tape_.x, batch.rows()), d_x, d_x});
  for (std::int64_t l = config_.n_layers; l-- > 0;) {
    const auto i = static_cast<std::size_t>(l);
    block_backward({config_, batch, tape_, l, values_.blocks[i]}, gradients_.blocks[i]);
  }
  embed_backward(batch);
  return sum;
}

}  // namespace headlight
