// One Transformer, one forward pass, for the three families of ModelConfig.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"
#include "core/tensor.h"
#include "kernels/attention/attention.h"
#include "kernels/matmul/matmul.h"
#include "model/config.h"

namespace headlight {

/// An activation handed to the observer while the forward pass holds it. `name` is one of
/// "embed", "blocks.{l}.resid_pre", "blocks.{l}.attn.{q,k,v,z,lse,out}", "blocks.{l}.mlp.out",
/// "blocks.{l}.resid_post", "final" (after the last norm). q, k, v as attention saw them (RoPE
/// applied), [T, H or Hkv, D]; z [T, H, D] after the head gates; lse [H, T]; out = z W_O + b_O, the
/// MLP's output and the residual stream [T, d_model]. For bert, resid_post is the block's output
/// after its second LayerNorm. What an editor changed is recorded as it was left.
struct Recorded {
  std::string_view name;
  std::int64_t layer;  ///< -1 outside the blocks
  TensorView value;    ///< valid during the call only
};
using Observer = std::function<void(const Recorded&)>;

/// Where an editor may step in: z before it meets W_O, and what a sublayer is about to add to the
/// residual stream.
enum class EditPoint : std::uint8_t { z, attention_out, mlp_out };

/// An activation that may be changed in place before the forward pass goes on with it.
struct Editable {
  EditPoint point;
  std::int64_t layer;
  MutableTensorView value;  ///< z [T, H, D], after the head gates; the others [T, d_model]
};
using Editor = std::function<void(const Editable&)>;

/// Gates of all heads, [n_layers, n_heads] row-major, 1 unless set. Checked on set: in range, in
/// [0, 1].
class HeadGates {
 public:
  HeadGates(std::int64_t n_layers, std::int64_t n_heads);
  explicit HeadGates(const ModelConfig& config) : HeadGates(config.n_layers, config.n_heads) {}
  void set(std::int64_t layer, std::int64_t head, float gate);
  float get(std::int64_t layer, std::int64_t head) const;
  std::int64_t n_layers() const { return n_layers_; }
  std::int64_t n_heads() const { return n_heads_; }
  std::span<const float> layer(std::int64_t l) const;
  bool all_open() const;  ///< every gate is 1

 private:
  std::size_t index(std::int64_t layer, std::int64_t head) const;

  std::int64_t n_layers_, n_heads_;
  std::vector<float> gates_;
};

struct ForwardOptions {
  std::span<const std::int64_t> token_type_ids = {};  ///< bert only; empty: all 0
  const HeadGates* head_gates = nullptr;              ///< null: all open
  Editor editor = {};                                 ///< empty: nothing is changed
  Observer observer = {};                             ///< empty: nothing is recorded
  /// Set: fills in what each sublayer adds (EditPoint::attention_out, mlp_out), which is then not
  /// computed, edited or recorded. What is left of the pass is the residual stream and its norms.
  Editor sublayers = {};
  std::string_view kernel = {};  ///< force an attention kernel
  /// Set: the pass begins before block `first_layer` with this residual stream [T, d_model], fp32,
  /// and the ids say only how many tokens there are.
  TensorView resid_pre = {};
  std::int64_t first_layer = 0;
  /// Blocks to run from there on, after which the pass ends as it is: without the final norm and
  /// head, its residual stream for the observer only. 0: all that are left.
  std::int64_t n_layers = 0;
  bool logits = true;  ///< off: the head is not run
  /// llama only: more tokens than max_len, at positions that the model was not trained for.
  bool past_max_len = false;
};

struct ForwardResult {
  Tensor logits;  ///< [T, vocab_size]; empty for a bert without a masked-token head, or when not
                  ///< asked for
  Tensor last_hidden;  ///< [T, d_model] after the final norm; empty when the pass ends before it
  AttentionReport attention;  ///< what ran in the first block of the pass
};

class Transformer {
 public:
  /// Loads a Hugging Face folder (config.json and safetensors, whole or sharded; f32, f16, bf16).
  /// Throws on an unknown architecture, a missing tensor, a wrong shape (both shapes named), a
  /// non-finite weight.
  static Transformer load(const Folder& folder);
  ~Transformer();
  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;

  const ModelConfig& config() const;
  std::int64_t n_parameters() const;
  /// Tensors of the checkpoint that are no part of the model, such as a classifier's.
  const std::vector<std::string>& unused_tensors() const;
  /// Runs ids [T], 1 <= T <= max_len, each in [0, vocab_size). One call at a time. Memory is O(T):
  /// no T x T, and what a very long text needed is given back.
  ForwardResult forward(std::span<const std::int64_t> ids,
                        const ForwardOptions& options = {}) const;
  /// Whether there is a head that makes logits of hidden states.
  bool has_logits() const;
  /// The logits [n, vocab_size] of rows [n, d_model] of ForwardResult::last_hidden, 1 <= n <=
  /// max_len. Throws when the model has no head.
  Tensor logits(TensorView last_hidden) const;

  /// W_O of a block as [n_heads * head_dim, d_model] fp32 (rows h*head_dim.. are W_O^h), and b_O
  /// [d_model] or empty.
  TensorView w_o(std::int64_t layer) const;
  TensorView b_o(std::int64_t layer) const;

 private:
  struct Impl;
  explicit Transformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace headlight
