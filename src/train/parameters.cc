#include "train/parameters.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "core/error.h"
#include "io/safetensors.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr std::int64_t kAlignment = 16;  // floats: a cache line

std::int64_t aligned_up(std::int64_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

/// q, k and v in the order of their fused product; the first starts a group.
constexpr Slot kFused[2][3] = {{Slot::q_weight, Slot::k_weight, Slot::v_weight},
                               {Slot::q_bias, Slot::k_bias, Slot::v_bias}};

bool is_fused(Slot slot) {
  return std::ranges::any_of(
      kFused, [&](const auto& group) { return std::ranges::find(group, slot) != std::end(group); });
}

const TensorSpec* find_slot(const std::vector<TensorSpec>& specs, Slot slot) {
  const auto found = std::ranges::find(specs, slot, &TensorSpec::slot);
  return found == specs.end() || !found->required ? nullptr : &*found;
}

bool is_norm_weight(Slot slot) {
  return slot == Slot::embed_norm_weight || slot == Slot::final_norm_weight ||
         slot == Slot::attn_norm_weight || slot == Slot::mlp_norm_weight ||
         slot == Slot::head_norm_weight;
}

}  // namespace

ParameterLayout::ParameterLayout(const ModelConfig& config) : config_(config) {
  const std::string_view prefix = name_prefixes(config.family).front();
  for (const TensorSpec& spec : model_tensors(config, prefix))
    if (spec.required) place(spec, -1, true);
  for (std::int64_t l = 0; l < config.n_layers; ++l) {
    const auto specs = block_tensors(config, prefix, l);
    for (const auto& group : kFused)
      for (const Slot slot : group)
        if (const TensorSpec* spec = find_slot(specs, slot)) place(*spec, l, slot == group[0]);
    for (const TensorSpec& spec : specs)
      if (spec.required && !is_fused(spec.slot)) place(spec, l, true);
  }
  size_ = aligned_up(size_);
}

void ParameterLayout::place(const TensorSpec& spec, std::int64_t layer, bool aligned) {
  const std::int64_t offset = aligned ? aligned_up(size_) : size_;
  specs_.push_back({spec.name, spec.slot, layer, spec.shape, offset, spec.shape.rank() == 2});
  size_ = offset + spec.shape.numel();
}

const ParameterSpec* ParameterLayout::find(Slot slot, std::int64_t layer) const {
  const auto found = std::ranges::find_if(
      specs_, [&](const ParameterSpec& s) { return s.slot == slot && s.layer == layer; });
  return found == specs_.end() ? nullptr : &*found;
}

std::int64_t ParameterLayout::n_parameters() const {
  std::int64_t n = 0;
  for (const ParameterSpec& spec : specs_) n += spec.shape.numel();
  return n;
}

MutableTensorView ParameterLayout::view(Tensor& store, const ParameterSpec& spec) const {
  return {store.span<float>().data() + spec.offset, DType::f32, spec.shape};
}

TensorView ParameterLayout::view(const Tensor& store, const ParameterSpec& spec) const {
  return {store.span<float>().data() + spec.offset, DType::f32, spec.shape};
}

/// Waves (Vaswani et al. 2017, section 3.5) of 2 pi to 2 pi n positions, with the mean square of
/// random numbers. From these a head that looks a fixed distance away is one matrix for all
/// positions; from random vectors it has to learn every position for itself.
void initialise_positions(float deviation, MutableTensorView view) {
  const std::int64_t n = view.dim(0), d = view.dim(1);
  for (std::int64_t t = 0; t < n; ++t)
    for (std::int64_t c = 0; c < d; ++c) {
      const double octave = static_cast<double>(c / 2 * 2) / static_cast<double>(d);
      const double turn = static_cast<double>(t) * std::pow(static_cast<double>(n), -octave);
      const double wave = c % 2 == 0 ? std::sin(turn) : std::cos(turn);
      view.as<float>()[t * d + c] = deviation * static_cast<float>(std::numbers::sqrt2 * wave);
    }
}

void initialise(const ParameterLayout& layout, std::uint64_t seed, float deviation, Tensor& store) {
  const ModelConfig& config = layout.config();
  const bool pre_norm = config.family != Family::bert;
  const auto into_stream =
      static_cast<float>(1 / std::sqrt(2.0 * static_cast<double>(config.n_layers)));
  for (std::size_t i = 0; i < layout.specs().size(); ++i) {
    const ParameterSpec& spec = layout.specs()[i];
    const MutableTensorView view = layout.view(store, spec);
    const std::span<float> values(view.as<float>(), static_cast<std::size_t>(view.numel()));
    std::ranges::fill(values, is_norm_weight(spec.slot) ? 1.0f : 0.0f);
    if (spec.shape.rank() != 2) continue;
    const bool writes = spec.slot == Slot::o_weight || spec.slot == Slot::down_weight;
    const float scale = deviation * (pre_norm && writes ? into_stream : 1.0f);
    if (spec.slot == Slot::position_embedding) {
      initialise_positions(deviation, view);
      continue;
    }
    Random random(seed, RandomUse::initial_values, i);
    for (float& x : values) x = scale * static_cast<float>(random.normal());
  }
}

void read_parameters(const ParameterLayout& layout, const Folder& folder, Tensor& store) {
  const Checkpoint checkpoint(folder);
  for (const ParameterSpec& spec : layout.specs()) {
    const TensorView stored = checkpoint.tensor(spec.name);
    check(stored.shape() == spec.shape, "train", "{}: tensor \"{}\" has shape {}, the model has {}",
          printable(checkpoint.file_of(spec.name).string(), 300), spec.name, stored.shape(),
          spec.shape);
    const Tensor values = to_f32(stored);
    std::ranges::copy(values.span<float>(), layout.view(store, spec).as<float>());
  }
}

void write_parameters(const ParameterLayout& layout, const Tensor& store,
                      const std::filesystem::path& folder) {
  std::vector<NamedTensor> tensors;
  for (const ParameterSpec& spec : layout.specs())
    tensors.push_back({spec.name, layout.view(store, spec)});
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
}

}  // namespace headlight
