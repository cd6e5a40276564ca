// How the rows of a layer's buffers are shared out to the sequences of a call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace headlight {

/// The sequences of a batch [count, length], or packed behind each other at `offsets`.
struct LayerSequences {
  std::int64_t count = 0;
  std::int64_t length = 0;                     ///< of each; of all together when packed
  std::span<const std::int64_t> offsets = {};  ///< packed: count + 1 of them

  bool packed() const { return !offsets.empty(); }
  std::int64_t begin(std::int64_t s) const {
    return packed() ? offsets[static_cast<std::size_t>(s)] : s * length;
  }
  std::int64_t size(std::int64_t s) const {
    return packed() ? offsets[static_cast<std::size_t>(s) + 1] - begin(s) : length;
  }
  std::int64_t tokens() const { return packed() ? length : count * length; }
  /// The sequence that token `t` of the call belongs to.
  std::int64_t sequence_of(std::int64_t t) const {
    if (!packed()) return t / length;
    return std::ranges::upper_bound(offsets, t) - offsets.begin() - 1;
  }
};

/// Tokens [begin, end) of a sequence.
struct TokenStretch {
  std::int64_t sequence, begin, end;
};

/// body(stretch) for tokens [begin, end) of the call, sequence by sequence.
template <class Body>
void for_each_stretch(const LayerSequences& of, std::int64_t begin, std::int64_t end,
                      const Body& body) {
  for (std::int64_t s = of.sequence_of(begin); begin < end; ++s) {
    const std::int64_t first = of.begin(s), last = std::min(end, first + of.size(s));
    if (begin < last) body(TokenStretch{s, begin - first, last - first});
    begin = std::max(begin, last);
  }
}

/// q, k or v: a row for each token, in which the heads lie side by side. `gap` rows stand before
/// each sequence's own.
struct LayerRows {
  float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t heads = 0, head_dim = 0;
  std::int64_t gap = 0;

  /// The first row of sequence s, gap included.
  float* first(const LayerSequences& of, std::int64_t s) const {
    return data + (of.begin(s) + s * gap) * stride;
  }
  float* own(const LayerSequences& of, std::int64_t s) const { return first(of, s) + gap * stride; }
  /// [B, T, heads, head_dim] of a batch, the gap's rows included.
  MutableTensorView batch(const LayerSequences& of) const {
    const std::int64_t length_of_all = gap + of.length;
    return {data,
            {of.count, length_of_all, heads, head_dim},
            {length_of_all * stride, stride, head_dim, 1}};
  }
  /// [1, length, heads, head_dim] of one sequence, the gap's rows included in `length`.
  MutableTensorView sequence(const LayerSequences& of, std::int64_t s, std::int64_t length) const {
    return {first(of, s), {1, length, heads, head_dim}, {length * stride, stride, head_dim, 1}};
  }
};

/// What attention computes on.
struct LayerHeads {
  LayerRows q, k, v, z;
};

}  // namespace headlight
