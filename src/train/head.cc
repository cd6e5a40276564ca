#include "train/head.h"

#include <algorithm>

#include "core/threads.h"
#include "kernels/activations/activations.h"
#include "kernels/activations/activations_backward.h"
#include "kernels/cross_entropy.h"
#include "train/ops.h"
#include "train/tape.h"

namespace headlight {
namespace {

constexpr std::int64_t kLogitsPerPiece = 1 << 20;

float* row(MutableTensorView m, std::int64_t i) {
  return m.as<float>() + i * m.stride(0);
}

/// How many targets have a logit that no other exceeds.
std::int64_t count_right(TensorView logits, std::span<const std::int64_t> targets) {
  std::int64_t right = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const float* x = logits.as<float>() + static_cast<std::int64_t>(i) * logits.stride(0);
    const float mine = x[targets[i]];
    bool exceeded = false;
    for (std::int64_t j = 0; j < logits.dim(1); ++j) exceeded |= x[j] > mine;
    right += !exceeded;
  }
  return right;
}

}  // namespace

LossSum& LossSum::operator+=(const LossSum& more) {
  loss += more.loss;
  targets += more.targets;
  right += more.right;
  return *this;
}

/// Targets [begin, begin + n) of a batch.
struct Head::Piece {
  MutableTensorView asked, dense, active, normed, logits, d;
  std::span<const std::int64_t> rows, targets;

  MutableTensorView input() const { return normed ? normed : asked; }
};

Head::Head(const ModelConfig& config, const ModelParameters& parameters)
    : config_(config), w_(parameters) {}

void Head::reserve(std::int64_t targets) {
  const std::int64_t most = std::max<std::int64_t>(kLogitsPerPiece / config_.vocab_size, 1);
  const std::int64_t n = std::min(targets, most);
  if (logits_ && logits_.dim(0) >= n) return;
  for (Tensor* t : {&asked_, &d_}) *t = Tensor({n, config_.d_model});
  if (w_.head_transform)
    for (Tensor* t : {&dense_, &active_, &normed_}) *t = Tensor({n, config_.d_model});
  logits_ = Tensor({n, config_.vocab_size});
}

Head::Piece Head::forward(const Batch& batch, TensorView hidden, std::int64_t begin,
                          std::int64_t end) {
  const std::int64_t n = end - begin;
  const auto part = [&](const std::vector<std::int64_t>& all) {
    return std::span(all).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
  };
  Piece p{.asked = first_rows(asked_, n),
          .dense = {},
          .active = {},
          .normed = {},
          .logits = first_rows(logits_, n),
          .d = first_rows(d_, n),
          .rows = part(batch.target_rows),
          .targets = part(batch.targets)};
  for (std::int64_t i = 0; i < n; ++i)
    std::copy_n(hidden.as<float>() + p.rows[static_cast<std::size_t>(i)] * hidden.stride(0),
                config_.d_model, row(p.asked, i));
  if (w_.head_transform) {
    p.dense = first_rows(dense_, n);
    p.active = first_rows(active_, n);
    p.normed = first_rows(normed_, n);
    apply_linear(w_.head_transform, p.asked, p.dense);
    activate(config_.activation, elements(TensorView(p.dense)), elements(p.active));
    apply_norm(config_, w_.head_norm, p.active, p.normed);
  }
  apply_linear(w_.head, p.input(), p.logits);
  return p;
}

/// From the gradient of the logits to that of the hidden states, in p.d.
void Head::backward(const Piece& p, const ModelParameters& gradients) {
  linear_backward(w_.head, gradients.head, {p.input(), p.logits, p.d});
  if (!w_.head_transform) return;
  norm_backward(config_, w_.head_norm, gradients.head_norm, {p.active, p.d, p.d});
  activate_backward(config_.activation, elements(TensorView(p.dense)), elements(TensorView(p.d)),
                    elements(p.d));
  // The hidden states' gradient goes where the activations were: nothing reads them any more.
  linear_backward(w_.head_transform, gradients.head_transform, {p.asked, p.d, p.active});
  std::ranges::copy(elements(p.active), elements(p.d).begin());
}

LossSum Head::evaluate(const Batch& batch, TensorView hidden) {
  const std::int64_t targets = std::ssize(batch.targets);
  LossSum sum;
  if (targets == 0) return sum;
  reserve(targets);
  const std::int64_t step = logits_.dim(0);
  for (std::int64_t begin = 0; begin < targets; begin += step) {
    const Piece p = forward(batch, hidden, begin, std::min(targets, begin + step));
    sum += {cross_entropy(p.logits, p.targets).loss, std::ssize(p.targets),
            count_right(p.logits, p.targets)};
  }
  return sum;
}

LossSum Head::train(const Batch& batch, TensorView hidden, const ModelParameters& gradients,
                    MutableTensorView d_hidden, double weight) {
  const std::int64_t targets = std::ssize(batch.targets);
  std::ranges::fill(elements(d_hidden), 0.0f);
  LossSum sum;
  if (targets == 0) return sum;
  reserve(targets);
  const std::int64_t step = logits_.dim(0);
  for (std::int64_t begin = 0; begin < targets; begin += step) {
    const Piece p = forward(batch, hidden, begin, std::min(targets, begin + step));
    const std::int64_t right = count_right(p.logits, p.targets);
    const CrossEntropy loss = cross_entropy(p.logits, p.targets, p.logits, weight);
    sum += {loss.loss, loss.rows, right};
    backward(p, gradients);
    for (std::size_t i = 0; i < p.rows.size(); ++i)
      std::copy_n(row(p.d, static_cast<std::int64_t>(i)), config_.d_model,
                  row(d_hidden, p.rows[i]));
  }
  return sum;
}

}  // namespace headlight
