// What the lab's page of dimensions prints for 8 heads on 2 key/value heads.
#include <fmt/core.h>
#include <headlight/headlight.h>

int main() {
  headlight::MultiHeadAttentionConfig config;
  config.d_model = 512;
  config.n_heads = 8;
  config.n_kv_heads = 2;
  config.causal = headlight::Causal::bottom_right;
  headlight::MultiHeadAttention layer(config);
  headlight::Tensor x({1, 128, 512}), out({1, 128, 512});
  fmt::print("{}\n", to_string(layer.forward(x, out)));
}
