#include "model/forward.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "core/interruption.h"
#include "core/slice.h"
#include "core/threads.h"
#include "kernels/activations/activations.h"
#include "kernels/attention/attention.h"
#include "kernels/norms/norms.h"

namespace headlight {
namespace {

void add_to(MutableTensorView sum, TensorView term) {
  auto* to = sum.as<float>();
  const auto* from = term.as<float>();
  const std::int64_t n = sum.numel();
  for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
}

std::span<float> elements(MutableTensorView contiguous) {
  return {contiguous.as<float>(), static_cast<std::size_t>(contiguous.numel())};
}

/// [a, b, ...] seen as [1, a, b, ...].
MutableTensorView batch_of_one(MutableTensorView view) {
  Shape shape = {1}, strides = {0};
  for (std::size_t i = 0; i < view.rank(); ++i) {
    shape.push_back(view.dim(i));
    strides.push_back(view.stride(i));
  }
  return {view.data(), view.dtype(), shape, strides};
}

void apply_norm(const ModelConfig& c, const NormWeights& weights, TensorView from,
                MutableTensorView to) {
  if (c.family == Family::llama)
    rms_norm(from, weights.weight, c.norm_eps, to);
  else
    layer_norm(from, weights.weight, weights.bias, c.norm_eps, to);
}

/// Multiplications and additions of one block.
double block_flops(const ModelConfig& c, std::int64_t length) {
  const auto n = [](std::int64_t x) { return static_cast<double>(x); };
  const double heads = n(2 * c.n_heads + 2 * c.n_kv_heads) * n(c.head_dim);
  const double mlp = n(c.family == Family::llama ? 3 : 2) * n(c.d_ff);
  const double scores = 2 * n(length) * n(c.n_heads) * n(c.head_dim);
  return 2 * n(length) * (n(c.d_model) * (heads + mlp) + scores);
}

/// One call of the forward pass: the views of this length, and the steps in order.
class Pass {
 public:
  Pass(const ModelConfig& config, const ModelWeights& weights, Workspace& workspace,
       std::span<const std::int64_t> ids, const ForwardOptions& options)
      : c_(config), w_(weights), ws_(workspace), ids_(ids), options_(options) {}

  ForwardResult run() {
    if (options_.resid_pre)
      std::copy_n(options_.resid_pre.as<float>(), x().numel(), x().as<float>());
    else
      embed();
    ForwardResult result;
    for (std::int64_t l = options_.first_layer; l < last_layer(); ++l) {
      AttentionReport report = block(l);
      if (l == options_.first_layer) result.attention = std::move(report);
    }
    if (options_.n_layers > 0) return result;
    result.last_hidden = Tensor({length(), c_.d_model});
    if (w_.final_norm.weight)
      norm(w_.final_norm, x(), result.last_hidden);
    else
      std::ranges::copy(elements(x()), result.last_hidden.span<float>().begin());
    record(-1, "final", result.last_hidden);
    if (options_.logits && w_.head) result.logits = run_head(c_, w_, result.last_hidden);
    return result;
  }

 private:
  std::int64_t length() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t last_layer() const {
    return options_.n_layers > 0 ? options_.first_layer + options_.n_layers : c_.n_layers;
  }
  MutableTensorView rows(Tensor& buffer, std::int64_t width) const {
    return {buffer.view().data(), DType::f32, {length(), width}};
  }
  MutableTensorView x() const { return rows(ws_.x, c_.d_model); }
  MutableTensorView h() const { return rows(ws_.h, c_.d_model); }
  MutableTensorView out() const { return rows(ws_.out, c_.d_model); }
  MutableTensorView qkv() const { return rows(ws_.qkv, qkv_heads() * c_.head_dim); }
  MutableTensorView z() const {
    return {ws_.z.view().data(), DType::f32, {length(), c_.n_heads, c_.head_dim}};
  }
  MutableTensorView lse() const {
    return {ws_.lse.view().data(), DType::f32, {c_.n_heads, length()}};
  }
  std::int64_t qkv_heads() const { return c_.n_heads + 2 * c_.n_kv_heads; }

  /// `n` heads of the fused q | k | v rows, from head `first`: [T, n, head_dim], no copy.
  MutableTensorView heads(std::int64_t first, std::int64_t n) const {
    return {qkv().as<float>() + first * c_.head_dim,
            {length(), n, c_.head_dim},
            {qkv_heads() * c_.head_dim, c_.head_dim, 1}};
  }

