// Eight query heads on two key/value heads, 128 tokens, head_dim 64: the README's example.
#include <fmt/core.h>

#include "kernels/attention/attention.h"

int main() {
  using headlight::Tensor;
  Tensor q({1, 128, 8, 64}), k({1, 128, 2, 64}), v({1, 128, 2, 64}), z({1, 128, 8, 64});
  const auto report = headlight::attention({.q = q, .k = k, .v = v, .z = z},
                                           {.causal = headlight::Causal::bottom_right});
  fmt::print("{}\n", to_string(report));
}
