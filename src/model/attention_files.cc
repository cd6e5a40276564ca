// Loading and saving a layer's weights under the names that others gave them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/nearest_name.h"
#include "io/safetensors.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "layer";

struct Names {
  AttentionWeight weight;
  std::string_view torch, llama, bert;  // empty: no place for it
};
constexpr Names kNames[] = {
    {AttentionWeight::w_q, "q_proj_weight", "q_proj.weight", "self.query.weight"},
    {AttentionWeight::w_k, "k_proj_weight", "k_proj.weight", "self.key.weight"},
    {AttentionWeight::w_v, "v_proj_weight", "v_proj.weight", "self.value.weight"},
    {AttentionWeight::w_o, "out_proj.weight", "o_proj.weight", "output.dense.weight"},
    {AttentionWeight::b_q, "", "q_proj.bias", "self.query.bias"},
    {AttentionWeight::b_k, "", "k_proj.bias", "self.key.bias"},
    {AttentionWeight::b_v, "", "v_proj.bias", "self.value.bias"},
    {AttentionWeight::b_o, "out_proj.bias", "o_proj.bias", "output.dense.bias"},
    {AttentionWeight::added_k, "bias_k", "", ""},
    {AttentionWeight::added_v, "bias_v", "", ""},
    {AttentionWeight::q_norm, "", "q_norm.weight", ""},
    {AttentionWeight::k_norm, "", "k_norm.weight", ""},
    {AttentionWeight::sinks, "", "sinks", ""},
};
// PyTorch stacks the three input projections when their inputs are as wide.
constexpr std::string_view kStackedWeight = "in_proj_weight";
constexpr std::string_view kStackedBias = "in_proj_bias";

std::string_view name_in(const Names& row, WeightNames names) {
  switch (names) {
    case WeightNames::torch:
      return row.torch;
    case WeightNames::llama:
      return row.llama;
    case WeightNames::bert:
      return row.bert;
  }
  return {};
}

/// One tensor of a file: the rows of one or more weights, one below the other.
struct StoredTensor {
  std::string name;
  Shape shape;
  std::vector<AttentionWeight> parts;
};

StoredTensor stacked(const MultiHeadAttentionConfig& c, std::string name,
                     std::vector<AttentionWeight> parts) {
  Shape shape = *weight_shape(c, parts.front());
  shape[0] = c.q_width() + c.k_width() + c.v_width();
  return {std::move(name), shape, std::move(parts)};
}

bool is_input_weight(AttentionWeight weight) {
  return weight == AttentionWeight::w_q || weight == AttentionWeight::w_k ||
         weight == AttentionWeight::w_v;
}

bool is_input_bias(AttentionWeight weight) {
  return weight == AttentionWeight::b_q || weight == AttentionWeight::b_k ||
         weight == AttentionWeight::b_v;
}

/// The tensors that a layer's file holds. Throws when the names have no place for a weight.
std::vector<StoredTensor> stored_tensors(const MultiHeadAttentionConfig& c, WeightNames names,
                                         std::string_view prefix) {
  const bool torch = names == WeightNames::torch;
  const bool one_width = c.d_key == c.d_model && c.d_value == c.d_model;
  const auto full = [&](std::string_view name) { return std::string(prefix) + std::string(name); };
  std::vector<StoredTensor> list;
  if (torch && one_width)
    list.push_back(stacked(c, full(kStackedWeight),
                           {AttentionWeight::w_q, AttentionWeight::w_k, AttentionWeight::w_v}));
  if (torch && (c.bias.q || c.bias.k || c.bias.v)) {
    check(c.bias.q && c.bias.k && c.bias.v, kOp,
          "PyTorch's {} is for q, k and v together; this layer has q {}, k {}, v {}", kStackedBias,
          c.bias.q, c.bias.k, c.bias.v);
    list.push_back(stacked(c, full(kStackedBias),
                           {AttentionWeight::b_q, AttentionWeight::b_k, AttentionWeight::b_v}));
  }
  for (const Names& row : kNames) {
    const auto shape = weight_shape(c, row.weight);
    if (!shape || (torch && one_width && is_input_weight(row.weight)) ||
        (torch && is_input_bias(row.weight)))
      continue;
    const std::string_view name = name_in(row, names);
    check(!name.empty(), kOp, "these names have no place for the layer's {} {}",
          name_of(row.weight), to_string(*shape));
    const bool as_token = name.starts_with("bias_");  // PyTorch keeps them as [1, 1, width]
    list.push_back({full(name), as_token ? Shape{1, 1, (*shape)[0]} : *shape, {row.weight}});
  }
  return list;
}

