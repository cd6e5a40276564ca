#include "train/block.h"

#include "kernels/activations/activations.h"
#include "kernels/activations/activations_backward.h"
#include "train/attend.h"
#include "train/ops.h"

namespace headlight {
namespace {

void copy(TensorView from, MutableTensorView to) {
  std::ranges::copy(elements(from), elements(to).begin());
}

/// to = residual + down(activation(up(from))), gated in llama.
void mlp_forward(const BlockPass& pass, TensorView from, TensorView residual,
                 MutableTensorView to) {
  BlockTape& kept = pass.kept();
  const BlockParameters& w = pass.parameters;
  const auto up = pass.rows(kept.up), active = pass.rows(kept.active);
  apply_linear(w.up, from, up);
  if (w.gate) {
    const auto gate = pass.rows(kept.gate);
    apply_linear(w.gate, from, gate);
    copy(gate, active);
    activate_gated(pass.config.activation, elements(active), elements(TensorView(up)));
  } else {
    activate(pass.config.activation, elements(TensorView(up)), elements(active));
  }
  apply_linear(w.down, active, to, residual);
}

struct MlpBackward {
  TensorView d_to;
  MutableTensorView d_from;  ///< may be d_to's memory
  bool add_to_d_from = false;
};
/// d_from (+)= the gradient through the MLP of d_to.
void mlp_backward(const BlockPass& pass, const BlockParameters& gradients, const MlpBackward& io) {
  BlockTape& kept = pass.kept();
  const BlockParameters& w = pass.parameters;
  const TensorView from = pass.rows(kept.h2), up = pass.rows(kept.up);
  const auto d_up = pass.rows(pass.tape.d_ff);
  linear_backward(w.down, gradients.down, {pass.rows(kept.active), io.d_to, d_up});
  if (w.gate) {
    const TensorView gate = pass.rows(kept.gate);
    const auto d_gate = pass.rows(pass.tape.d_gate);
    activate_gated_backward(pass.config.activation,
                            {elements(gate), elements(up), elements(TensorView(d_up))},
                            elements(d_gate), elements(d_up));
    linear_backward(w.gate, gradients.gate, {from, d_gate, io.d_from, io.add_to_d_from});
  } else {
    activate_backward(pass.config.activation, elements(up), elements(TensorView(d_up)),
                      elements(d_up));
  }
  const bool add = io.add_to_d_from || w.gate;
  linear_backward(w.up, gradients.up, {from, d_up, io.d_from, add});
}

bool post_norm(const BlockPass& pass) {
  return pass.config.family == Family::bert;
}

}  // namespace

void block_forward(const BlockPass& pass, MutableTensorView next) {
  const ModelConfig& config = pass.config;
  const BlockParameters& w = pass.parameters;
  BlockTape& kept = pass.kept();
  const auto x = pass.rows(kept.x), mid = pass.rows(kept.mid), h2 = pass.rows(kept.h2);
  if (post_norm(pass)) {
    const auto last = pass.rows(kept.last);
    attend_forward(pass, x, x, mid);
    apply_norm(config, w.attn_norm, mid, h2);
    mlp_forward(pass, h2, h2, last);
    apply_norm(config, w.mlp_norm, last, next);
  } else {
    const auto h = pass.rows(kept.h);
    apply_norm(config, w.attn_norm, x, h);
    attend_forward(pass, h, x, w.up ? mid : next);
    if (!w.up) return;
    apply_norm(config, w.mlp_norm, mid, h2);
    mlp_forward(pass, h2, mid, next);
  }
}

void block_backward(const BlockPass& pass, const BlockParameters& gradients) {
  const ModelConfig& config = pass.config;
  const BlockParameters& w = pass.parameters;
  BlockTape& kept = pass.kept();
  const auto d_x = pass.rows(pass.tape.d_x), d_h = pass.rows(pass.tape.d_h);
  const TensorView x = pass.rows(kept.x), mid = pass.rows(kept.mid);
  if (post_norm(pass)) {
    norm_backward(config, w.mlp_norm, gradients.mlp_norm, {pass.rows(kept.last), d_x, d_x});
    mlp_backward(pass, gradients, {d_x, d_x, true});
    norm_backward(config, w.attn_norm, gradients.attn_norm, {mid, d_x, d_x});
    attend_backward(pass, gradients, {x, d_x, d_x, true});
  } else {
    if (w.up) {
      mlp_backward(pass, gradients, {d_x, d_h});
      norm_backward(config, w.mlp_norm, gradients.mlp_norm, {mid, d_h, d_h});
      add_to(d_x, d_h);
    }
    attend_backward(pass, gradients, {pass.rows(kept.h), d_x, d_h});
    norm_backward(config, w.attn_norm, gradients.attn_norm, {x, d_h, d_h});
    add_to(d_x, d_h);
  }
}

}  // namespace headlight
