#include "model/weights.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "io/nearest_name.h"
#include "io/safetensors.h"
#include "model/tensor_list.h"

namespace headlight {
namespace {

/// The tensors of one block, or of what is outside the blocks, on their way into place.
class Staged {
 public:
  Tensor& operator[](Slot slot) { return tensors_[static_cast<std::size_t>(slot)]; }

 private:
  std::array<Tensor, static_cast<std::size_t>(Slot::count)> tensors_;
};

/// TensorFlow-born checkpoints call a LayerNorm's weight and bias gamma and beta.
std::string old_norm_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOld = {
      {{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}}};
  for (const auto& [now, then] : kOld)
    if (name.ends_with(now))
      return std::string(name.substr(0, name.size() - now.size())) + std::string(then);
  return {};
}

void check_finite(const Tensor& tensor, std::string_view file, std::string_view name) {
  const auto values = tensor.span<float>();
  // One pass of integer compares, which the compiler vectorises, says whether the slower search
  // for the index is needed: NaN and infinity are the values with all exponent bits set.
  constexpr std::uint32_t kExponent = 0x7F800000u;
  std::uint32_t bad = 0;
  for (float x : values) bad |= (std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent;
  if (!bad) return;
  const auto it = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
  fail("model", "{}: tensor \"{}\" {} holds {} at index {}", file, name, to_string(tensor.shape()),
       *it, it - values.begin());
}

class Loader {
 public:
  Loader(const Folder& folder, const ModelConfig& config)
      : config_(config), checkpoint_(folder), prefix_(choose_prefix()) {}

  ModelWeights load() {
    ModelWeights out = load_outside();
    for (std::int64_t l = 0; l < config_.n_layers; ++l) out.blocks.push_back(load_block(l));
    out.n_parameters = n_parameters_;
    out.unused = strangers();
    for (const std::string& name : out.unused) check_unused(name);
    return out;
  }

  /// Every check that needs no weight's value.
  std::int64_t count() {
    for (const TensorSpec& spec : model_tensors(config_, prefix_)) check_tensor(spec);
    for (std::int64_t l = 0; l < config_.n_layers; ++l)
      for (const TensorSpec& spec : block_tensors(config_, prefix_, l)) check_tensor(spec);
    strangers();
    return n_parameters_;
  }

 private:
  /// The prefix under which most tensors are found, so that one missing tensor is reported by the
  /// name that the file would give it.
  std::string choose_prefix() const {
    std::string best;
    std::ptrdiff_t most = -1;
    for (std::string_view prefix : name_prefixes(config_.family)) {
      auto specs = model_tensors(config_, prefix);
      auto block = block_tensors(config_, prefix, 0);
      std::move(block.begin(), block.end(), std::back_inserter(specs));
      const auto found =
          std::ranges::count_if(specs, [&](const auto& s) { return !find(s).empty(); });
      if (found > most) {
        most = found;
        best = prefix;
      }
    }
    return best;
  }

  /// The name under which the checkpoint holds a tensor; empty when it does not.
  std::string find(const TensorSpec& spec) const {
    if (checkpoint_.contains(spec.name)) return spec.name;
    std::string old = old_norm_name(spec.name);
    return !old.empty() && checkpoint_.contains(old) ? old : std::string();
  }

  std::string file_of(std::string_view name) const {
    return printable(checkpoint_.file_of(name).string(), 300);
  }

  /// The tensor as stored, once its name, dtype and shape are what they must be; empty when it is
  /// absent and may be.
  TensorView check_tensor(const TensorSpec& spec) {
    const std::string name = find(spec);
    if (name.empty()) {
      if (spec.required)
        fail("model", "{}: tensor \"{}\" {} of a {} model with {} layers is missing{}",
             printable(checkpoint_.listing().string(), 300), spec.name, to_string(spec.shape),
             name_of(config_.family), config_.n_layers,
             nearest_hint(spec.name, checkpoint_.names()));
      return {};
    }
    const TensorView stored = checkpoint_.tensor(name);
    check(is_weight_type(stored.dtype()), "model",
          "{}: tensor \"{}\" has dtype {}; supported: f32, f16, bf16", file_of(name), name,
          name_of(stored.dtype()));
    check(stored.shape() == spec.shape, "model",
          "{}: tensor \"{}\" has shape {}, config.json asks for {}", file_of(name), name,
          to_string(stored.shape()), to_string(spec.shape));
    used_.insert(name);
    n_parameters_ += stored.numel();
    return stored;
  }

  Tensor load_tensor(const TensorSpec& spec) {
    const TensorView stored = check_tensor(spec);
    if (!stored) return {};
    Tensor tensor = widened(stored, find(spec));
    return spec.slot == Slot::unused ? Tensor() : std::move(tensor);
  }

  Tensor widened(TensorView stored, std::string_view name) const {
    Tensor tensor = to_f32(stored);
    check_finite(tensor, file_of(name), printable(name));
    return tensor;
  }

  Staged stage(const std::vector<TensorSpec>& specs) {
    Staged staged;
    for (const TensorSpec& spec : specs) staged[spec.slot] = load_tensor(spec);
    return staged;
  }

  ModelWeights load_outside() {
    Staged s = stage(model_tensors(config_, prefix_));
    ModelWeights out;
    if (config_.family != Family::bert || config_.mlm_head) {
      const bool tied = config_.tied_head || config_.mlm_head;
      const Tensor& head = s[tied ? Slot::token_embedding : Slot::head_weight];
      out.head = Linear(head, WeightLayout::out_in, s[Slot::head_bias]);
    }
    if (config_.mlm_head) {
      out.head_transform = Linear(s[Slot::head_transform_weight], WeightLayout::out_in,
                                  s[Slot::head_transform_bias]);
      out.head_norm = {std::move(s[Slot::head_norm_weight]), std::move(s[Slot::head_norm_bias])};
    }
    out.token_embedding = std::move(s[Slot::token_embedding]);
    out.position_embedding = std::move(s[Slot::position_embedding]);
    out.token_type_embedding = std::move(s[Slot::token_type_embedding]);
    out.embed_norm = {std::move(s[Slot::embed_norm_weight]), std::move(s[Slot::embed_norm_bias])};
    out.final_norm = {std::move(s[Slot::final_norm_weight]), std::move(s[Slot::final_norm_bias])};
    return out;
  }

  BlockWeights load_block(std::int64_t layer) {
    Staged s = stage(block_tensors(config_, prefix_, layer));
    const WeightLayout layout = weight_layout(config_.family);
    if (!s[Slot::qkv_weight]) fuse_qkv(s);
    BlockWeights out;
    out.attn_norm = {std::move(s[Slot::attn_norm_weight]), std::move(s[Slot::attn_norm_bias])};
    out.mlp_norm = {std::move(s[Slot::mlp_norm_weight]), std::move(s[Slot::mlp_norm_bias])};
    out.qkv = Linear(s[Slot::qkv_weight], layout, s[Slot::qkv_bias]);
    out.out = Linear(s[Slot::o_weight], layout, s[Slot::o_bias]);
    if (s[Slot::gate_weight]) out.gate = Linear(s[Slot::gate_weight], layout, s[Slot::gate_bias]);
    if (s[Slot::up_weight]) out.up = Linear(s[Slot::up_weight], layout, s[Slot::up_bias]);
    if (s[Slot::down_weight]) out.down = Linear(s[Slot::down_weight], layout, s[Slot::down_bias]);
    out.w_o = layout == WeightLayout::in_out ? std::move(s[Slot::o_weight])
                                             : transposed(s[Slot::o_weight]);
    out.b_o = std::move(s[Slot::o_bias]);
    return out;
  }

  /// One weight [q_width + 2 kv_width, d_model] from the three, so that one product gives q, k and
  /// v; a missing bias beside a present one is zero.
  void fuse_qkv(Staged& s) const {
    const std::int64_t width = (config_.n_heads + 2 * config_.n_kv_heads) * config_.head_dim;
    s[Slot::qkv_weight] = Tensor({width, config_.d_model});
    if (s[Slot::q_bias] || s[Slot::k_bias] || s[Slot::v_bias]) s[Slot::qkv_bias] = Tensor({width});
    constexpr std::array<std::pair<Slot, Slot>, 3> kParts = {{{Slot::q_weight, Slot::q_bias},
                                                              {Slot::k_weight, Slot::k_bias},
                                                              {Slot::v_weight, Slot::v_bias}}};
    std::int64_t row = 0;
    for (const auto& [weight, bias] : kParts) {
      std::ranges::copy(std::as_const(s[weight]).span<float>(),
                        s[Slot::qkv_weight].span<float>().begin() + row * config_.d_model);
      if (s[bias])
        std::ranges::copy(std::as_const(s[bias]).span<float>(),
                          s[Slot::qkv_bias].span<float>().begin() + row);
      row += s[weight].dim(0);
    }
  }

  static Tensor transposed(const Tensor& m) {
    const std::int64_t rows = m.dim(0), columns = m.dim(1);
    Tensor out({columns, rows});
    const auto from = m.span<float>();
    const auto to = out.span<float>();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        to[static_cast<std::size_t>(j * rows + i)] =
            from[static_cast<std::size_t>(i * columns + j)];
    return out;
  }

  /// Tensors that nothing asked for. Outside the blocks they are heads for other tasks, harmless;
  /// inside, they are parts of an architecture that is not this one.
  std::vector<std::string> strangers() const {
    const std::string block = prefix_ + std::string(block_prefix(config_.family));
    std::vector<std::string> out;
    for (const std::string& name : checkpoint_.names()) {
      if (used_.contains(name) || is_known_buffer(config_.family, name)) continue;
      check(!name.starts_with(block), "model",
            "{}: tensor \"{}\" is not part of a {} model of {} layers; the output would be wrong",
            file_of(name), printable(name), name_of(config_.family), config_.n_layers);
      out.push_back(name);
    }
    return out;
  }

  /// NaN where nothing reads it is still a sign of a damaged file.
  void check_unused(const std::string& name) const {
    const TensorView stored = checkpoint_.tensor(name);
    if (is_weight_type(stored.dtype())) widened(stored, name);
  }

  const ModelConfig& config_;
  Checkpoint checkpoint_;
  std::string prefix_;
  std::set<std::string, std::less<>> used_;
  std::int64_t n_parameters_ = 0;
};

}  // namespace

ModelWeights load_weights(const Folder& folder, const ModelConfig& config) {
  return Loader(folder, config).load();
}

std::int64_t count_parameters(const Folder& folder, const ModelConfig& config) {
  return Loader(folder, config).count();
}

}  // namespace headlight
