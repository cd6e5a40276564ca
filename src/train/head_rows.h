// The pattern of every head on a short text, row by row, for encoders.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "model/transformer.h"

namespace headlight {

/// One row of one head: the weights that `query` gives to every token; they sum to 1.
struct HeadRow {
  std::int64_t layer, head, query;
  std::span<const double> weights;  ///< valid during the call only
};

/// Runs ids [T] through an encoder and hands over every row of every head, layer by layer, computed
/// in double from the recorded q and k. For measurements on sentences: O(T^2) time for each head.
void visit_head_rows(const Transformer& model, std::span<const std::int64_t> ids,
                     const std::function<void(const HeadRow&)>& visit);

}  // namespace headlight
