#include "train/attend.h"

#include "kernels/attention/attention.h"
#include "kernels/attention/backward/backward.h"
#include "kernels/attention/pattern.h"
#include "train/ops.h"

namespace headlight {
namespace {

/// One group's share of a buffer of rows, split into heads: [count, length, n, head_dim] from head
/// `first`, no copy.
MutableTensorView heads(const BlockPass& pass, const SequenceGroup& group, Tensor& buffer,
                        std::int64_t first, std::int64_t n) {
  const std::int64_t width = buffer.dim(1), dim = pass.config.head_dim;
  return {buffer.span<float>().data() + group.row * width + first * dim,
          {group.count, group.length, n, dim},
          {group.length * width, width, dim, 1}};
}

/// A layer's share of numbers for each head of each layer; empty if there are none.
template <class Numbers>
auto of_layer(const BlockPass& pass, Numbers& numbers) {
  const auto n = static_cast<std::size_t>(pass.config.n_heads);
  return numbers.empty() ? std::span(numbers)
                         : std::span(numbers).subspan(static_cast<std::size_t>(pass.layer) * n, n);
}

/// The attention problem of one group, on views of the tape.
AttentionTensors tensors_of(const BlockPass& pass, const SequenceGroup& group) {
  const ModelConfig& c = pass.config;
  BlockTape& kept = pass.kept();
  return {.q = heads(pass, group, kept.qkv, 0, c.n_heads),
          .k = heads(pass, group, kept.qkv, c.n_heads, c.n_kv_heads),
          .v = heads(pass, group, kept.qkv, c.n_heads + c.n_kv_heads, c.n_kv_heads),
          .head_gate = of_layer(pass, pass.tape.head_gates),
          .z = heads(pass, group, kept.z, 0, c.n_heads),
          .lse = {kept.lse.span<float>().data() + group.row * c.n_heads,
                  DType::f32,
                  {group.count, c.n_heads, group.length}}};
}

AttentionOptions options_of(const BlockPass& pass) {
  return {.scale = pass.config.attention_scale(pass.layer),
          .causal = pass.config.causal() ? Causal::bottom_right : Causal::none};
}

/// q and k of all rows as [rows, heads, head_dim], what RoPE turns.
MutableTensorView rotated_heads(const BlockPass& pass, Tensor& qkv) {
  const ModelConfig& c = pass.config;
  return {qkv.span<float>().data(),
          {pass.batch.rows(), c.n_heads + c.n_kv_heads, c.head_dim},
          {qkv.dim(1), c.head_dim, 1}};
}

/// The gradients of one group's q, k and v.
void heads_backward(const BlockPass& pass, const SequenceGroup& group, const HeadOverlap* overlap) {
  const ModelConfig& c = pass.config;
  Tape& tape = pass.tape;
  const AttentionTensors tensors = tensors_of(pass, group);
  const MutableTensorView d_q = heads(pass, group, tape.d_qkv, 0, c.n_heads);
  const MutableTensorView d_k = heads(pass, group, tape.d_qkv, c.n_heads, c.n_kv_heads);
  attention_backward(tensors, options_of(pass),
                     {.d_z = heads(pass, group, tape.d_z, 0, c.n_heads),
                      .d_q = d_q,
                      .d_k = d_k,
                      .d_v = heads(pass, group, tape.d_qkv, c.n_heads + c.n_kv_heads, c.n_kv_heads),
                      .d_bias = {},
                      .d_sinks = {},
                      .d_head_gate = of_layer(pass, tape.d_head_gates),
                      .d_alibi_slopes = {},
                      .mode = GradientMode::add});
  if (overlap) overlap->backward(tensors, options_of(pass), tape.overlap_weight, d_q, d_k);
}

}  // namespace

void attend_forward(const BlockPass& pass, TensorView from, TensorView residual,
                    MutableTensorView to) {
  BlockTape& kept = pass.kept();
  apply_linear(pass.parameters.qkv, from, pass.rows(kept.qkv));
  if (!pass.config.rope_inv_freq.empty())
    rope(rotated_heads(pass, kept.qkv), pass.tape.rope, RopeLayout::half_split,
         pass.batch.positions);
  for (const SequenceGroup& group : pass.batch.groups)
    attention(tensors_of(pass, group), options_of(pass));
  apply_linear(pass.parameters.out, pass.rows(kept.z), to, residual);
}

void attend_backward(const BlockPass& pass, const BlockParameters& gradients,
                     const AttendBackward& io) {
  const ModelConfig& c = pass.config;
  Tape& tape = pass.tape;
  linear_backward(pass.parameters.out, gradients.out,
                  {pass.rows(pass.kept().z), io.d_to, pass.rows(tape.d_z)});
  for (std::size_t g = 0; g < pass.batch.groups.size(); ++g)
    heads_backward(pass, pass.batch.groups[g], tape.overlaps.empty() ? nullptr : &tape.overlaps[g]);
  if (!c.rope_inv_freq.empty())
    rope_backward(rotated_heads(pass, tape.d_qkv), tape.rope, RopeLayout::half_split,
                  pass.batch.positions);
  linear_backward(pass.parameters.qkv, gradients.qkv,
                  {io.from, pass.rows(tape.d_qkv), io.d_from, io.add_to_d_from});
}

void add_overlap(const BlockPass& pass) {
  for (std::size_t g = 0; g < pass.batch.groups.size(); ++g)
    pass.tape.overlaps[g].add(tensors_of(pass, pass.batch.groups[g]), options_of(pass));
}

Tensor attend_pattern(const BlockPass& pass, const SequenceGroup& sequence, std::int64_t head) {
  const AttentionTensors tensors = tensors_of(pass, sequence);
  Tensor out({sequence.length, sequence.length});
  attention_pattern(attention_problem(tensors, options_of(pass)), tensors,
                    {.batch = 0, .head = head, .row_begin = 0, .row_end = sequence.length},
                    out.view());
  return out;
}

}  // namespace headlight