/// Every name that a file may use for a weight of such a layer.
std::set<std::string> known_names(WeightNames names, std::string_view prefix) {
  std::set<std::string> known;
  for (const Names& row : kNames)
    if (const std::string_view name = name_in(row, names); !name.empty())
      known.insert(std::string(prefix) + std::string(name));
  if (names == WeightNames::torch)
    for (const std::string_view name : {kStackedWeight, kStackedBias})
      known.insert(std::string(prefix) + std::string(name));
  return known;
}

void check_finite(std::span<const float> values, std::string_view file, std::string_view name) {
  const auto bad = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
  check(bad == values.end(), kOp, "{}: tensor \"{}\" holds {} at index {}", file, name,
        bad == values.end() ? 0.0f : *bad, bad - values.begin());
}

/// `source` is a SafetensorsFile or a Checkpoint.
template <class Source>
void load_from(const Source& source, std::string_view file, WeightNames names,
               std::string_view prefix, MultiHeadAttention& layer) {
  std::set<std::string> strangers = known_names(names, prefix);
  for (const StoredTensor& stored : stored_tensors(layer.config(), names, prefix)) {
    check(source.contains(stored.name), kOp, "{}: tensor \"{}\" {} is missing{}", file,
          printable(stored.name), to_string(stored.shape),
          nearest_hint(stored.name, source.names()));
    const TensorView view = source.tensor(stored.name);
    check(is_weight_type(view.dtype()) && view.shape() == stored.shape, kOp,
          "{}: tensor \"{}\" is {} {}; the layer needs {} in f32, bf16 or f16", file,
          printable(stored.name), name_of(view.dtype()), to_string(view.shape()),
          to_string(stored.shape));
    const Tensor wide = to_f32(view);
    check_finite(wide.span<float>(), file, printable(stored.name));
    const float* rows = wide.span<float>().data();
    for (const AttentionWeight part : stored.parts) {
      const Shape shape = *weight_shape(layer.config(), part);
      layer.set_weight(part, TensorView(rows, shape));
      rows += shape.numel();
    }
    strangers.erase(stored.name);
  }
  for (const std::string& name : strangers)
    check(!source.contains(name), kOp,
          "{}: there is a tensor \"{}\" that the configuration has no place for", file,
          printable(name));
}

}  // namespace

MultiHeadAttention MultiHeadAttention::load(const std::filesystem::path& path,
                                            const MultiHeadAttentionConfig& config,
                                            WeightNames names, std::string_view prefix) {
  MultiHeadAttention layer(config);
  const std::string file = printable(path.string(), 300);
  if (std::filesystem::is_directory(path))
    load_from(Checkpoint(path), file, names, prefix, layer);
  else
    load_from(SafetensorsFile(path), file, names, prefix, layer);
  return layer;
}

void MultiHeadAttention::save(const std::filesystem::path& path, WeightNames names,
                              std::string_view prefix) const {
  std::vector<Tensor> stacks;
  std::vector<NamedTensor> tensors;
  for (const StoredTensor& stored : stored_tensors(impl_->config, names, prefix)) {
    const DType dtype = impl_->weight(stored.parts.front()).dtype();
    Tensor& stack = stacks.emplace_back(dtype, stored.shape);
    auto* to = static_cast<std::byte*>(stack.view().data());
    for (const AttentionWeight part : stored.parts) {
      const TensorView rows = impl_->weight(part);
      const auto bytes = static_cast<std::size_t>(rows.numel()) * size_of(dtype);
      std::memcpy(to, rows.data(), bytes);
      to += bytes;
    }
    tensors.push_back({stored.name, stack.view()});
  }
  write_safetensors(path, tensors);
}

}  // namespace headlight
