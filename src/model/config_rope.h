// Rotary frequencies as a Llama config.json describes them.
#pragma once

#include <cstdint>
#include <vector>

#include "io/json.h"

namespace headlight {

/// The head_dim / 2 angular frequencies (radians per position) of `rope_theta` and `rope_scaling`
/// ("linear", "llama3", or none), or of the `rope_parameters` that transformers 5 writes instead.
/// Throws on any other kind of scaling: it would change every score.
std::vector<double> read_rope_frequencies(const JsonObject& config, std::int64_t head_dim);

}  // namespace headlight
