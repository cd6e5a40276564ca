// Loading and saving a layer's weights under the names that others gave them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "io/nearest_name.h"
#include "io/safetensors.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "layer";

/// A weight's name by WeightNames; empty: no place for it, or in a stack.
struct Names {
  AttentionWeight weight;
  std::string_view torch, llama, bert, gpt2, phi3;
};
constexpr Names kNames[] = {
    {AttentionWeight::w_q, "q_proj_weight", "q_proj.weight", "self.query.weight", "", ""},
    {AttentionWeight::w_k, "k_proj_weight", "k_proj.weight", "self.key.weight", "", ""},
    {AttentionWeight::w_v, "v_proj_weight", "v_proj.weight", "self.value.weight", "", ""},
    {AttentionWeight::w_o, "out_proj.weight", "o_proj.weight", "output.dense.weight",
     "c_proj.weight", "o_proj.weight"},
    {AttentionWeight::b_q, "", "q_proj.bias", "self.query.bias", "", ""},
    {AttentionWeight::b_k, "", "k_proj.bias", "self.key.bias", "", ""},
    {AttentionWeight::b_v, "", "v_proj.bias", "self.value.bias", "", ""},
    {AttentionWeight::b_o, "out_proj.bias", "o_proj.bias", "output.dense.bias", "c_proj.bias",
     "o_proj.bias"},
    {AttentionWeight::added_k, "bias_k", "", "", "", ""},
    {AttentionWeight::added_v, "bias_v", "", "", "", ""},
    {AttentionWeight::q_norm, "", "q_norm.weight", "", "", ""},
    {AttentionWeight::k_norm, "", "k_norm.weight", "", "", ""},
    {AttentionWeight::sinks, "", "sinks", "", "", ""},
};

std::string_view name_in(const Names& row, WeightNames names) {
  switch (names) {
    case WeightNames::torch:
      return row.torch;
    case WeightNames::llama:
      return row.llama;
    case WeightNames::bert:
      return row.bert;
    case WeightNames::gpt2:
      return row.gpt2;
    case WeightNames::phi3:
      return row.phi3;
  }
  return {};
}

/// The names under which q, k and v are one tensor.
struct StackNames {
  std::string_view weight, bias;  // empty: they are apart
};
StackNames stack_names(WeightNames names) {
  switch (names) {
    case WeightNames::torch:
      return {"in_proj_weight", "in_proj_bias"};
    case WeightNames::gpt2:
      return {"c_attn.weight", "c_attn.bias"};
    case WeightNames::phi3:
      return {"qkv_proj.weight", "qkv_proj.bias"};
    default:
      return {};
  }
}

/// One tensor of a file: the rows of one or more weights, one below the other.
struct StoredTensor {
  std::string name;
  Shape shape;  // as [out, in]
  std::vector<AttentionWeight> parts;
  bool transposed = false;  // it lies in the file as [in, out] (GPT-2's Conv1D)

  Shape stored_shape() const { return transposed ? Shape{shape[1], shape[0]} : shape; }
};

StoredTensor stacked(const MultiHeadAttentionConfig& c, std::string name,
                     std::vector<AttentionWeight> parts) {
  Shape shape = *weight_shape(c, parts.front());
  shape[0] = c.q_width() + c.k_width() + c.v_width();
  return {std::move(name), shape, std::move(parts)};
}

/// The stacks of a layer's file. PyTorch stacks weights only when their inputs are as wide.
std::vector<StoredTensor> stored_stacks(const MultiHeadAttentionConfig& c, WeightNames names,
                                        std::string_view prefix) {
  std::vector<StoredTensor> list;
  const StackNames stack = stack_names(names);
  if (stack.weight.empty()) return list;
  const bool one_width = c.d_key == c.d_model && c.d_value == c.d_model;
  check(one_width || names == WeightNames::torch, kOp,
        "{} is for q, k and v of one input; this layer's are {}, {} and {} wide", stack.weight,
        c.d_model, c.d_key, c.d_value);
  const auto full = [&](std::string_view name) { return fmt::format("{}{}", prefix, name); };
  if (one_width)
    list.push_back(stacked(c, full(stack.weight),
                           {AttentionWeight::w_q, AttentionWeight::w_k, AttentionWeight::w_v}));
  if (!c.bias.q && !c.bias.k && !c.bias.v) return list;
  check(c.bias.q && c.bias.k && c.bias.v, kOp,
        "{} is for q, k and v together; this layer has q {}, k {}, v {}", stack.bias, c.bias.q,
        c.bias.k, c.bias.v);
  list.push_back(stacked(c, full(stack.bias),
                         {AttentionWeight::b_q, AttentionWeight::b_k, AttentionWeight::b_v}));
  return list;
}

