// A grouped-query layer of 8 heads over 128 tokens, as another program uses it: in the README, too.
#include <fmt/core.h>
#include <headlight/headlight.h>

int main() {
  headlight::MultiHeadAttention layer(
      {.d_model = 512, .n_heads = 8, .n_kv_heads = 2, .causal = headlight::Causal::bottom_right});
  headlight::Tensor x({1, 128, 512}), out({1, 128, 512}), one({1, 1, 512});
  fmt::print("{}\n", to_string(layer.forward(x, out)));
  headlight::KvCache cache = layer.make_cache(1, 4096);
  layer.forward(x, cache, out);    // the prompt
  layer.forward(one, cache, one);  // the next token, in place
  fmt::print("the cache holds {} tokens\n", cache.length());
}
