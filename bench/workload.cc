#include "workload.h"

#include <cmath>

#include "case_data.h"
#include "core/error.h"
#include "kernels/attention.h"
#include "kernels/attention_backward.h"
#include "kernels/matmul.h"

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
        q_(uniform(Stream::q, {c.batch, c.q_len, c.n_heads, c.head_dim}, kUnitVariance)),
        k_(uniform(Stream::k, {c.batch, c.kv_len, c.n_kv_heads, c.head_dim}, kUnitVariance)),
        v_(uniform(Stream::v, {c.batch, c.kv_len, c.n_kv_heads, c.head_dim}, kUnitVariance)),
        z_(q_.shape()) {}

  void run() override { attention({.q = q_, .k = k_, .v = v_, .z = z_}, options_); }
  std::vector<TensorView> outputs() const override { return {z_}; }

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

// One projection for q, k and v; attention reads its output in place.
class Layer : public Workload {
 public:
  explicit Layer(const Case& c)
      : options_(options_of(c)),
        case_(c),
        x_(uniform(Stream::x, {rows(), c.d_model()}, kUnitVariance)),
        qkv_({rows(), 3 * c.d_model()}),
        z_({rows(), c.d_model()}),
        y_({rows(), c.d_model()}) {
    const std::int64_t width = c.d_model();
    const double scale = std::sqrt(3.0 / static_cast<double>(width));
    project_ = Linear(uniform(Stream::w_qkv, {3 * width, width}, scale), WeightLayout::out_in,
                      uniform(Stream::b_qkv, {3 * width}, 0.1));
    combine_ = Linear(uniform(Stream::w_o, {width, width}, scale), WeightLayout::out_in,
                      uniform(Stream::b_o, {width}, 0.1));
  }

  void run() override {
    project_.apply(x_, qkv_);
    attention({.q = part(0), .k = part(1), .v = part(2), .z = heads(z_.span<float>().data())},
              options_);
    combine_.apply(z_, y_);
  }
  std::vector<TensorView> outputs() const override { return {y_}; }

 private:
  std::int64_t rows() const { return case_.batch * case_.q_len; }
  MutableTensorView heads(float* data) const {
    return {data, {case_.batch, case_.q_len, case_.n_heads, case_.head_dim}};
  }
  // q, k or v within the rows of qkv_.
  TensorView part(std::int64_t i) const {
    const std::int64_t width = case_.d_model(), row = 3 * width;
    return {qkv_.span<float>().data() + i * width,
            {case_.batch, case_.q_len, case_.n_heads, case_.head_dim},
            {case_.q_len * row, row, case_.head_dim, 1}};
  }

  AttentionOptions options_;
  Case case_;
  Tensor x_, qkv_, z_, y_;
  Linear project_, combine_;
};

void check_case(const Case& c) {
  for (const std::int64_t extent :
       {c.batch, c.q_len, c.kv_len, c.n_heads, c.n_kv_heads, c.head_dim})
    check(extent >= 1, "bench_worker", "an extent of the case is {}; all must be at least 1",
          extent);
  check(c.kind != "layer" || (c.q_len == c.kv_len && c.n_heads == c.n_kv_heads), "bench_worker",
        "a layer attends to itself: q_len {} and kv_len {}, n_heads {} and n_kv_heads {} must "
        "agree",
        c.q_len, c.kv_len, c.n_heads, c.n_kv_heads);
}

}  // namespace

std::unique_ptr<Workload> make_workload(const Case& c) {
  check_case(c);
  if (c.kind == "core" || c.kind == "decode") return std::make_unique<Core>(c);
  if (c.kind == "core_train") return std::make_unique<CoreTrain>(c);
  if (c.kind == "layer") return std::make_unique<Layer>(c);
  fail("bench_worker", "kind {} is none of core, decode, core_train, layer", c.kind);
}

}  // namespace headlight::bench
