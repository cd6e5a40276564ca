#include "train/tied_heads.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {

TiedHeads::TiedHeads(const ParameterLayout& layout) {
  const ModelConfig& c = layout.config();
  for (const ParameterSpec& spec : layout.specs()) {
    check(spec.slot != Slot::qkv_weight, "train",
          "heads of a {} model cannot be tied, its q, k and v are one matrix; use a bert or llama",
          name_of(c.family));
    const bool query = spec.slot == Slot::q_weight || spec.slot == Slot::q_bias;
    const bool key_or_value = spec.slot == Slot::k_weight || spec.slot == Slot::k_bias ||
                              spec.slot == Slot::v_weight || spec.slot == Slot::v_bias;
    if (!query && !key_or_value) continue;
    const std::int64_t heads = query ? c.n_heads : c.n_kv_heads;
    parts_.push_back({spec.offset, heads, spec.shape.numel() / heads});
  }
}

std::span<float> TiedHeads::of_head(Tensor& store, const Part& part, std::int64_t head) {
  return store.span<float>().subspan(static_cast<std::size_t>(part.offset + head * part.size),
                                     static_cast<std::size_t>(part.size));
}

void TiedHeads::copy_first(Tensor& store) const {
  for (const Part& part : parts_)
    for (std::int64_t h = 1; h < part.heads; ++h)
      std::ranges::copy(of_head(store, part, 0), of_head(store, part, h).begin());
}

void TiedHeads::sum_into_first(Tensor& store) const {
  for (const Part& part : parts_) {
    const std::span<float> sum = of_head(store, part, 0);
    for (std::int64_t h = 1; h < part.heads; ++h) {
      const std::span<float> more = of_head(store, part, h);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
      std::ranges::fill(more, 0.0f);
    }
  }
}

std::int64_t TiedHeads::n_copies() const {
  std::int64_t n = 0;
  for (const Part& part : parts_) n += (part.heads - 1) * part.size;
  return n;
}

}  // namespace headlight
