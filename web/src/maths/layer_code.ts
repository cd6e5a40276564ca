// The layer of the sliders as programs: C++ with Headlight, Python with PyTorch.
import type { Dimensions } from "./dimensions.ts";

/** At 512.8.2.128 this is examples/dimensions.cc, which is compiled and run by the tests. */
export function cppCode({ d_model, n_heads, n_kv_heads, length }: Dimensions): string {
  return `#include <fmt/core.h>
#include <headlight/headlight.h>

int main() {
  headlight::MultiHeadAttentionConfig config;
  config.d_model = ${d_model};
  config.n_heads = ${n_heads};
  config.n_kv_heads = ${n_kv_heads};
  config.causal = headlight::Causal::bottom_right;
  headlight::MultiHeadAttention layer(config);
  headlight::Tensor x({1, ${length}, ${d_model}}), out({1, ${length}, ${d_model}});
  fmt::print("{}\\n", to_string(layer.forward(x, out)));
}
`;
}

export function torchCode({ d_model, n_heads, n_kv_heads, length }: Dimensions): string {
  const head_dim = d_model / n_heads;
  const grouped = n_kv_heads < n_heads ? ", enable_gqa=True" : "";
  return `import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

T, d_model, n_heads, n_kv_heads = ${length}, ${d_model}, ${n_heads}, ${n_kv_heads}
head_dim = d_model // n_heads  # ${head_dim}

W_q = nn.Linear(d_model, n_heads * head_dim)  # all heads at once: each reads all of x
W_k = nn.Linear(d_model, n_kv_heads * head_dim)
W_v = nn.Linear(d_model, n_kv_heads * head_dim)
W_o = nn.Linear(n_heads * head_dim, d_model)

x = torch.randn(1, T, d_model)
q = W_q(x).view(1, T, n_heads, head_dim).transpose(1, 2)
k = W_k(x).view(1, T, n_kv_heads, head_dim).transpose(1, 2)
v = W_v(x).view(1, T, n_kv_heads, head_dim).transpose(1, 2)
z = scaled_dot_product_attention(q, k, v, is_causal=True${grouped})
out = W_o(z.transpose(1, 2).reshape(1, T, n_heads * head_dim))
`;
}
