#include "inspect/concat.h"

#include <algorithm>

#include "core/error.h"
#include "inspect/ablation_effect.h"
#include "kernels/matmul/matmul.h"

namespace headlight {
AddedVector added_vector(std::span<const float> vector, std::span<const float> out) {
  const VectorChange to_out = vector_change(vector, out);
  const double norm = to_out.norm_before, whole = to_out.norm_after;
  if (norm == 0 || whole == 0) return {norm, 0, 0};
  return {norm, to_out.cosine, norm * to_out.cosine / whole};
}

Concat concat_at(const Transformer& model, const Trace& trace, std::int64_t layer,
                 std::int64_t query) {
  const ModelConfig& c = trace.config;
  Concat result;
  result.head_out = head_contributions(model, trace, layer, query);  // checks all arguments
  const TracedLayer& traced = trace.layers[static_cast<std::size_t>(layer)];
  const auto row_of = [query](const Tensor& from, Shape shape) {
    Tensor row(shape);
    std::ranges::copy_n(from.span<float>().begin() + query * shape.numel(), shape.numel(),
                        row.span<float>().begin());
    return row;
  };
  result.z = row_of(traced.z, {c.n_heads, c.head_dim});
  result.out = row_of(traced.out, {c.d_model});
  const auto width = static_cast<std::size_t>(c.d_model);
  const auto out = result.out.span<float>();
  for (std::int64_t h = 0; h < c.n_heads; ++h)
    result.heads.push_back(added_vector(
        result.head_out.span<float>().subspan(static_cast<std::size_t>(h) * width, width), out));
  if (const TensorView b_o = model.b_o(layer))
    result.b_o = added_vector({b_o.as<float>(), width}, out);
  return result;
}

Tensor source_contributions(const Transformer& model, const Trace& trace, std::int64_t layer,
                            std::int64_t query, std::span<const float> gates) {
  const ModelConfig& c = trace.config;
  check(model.config() == c, "trace", "the trace is of another model: its config is {}, not {}",
        to_json(c), to_json(model.config()));
  check(gates.empty() || std::ssize(gates) == c.n_heads, "trace", "{} gates for {} heads",
        gates.size(), c.n_heads);
  const Tensor rows = query_rows(trace, layer, query);  // checks layer and query
  const float* pattern = rows.span<float>().data();
  const float* v = trace.layers[static_cast<std::size_t>(layer)].v.span<float>().data();
  const std::int64_t length = trace.length(), group = c.n_heads / c.n_kv_heads;
  Tensor weighted({length, c.n_heads * c.head_dim});
  float* to = weighted.span<float>().data();
  for (std::int64_t j = 0; j < length; ++j)
    for (std::int64_t h = 0; h < c.n_heads; ++h) {
      const float gate = gates.empty() ? 1.0f : gates[static_cast<std::size_t>(h)];
      const float weight = gate * pattern[h * length + j];
      const float* value = v + (j * c.n_kv_heads + h / group) * c.head_dim;
      for (std::int64_t d = 0; d < c.head_dim; ++d) *to++ = weight * value[d];
    }
  Tensor out({length, c.d_model});
  matmul(weighted, model.w_o(layer), out);
  return out;
}

}  // namespace headlight
