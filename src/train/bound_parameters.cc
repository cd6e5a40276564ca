#include "train/bound_parameters.h"

namespace headlight {
namespace {

class Binder {
 public:
  Binder(const ParameterLayout& layout, Tensor& store, std::int64_t layer)
      : layout_(layout), store_(store), layer_(layer) {}

  MutableTensorView tensor(Slot slot) const {
    const ParameterSpec* spec = layout_.find(slot, layer_);
    return spec ? layout_.view(store_, *spec) : MutableTensorView();
  }
  NormParameters norm(Slot weight, Slot bias) const { return {tensor(weight), tensor(bias)}; }
  LinearParameters linear(Slot weight, Slot bias) const {
    return {tensor(weight), tensor(bias), weight_layout(layout_.config().family)};
  }

  /// q, k and v as one layer: the layout puts their tensors beside each other.
  LinearParameters qkv() const {
    if (layout_.find(Slot::qkv_weight, layer_)) return linear(Slot::qkv_weight, Slot::qkv_bias);
    const ModelConfig& c = layout_.config();
    const std::int64_t width = (c.n_heads + 2 * c.n_kv_heads) * c.head_dim;
    const MutableTensorView weight(tensor(Slot::q_weight).data(), DType::f32, {width, c.d_model});
    const MutableTensorView bias = tensor(Slot::q_bias);
    return {weight,
            bias ? MutableTensorView(bias.data(), DType::f32, {width}) : MutableTensorView()};
  }

 private:
  const ParameterLayout& layout_;
  Tensor& store_;
  std::int64_t layer_;
};

BlockParameters bind_block(const Binder& in) {
  return {.attn_norm = in.norm(Slot::attn_norm_weight, Slot::attn_norm_bias),
          .mlp_norm = in.norm(Slot::mlp_norm_weight, Slot::mlp_norm_bias),
          .qkv = in.qkv(),
          .out = in.linear(Slot::o_weight, Slot::o_bias),
          .gate = in.linear(Slot::gate_weight, Slot::gate_bias),
          .up = in.linear(Slot::up_weight, Slot::up_bias),
          .down = in.linear(Slot::down_weight, Slot::down_bias)};
}

}  // namespace

ModelParameters bind(const ParameterLayout& layout, Tensor& store) {
  const Binder in(layout, store, -1);
  ModelParameters out;
  out.token_embedding = in.tensor(Slot::token_embedding);
  out.position_embedding = in.tensor(Slot::position_embedding);
  out.token_type_embedding = in.tensor(Slot::token_type_embedding);
  out.embed_norm = in.norm(Slot::embed_norm_weight, Slot::embed_norm_bias);
  out.final_norm = in.norm(Slot::final_norm_weight, Slot::final_norm_bias);
  out.head_transform = in.linear(Slot::head_transform_weight, Slot::head_transform_bias);
  out.head_norm = in.norm(Slot::head_norm_weight, Slot::head_norm_bias);
  // The head's rows are tokens in every family: [vocab_size, d_model].
  const MutableTensorView head = in.tensor(Slot::head_weight);
  out.head = {head ? head : out.token_embedding, in.tensor(Slot::head_bias), WeightLayout::out_in};
  for (std::int64_t l = 0; l < layout.config().n_layers; ++l)
    out.blocks.push_back(bind_block(Binder(layout, store, l)));
  return out;
}

}  // namespace headlight
