#include "train/head_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"

namespace headlight {
namespace {

/// [T, H, D] without gaps between rows.
Tensor copy(TensorView view) {
  Tensor out(view.shape());
  const std::int64_t row = view.dim(1) * view.dim(2);
  for (std::int64_t t = 0; t < view.dim(0); ++t)
    std::copy_n(view.as<float>() + t * view.stride(0), row, out.span<float>().begin() + t * row);
  return out;
}

void softmax(std::vector<double>& scores) {
  const double largest = *std::ranges::max_element(scores);
  double total = 0;
  for (double& s : scores) total += s = std::exp(s - largest);
  for (double& s : scores) s /= total;
}

void visit_layer(const Tensor& q, const Tensor& k, double scale, std::int64_t layer,
                 const std::function<void(const HeadRow&)>& visit) {
  const std::int64_t length = q.dim(0), n_heads = q.dim(1), dim = q.dim(2), n_kv = k.dim(1);
  std::vector<double> weights(static_cast<std::size_t>(length));
  for (std::int64_t h = 0; h < n_heads; ++h)
    for (std::int64_t i = 0; i < length; ++i) {
      const float* query = q.span<float>().data() + (i * n_heads + h) * dim;
      for (std::int64_t j = 0; j < length; ++j) {
        const float* key = k.span<float>().data() + (j * n_kv + h * n_kv / n_heads) * dim;
        double score = 0;
        for (std::int64_t d = 0; d < dim; ++d) score += static_cast<double>(query[d]) * key[d];
        weights[static_cast<std::size_t>(j)] = scale * score;
      }
      softmax(weights);
      visit({layer, h, i, weights});
    }
}

}  // namespace

void visit_head_rows(const Transformer& model, std::span<const std::int64_t> ids,
                     const std::function<void(const HeadRow&)>& visit) {
  check(!model.config().causal(), "heads", "rows are computed for encoders; this is a {} model",
        name_of(model.config().family));
  ForwardOptions options;
  options.logits = false;
  Tensor q;
  options.observer = [&](const Recorded& r) {
    if (r.name.ends_with("attn.q")) q = copy(r.value);
    if (r.name.ends_with("attn.k"))
      visit_layer(q, copy(r.value), model.config().attention_scale(r.layer), r.layer, visit);
  };
  model.forward(ids, options);
}

}  // namespace headlight