  /// Hands an activation to the observer; names are only made when there is one.
  void record(std::int64_t layer, std::string_view what, TensorView value) const {
    if (!options_.observer) return;
    const std::string name =
        layer < 0 ? std::string(what) : fmt::format("blocks.{}.{}", layer, what);
    options_.observer({name, layer, value});
  }

  void edit(EditPoint point, std::int64_t layer, MutableTensorView value) const {
    if (options_.editor) options_.editor({point, layer, value});
  }

  /// Fills in what a sublayer adds where the options know it.
  bool given(EditPoint point, std::int64_t layer) const {
    if (options_.sublayers) options_.sublayers({point, layer, out()});
    return static_cast<bool>(options_.sublayers);
  }

  void norm(const NormWeights& weights, TensorView from, MutableTensorView to) const {
    apply_norm(c_, weights, from, to);
  }

  void add_embedding(const Tensor& table, std::int64_t row, std::int64_t t) const {
    const auto from = table.span<float>().subspan(static_cast<std::size_t>(row * c_.d_model),
                                                  static_cast<std::size_t>(c_.d_model));
    float* to = x().as<float>() + t * c_.d_model;
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  }

  void embed() const {
    std::fill_n(x().as<float>(), x().numel(), 0.0f);
    const auto types = options_.token_type_ids;
    for (std::int64_t t = 0; t < length(); ++t) {
      const auto i = static_cast<std::size_t>(t);
      add_embedding(w_.token_embedding, ids_[i], t);
      if (w_.token_type_embedding)
        add_embedding(w_.token_type_embedding, types.empty() ? 0 : types[i], t);
      if (w_.position_embedding) add_embedding(w_.position_embedding, t, t);
    }
    if (w_.embed_norm.weight) norm(w_.embed_norm, x(), x());
    record(-1, "embed", x());
  }

  /// q, k, v, attention over the heads, W_O: from -> out().
  AttentionReport attend(std::int64_t l, TensorView from) const {
    if (given(EditPoint::attention_out, l)) return {};
    const BlockWeights& w = w_.blocks[static_cast<std::size_t>(l)];
    w.qkv.apply(from, qkv());
    if (!c_.rope_inv_freq.empty())
      rope(heads(0, c_.n_heads + c_.n_kv_heads), ws_.rope, RopeLayout::half_split);
    const auto q = heads(0, c_.n_heads);
    const auto k = heads(c_.n_heads, c_.n_kv_heads);
    const auto v = heads(c_.n_heads + c_.n_kv_heads, c_.n_kv_heads);
    const AttentionReport report =
        attention({.q = batch_of_one(q),
                   .k = batch_of_one(k),
                   .v = batch_of_one(v),
                   .head_gate = options_.head_gates ? options_.head_gates->layer(l)
                                                    : std::span<const float>(),
                   .z = batch_of_one(z()),
                   .lse = options_.observer ? batch_of_one(lse()) : MutableTensorView()},
                  {.scale = c_.attention_scale(l),
                   .causal = c_.causal() ? Causal::bottom_right : Causal::none,
                   .kernel = options_.kernel});
    edit(EditPoint::z, l, z());
    w.out.apply(rows(ws_.z, c_.n_heads * c_.head_dim), out());
    edit(EditPoint::attention_out, l, out());
    record(l, "attn.q", q);
    record(l, "attn.k", k);
    record(l, "attn.v", v);
    record(l, "attn.z", z());
    record(l, "attn.lse", lse());
    record(l, "attn.out", out());
    return report;
  }

  /// up, activation (gated in llama), down: from -> to, rows of as many tokens as buffers hold.
  void mlp_rows(const BlockWeights& w, TensorView from, MutableTensorView to) const {
    const Shape shape({from.dim(0), c_.d_ff});
    const MutableTensorView up(ws_.up.view().data(), DType::f32, shape);
    w.up.apply(from, up);
    if (w.gate) {
      const MutableTensorView gate(ws_.gate.view().data(), DType::f32, shape);
      w.gate.apply(from, gate);
      activate_gated(c_.activation, elements(gate), elements(up));
      w.down.apply(gate, to);
    } else {
      activate(c_.activation, elements(up));
      w.down.apply(up, to);
    }
  }

