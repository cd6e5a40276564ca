// Elementwise activations, and row softmax.
#pragma once

#include <span>

#include "core/tensor.h"

namespace headlight {

/// gelu_erf: x * Phi(x) (Hendrycks & Gimpel 2016); gelu_tanh: its tanh form ("gelu_new");
/// silu: x * sigmoid(x); relu: max(x, 0).
enum class Activation : std::uint8_t { gelu_erf, gelu_tanh, silu, relu };

/// x := f(x), in place. Not-a-number stays; +inf stays; -inf gives not-a-number where the formula
/// is -inf * 0 (all but relu). Against the double reference the error is at most twice that of the
/// textbook formula in fp32, plus two units of fp32 spacing at |f(x)| + 0.3.
void activate(Activation f, std::span<float> x);
/// y := f(x), of the same length; x stays.
void activate(Activation f, std::span<const float> x, std::span<float> y);
/// SwiGLU's product (Shazeer 2020): gate := f(gate) * up, in place. Same length.
void activate_gated(Activation f, std::span<float> gate, std::span<const float> up);
/// Each row of x [rows, n] becomes its softmax; a row of all -inf becomes zeros. A row that holds
/// not-a-number or +inf has no softmax and becomes not-a-number, other rows are not touched by it.
void softmax_rows(MutableTensorView x);

/// The same, computed in double with libm.
void activate_ref(Activation f, std::span<float> x);
void activate_gated_ref(Activation f, std::span<float> gate, std::span<const float> up);
void softmax_rows_ref(MutableTensorView x);

}  // namespace headlight
