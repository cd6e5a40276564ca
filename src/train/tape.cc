#include "train/tape.h"

#include <algorithm>

namespace headlight {

void Tape::reserve(const ModelConfig& c, std::int64_t rows) {
  if (c.family == Family::llama && rope.max_len() == 0)
    rope = RopeTable(c.rope_inv_freq, c.max_len);
  if (rows <= capacity) return;
  capacity = 0;
  rows += rows / 8;  // batches of as many sequences differ a little in length
  const bool post_norm = c.family == Family::bert, gated = c.family == Family::llama;
  const Shape stream = {rows, c.d_model}, wide = {rows, c.d_ff};
  const Shape heads = {rows, c.n_heads * c.head_dim};
  const Shape fused = {rows, (c.n_heads + 2 * c.n_kv_heads) * c.head_dim};
  blocks.clear();
  for (std::int64_t l = 0; l < c.n_layers; ++l) {
    BlockTape& b = blocks.emplace_back();
    for (Tensor* t : {&b.x, &b.mid, &b.h2, post_norm ? &b.last : &b.h}) *t = Tensor(stream);
    for (Tensor* t : {&b.up, &b.active}) *t = Tensor(wide);
    if (gated) b.gate = Tensor(wide);
    b.qkv = Tensor(fused);
    b.z = Tensor(heads);
    b.lse = Tensor({c.n_heads * rows});
  }
  for (Tensor* t : {&x, &d_x, &d_h, &final}) *t = Tensor(stream);
  if (post_norm) embedded = Tensor(stream);
  d_qkv = Tensor(fused);
  d_z = Tensor(heads);
  d_ff = Tensor(wide);
  if (gated) d_gate = Tensor(wide);
  capacity = rows;
}

MutableTensorView first_rows(Tensor& buffer, std::int64_t rows) {
  return {buffer.view().data(), DType::f32, {rows, buffer.dim(1)}};
}

}  // namespace headlight
