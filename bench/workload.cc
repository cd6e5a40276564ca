#include "workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "case_data.h"
#include "core/error.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/backward/backward.h"
#include "model/multi_head_attention.h"

namespace headlight::bench {
namespace {

const double kUnitVariance = std::sqrt(3.0);  // uniform in [-a, a) has variance a^2 / 3

// With one query bottom-right causal hides nothing, so a decode needs no exception.
AttentionOptions options_of(const Case& c) {
  return {.causal = c.causal ? Causal::bottom_right : Causal::none};
}

class Core : public Workload {
 public:
  explicit Core(const Case& c)
      : options_(options_of(c)),
        q_(input(c, Stream::q, c.q_len, c.n_heads)),
        k_(input(c, Stream::k, c.kv_len, c.n_kv_heads)),
        v_(input(c, Stream::v, c.kv_len, c.n_kv_heads)),
        z_(c.dtype, q_.shape()) {}

  void run() override { attention({.q = q_, .k = k_, .v = v_, .z = z_}, options_); }
  std::vector<TensorView> outputs() const override { return {z_}; }

 private:
  static Tensor input(const Case& c, Stream stream, std::int64_t length, std::int64_t heads) {
    return to_dtype(c.dtype, uniform(stream, {c.batch, length, heads, c.head_dim}, kUnitVariance));
  }

 protected:
  AttentionOptions options_;
  Tensor q_, k_, v_, z_;
};

class CoreTrain : public Core {
 public:
  explicit CoreTrain(const Case& c)
      : Core(c),
        lse_({c.batch, c.n_heads, c.q_len}),
        d_z_(uniform(Stream::d_out, z_.shape(), 1)),
        d_q_(q_.shape()),
        d_k_(k_.shape()),
        d_v_(v_.shape()) {}

  void run() override {
    const AttentionTensors tensors{.q = q_, .k = k_, .v = v_, .z = z_, .lse = lse_};
    attention(tensors, options_);
    AttentionGradients gradients;
    gradients.d_z = d_z_;
    gradients.d_q = d_q_, gradients.d_k = d_k_, gradients.d_v = d_v_;
    attention_backward(tensors, options_, gradients);
  }
  std::vector<TensorView> outputs() const override { return {z_, d_q_, d_k_, d_v_}; }

 private:
  Tensor lse_, d_z_, d_q_, d_k_, d_v_;
};

// A third of a fused projection's weight or bias: rows [part * extent, (part + 1) * extent).
TensorView third(const Tensor& fused, std::int64_t part) {
  Shape shape = fused.shape();
  shape[0] /= 3;
  return {fused.span<float>().data() + part * shape.numel(), shape};
}

// The layer as a user of the library calls it.
class Layer : public Workload {
 public:
  explicit Layer(const Case& c)
      : layer_({.d_model = c.d_model(),
                .n_heads = c.n_heads,
                .causal = c.causal ? Causal::bottom_right : Causal::none}),
        x_(uniform(Stream::x, {c.batch, c.q_len, c.d_model()}, kUnitVariance)),
        y_(x_.shape()) {
    const std::int64_t width = c.d_model();
    const double scale = std::sqrt(3.0 / static_cast<double>(width));
    const Tensor w_qkv = uniform(Stream::w_qkv, {3 * width, width}, scale);
    const Tensor b_qkv = uniform(Stream::b_qkv, {3 * width}, 0.1);
    using W = AttentionWeight;
    for (const auto& [weight, bias, part] :
         {std::tuple{W::w_q, W::b_q, 0}, {W::w_k, W::b_k, 1}, {W::w_v, W::b_v, 2}}) {
      layer_.set_weight(weight, third(w_qkv, part));
      layer_.set_weight(bias, third(b_qkv, part));
    }
    layer_.set_weight(W::w_o, uniform(Stream::w_o, {width, width}, scale));
    layer_.set_weight(W::b_o, uniform(Stream::b_o, {width}, 0.1));
  }

  void run() override { layer_.forward(x_, y_); }
  void settle() override { layer_.release_plain_weights(); }
  std::vector<TensorView> outputs() const override { return {y_}; }

 protected:
  MultiHeadAttention layer_;
  Tensor x_, y_;
};

// The layer forward and backward: the gradients of x and of every weight.
class Train : public Layer {
 public:
  explicit Train(const Case& c)
      : Layer(c), d_y_(uniform(Stream::d_out, x_.shape(), 1)), d_x_(x_.shape()) {
    for (std::size_t i = 0; i < kAttentionWeights; ++i)
      if (const auto shape = weight_shape(layer_.config(), static_cast<AttentionWeight>(i)))
        d_weights_[i] = Tensor(*shape);
  }

  void run() override {
    layer_.forward(x_, y_, {.record = &record_});
    LayerGradients gradients{.d_out = d_y_, .d_query = d_x_};
    for (std::size_t i = 0; i < kAttentionWeights; ++i)
      if (d_weights_[i]) gradients.d_weights[i] = d_weights_[i];
    layer_.backward(x_, record_, gradients);
  }
  void settle() override {}
  std::vector<TensorView> outputs() const override { return {y_, d_x_}; }

 private:
  LayerRecord record_;
  Tensor d_y_, d_x_;
  std::array<Tensor, kAttentionWeights> d_weights_;
};

void check_case(const Case& c) {
  for (const std::int64_t extent :
       {c.batch, c.q_len, c.kv_len, c.n_heads, c.n_kv_heads, c.head_dim})
    check(extent >= 1, "bench_worker", "an extent of the case is {}; all must be at least 1",
          extent);
  check((c.kind != "layer" && c.kind != "train") ||
            (c.q_len == c.kv_len && c.n_heads == c.n_kv_heads),
        "bench_worker",
        "a layer attends to itself: q_len {} and kv_len {}, n_heads {} and n_kv_heads {} must "
        "agree",
        c.q_len, c.kv_len, c.n_heads, c.n_kv_heads);
  check(c.dtype == DType::f32 || c.kind == "core" || c.kind == "decode", "bench_worker",
        "a case of kind {} is measured in f32, not in {}", c.kind, name_of(c.dtype));
}

}  // namespace

std::unique_ptr<Workload> make_workload(const Case& c) {
  check_case(c);
  if (c.kind == "core" || c.kind == "decode") return std::make_unique<Core>(c);
  if (c.kind == "core_train") return std::make_unique<CoreTrain>(c);
  if (c.kind == "layer") return std::make_unique<Layer>(c);
  if (c.kind == "train") return std::make_unique<Train>(c);
  fail("bench_worker", "kind {} is none of core, decode, core_train, layer, train", c.kind);
}

}  // namespace headlight::bench