  /// The whole MLP: from -> out().
  void mlp(std::int64_t l, TensorView from) const {
    if (given(EditPoint::mlp_out, l)) return;
    for (std::int64_t begin = 0; begin < length(); begin += kMlpRows) {
      const std::int64_t count = std::min(kMlpRows, length() - begin);
      mlp_rows(w_.blocks[static_cast<std::size_t>(l)], slice(from, 0, begin, count),
               slice(out(), 0, begin, count));
    }
    edit(EditPoint::mlp_out, l, out());
    record(l, "mlp.out", out());
  }

  /// x += attention(norm(x)), then x += mlp(norm(x)) where the model has MLPs.
  AttentionReport pre_norm_block(std::int64_t l) const {
    const BlockWeights& w = w_.blocks[static_cast<std::size_t>(l)];
    norm(w.attn_norm, x(), h());
    AttentionReport report = attend(l, h());
    add_to(x(), out());
    if (c_.d_ff == 0) return report;
    norm(w.mlp_norm, x(), h());
    mlp(l, h());
    add_to(x(), out());
    return report;
  }

  /// x = norm(x + attention(x)), then x = norm(x + mlp(x)).
  AttentionReport post_norm_block(std::int64_t l) const {
    const BlockWeights& w = w_.blocks[static_cast<std::size_t>(l)];
    AttentionReport report = attend(l, x());
    add_to(x(), out());
    norm(w.attn_norm, x(), x());
    mlp(l, x());
    add_to(x(), out());
    norm(w.mlp_norm, x(), x());
    return report;
  }

  AttentionReport block(std::int64_t l) const {
    check_interruption();
    record(l, "resid_pre", x());
    AttentionReport report = c_.family == Family::bert ? post_norm_block(l) : pre_norm_block(l);
    record(l, "resid_post", x());
    return report;
  }

  const ModelConfig& c_;
  const ModelWeights& w_;
  Workspace& ws_;
  std::span<const std::int64_t> ids_;
  const ForwardOptions& options_;
};

}  // namespace

void Workspace::reserve(const ModelConfig& c, std::int64_t length) {
  if (c.family == Family::llama && rope.max_len() < length)
    rope = RopeTable(c.rope_inv_freq, std::max(length, std::min(c.max_len, 2 * length)));
  if (length <= capacity) return;
  // Doubling: a text that grows token by token does not allocate at every step.
  const std::int64_t n = std::max(length, std::min(c.max_len, 2 * capacity));
  capacity = 0;
  x = Tensor({n, c.d_model});
  h = Tensor({n, c.d_model});
  out = Tensor({n, c.d_model});
  qkv = Tensor({n, (c.n_heads + 2 * c.n_kv_heads) * c.head_dim});
  z = Tensor({n, c.n_heads * c.head_dim});
  lse = Tensor({c.n_heads, n});
  up = Tensor({std::min(n, kMlpRows), c.d_ff});
  if (c.family == Family::llama) gate = Tensor(up.shape());
  capacity = n;
}

Tensor run_head(const ModelConfig& config, const ModelWeights& weights, TensorView last_hidden) {
  Tensor logits({last_hidden.dim(0), config.vocab_size});
  if (!weights.head_transform) {
    weights.head.apply(last_hidden, logits);
    return logits;
  }
  // bert's head has a layer of its own before the product with the embedding.
  Tensor hidden(last_hidden.shape());
  weights.head_transform.apply(last_hidden, hidden);
  activate(config.activation, elements(hidden));
  apply_norm(config, weights.head_norm, hidden, hidden);
  weights.head.apply(hidden, logits);
  return logits;
}

ForwardResult run_forward(const ModelConfig& config, const ModelWeights& weights,
                          Workspace& workspace, std::span<const std::int64_t> ids,
                          const ForwardOptions& options) {
  const std::int64_t length = std::ssize(ids);
  workspace.reserve(config, length);
  // About 80 microseconds of one core: below that, the half dozen parallel regions of a block cost
  // more in waking threads than they save.
  constexpr double kSerialFlops = 8e6;
  std::optional<ThreadLimit> alone;
  if (block_flops(config, length) < kSerialFlops) alone.emplace(1);
  return Pass(config, weights, workspace, ids, options).run();
}

}  // namespace headlight