/// The tensors that a layer's file holds. Throws when the names have no place for a weight.
std::vector<StoredTensor> stored_tensors(const MultiHeadAttentionConfig& c, WeightNames names,
                                         std::string_view prefix) {
  std::vector<StoredTensor> list = stored_stacks(c, names, prefix);
  const auto in_stack = [&](AttentionWeight weight) {
    return std::ranges::any_of(list, [&](const StoredTensor& stored) {
      return stored.parts.size() > 1 && std::ranges::count(stored.parts, weight) > 0;
    });
  };
  for (const Names& row : kNames) {
    const auto shape = weight_shape(c, row.weight);
    if (!shape || in_stack(row.weight)) continue;
    const std::string_view name = name_in(row, names);
    check(!name.empty(), kOp, "these names have no place for the layer's {} {}",
          name_of(row.weight), to_string(*shape));
    const bool as_token = name.starts_with("bias_");  // PyTorch keeps them as [1, 1, width]
    list.push_back({fmt::format("{}{}", prefix, name),
                    as_token ? Shape{1, 1, (*shape)[0]} : *shape,
                    {row.weight}});
  }
  for (StoredTensor& stored : list)
    stored.transposed = names == WeightNames::gpt2 && stored.shape.rank() == 2;
  return list;
}

/// Every name that a file may use for a weight of such a layer.
std::set<std::string> known_names(WeightNames names, std::string_view prefix) {
  std::set<std::string> known;
  for (const Names& row : kNames)
    if (const std::string_view name = name_in(row, names); !name.empty())
      known.insert(std::string(prefix) + std::string(name));
  const StackNames stack = stack_names(names);
  for (const std::string_view name : {stack.weight, stack.bias})
    if (!name.empty()) known.insert(std::string(prefix) + std::string(name));
  return known;
}

void check_finite(std::span<const float> values, std::string_view file, std::string_view name) {
  const auto bad = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
  check(bad == values.end(), kOp, "{}: tensor \"{}\" holds {} at index {}", file, name,
        bad == values.end() ? 0.0f : *bad, bad - values.begin());
}

/// The transpose of a matrix.
template <class T>
Tensor transposed(const Tensor& from) {
  const std::int64_t rows = from.dim(0), columns = from.dim(1);
  Tensor out(from.dtype(), {columns, rows});
  const T* source = from.span<T>().data();
  T* to = out.span<T>().data();
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = *source++;
  return out;
}

Tensor transposed(const Tensor& from) {
  if (from.dtype() == DType::f32) return transposed<float>(from);
  return from.dtype() == DType::bf16 ? transposed<BFloat16>(from) : transposed<Float16>(from);
}

/// `source` is a SafetensorsFile or a Checkpoint.
template <class Source>
void load_from(const Source& source, std::string_view file, WeightNames names,
               std::string_view prefix, MultiHeadAttention& layer) {
  std::set<std::string> strangers = known_names(names, prefix);
  for (const StoredTensor& stored : stored_tensors(layer.config(), names, prefix)) {
    check(source.contains(stored.name), kOp, "{}: tensor \"{}\" {} is missing{}", file,
          printable(stored.name), to_string(stored.stored_shape()),
          nearest_hint(stored.name, source.names()));
    const TensorView view = source.tensor(stored.name);
    check(is_weight_type(view.dtype()) && view.shape() == stored.stored_shape(), kOp,
          "{}: tensor \"{}\" is {} {}; the layer needs {} in f32, bf16 or f16", file,
          printable(stored.name), name_of(view.dtype()), to_string(view.shape()),
          to_string(stored.stored_shape()));
    Tensor wide = to_f32(view);
    check_finite(wide.span<float>(), file, printable(stored.name));
    if (stored.transposed) wide = transposed(wide);
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
  impl_->check_plain("save()");
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
    if (stored.transposed) stack = transposed(stack);
    tensors.push_back({stored.name, std::as_const(stack).view()});
  }
  write_safetensors(path, tensors);
}

}  // namespace headlight
