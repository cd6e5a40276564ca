// Heads switched off, dimmed or replaced: what one forward pass makes of it, and the direct
// estimate.
//
// A changed head's z_h becomes g z_h + (1 - g) r_h, with a gate g in [0, 1] and r_h as Replacement
// says; W_O, the residual stream and every later layer then go on from it (Michel et al. 2019, "Are
// Sixteen Heads Really Better than One?", for gates; Wang et al. 2022, "Interpretability in the
// Wild", for means). It is the model's one forward pass, edited, not a second implementation of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"
#include "inspect/trace.h"
#include "model/transformer.h"

namespace headlight {

/// One run of a model over a text, with what it takes to compare it and to change it: everything
/// that shows a trace shows an ablated run's, too. O(T * d_model) memory for each layer.
struct ModelRun {
  Trace trace;
  std::vector<Tensor> mlp_out;  ///< of each layer, [T, d_model]: what its MLP added
  Tensor last_hidden;           ///< [T, d_model], after the final norm
  /// Layers before it hold nothing: an ablated run shares them with the intact one.
  std::int64_t first_layer = 0;

  std::int64_t length() const { return trace.length(); }
};

/// Runs the model once.
ModelRun record_run(const Transformer& model, std::vector<Token> tokens, std::string text,
                    const TraceOptions& options = {});

/// What stands in for z_h where a gate is shut: nothing; a mean; z_h of another run.
enum class Replacement : std::uint8_t { zero, mean, resample };
std::string_view name_of(Replacement replacement);

/// Mean z of every head over all positions of the traces that were added:
/// [n_layers, n_heads, head_dim].
class MeanZ {
 public:
  explicit MeanZ(const ModelConfig& config);
  /// Throws when the trace is of a model of another shape.
  void add(const Trace& trace);
  /// Throws when nothing was added.
  Tensor mean() const;

 private:
  Shape shape_;
  std::vector<double> sum_;
  std::int64_t positions_ = 0;
};

struct AblatedHead {
  std::int64_t layer = 0, head = 0;
  float gate = 0;  ///< how much of its own z the head keeps
};

struct Ablation {
  std::vector<AblatedHead> heads;  ///< each at most once
  Replacement replacement = Replacement::zero;
  TensorView mean = {};  ///< for Replacement::mean, fp32 [n_layers, n_heads, head_dim]
  /// For Replacement::resample. Position t takes z of the other run's position t; where that run is
  /// shorter, its last position stands in for all that follow, and where it is longer, the rest is
  /// not used. Must outlive the call.
  const ModelRun* other = nullptr;
};

/// Runs the tokens of `intact` again with the heads changed, from the first layer that changes on:
/// `first_layer` of the result, n_layers where nothing changes. A gate of 1 changes no bit.
/// `kernel` forces an attention kernel. Throws when a head is not there or named twice, a gate is
/// not in [0, 1], or what replaces z is missing or of another model's shape.
ModelRun run_ablated(const Transformer& model, const ModelRun& intact, const Ablation& ablation,
                     std::string_view kernel = {});

/// The trace of the two that holds layer `l` of an ablated run.
const Trace& trace_at(const ModelRun& ablated, const ModelRun& intact, std::int64_t l);

/// The final hidden states [T, d_model] of run_ablated alone, bit for bit: for the many runs of a
/// table.
Tensor ablated_hidden(const Transformer& model, const ModelRun& intact, const Ablation& ablation,
                      std::string_view kernel = {});

/// The direct estimate, as final hidden states [T, d_model]: the change of each head's own vector
/// z_h W_O^h is added to the residual stream at its layer, and every sublayer adds what it added in
/// the intact run; only the norms on the residual path see the difference. So no later layer
/// repairs or amplifies anything. In a pre-norm model this is final_norm(x - head_out), a head's
/// direct effect; a post-norm model (bert) has norms on the way, which are applied again. Costs the
/// product with W_O of the layers that change, and those norms.
Tensor estimate_directly(const Transformer& model, const ModelRun& intact,
                         const Ablation& ablation);

}  // namespace headlight
