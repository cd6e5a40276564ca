#include "support/golden.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "kernels/attention/attention.h"

namespace headlight::testing {

const Transformer& loaded_model(const std::filesystem::path& folder) {
  static std::map<std::filesystem::path, Transformer> models;
  const auto found = models.find(folder);
  if (found != models.end()) return found->second;
  return models.emplace(folder, Transformer::load(folder)).first->second;
}

std::vector<std::int64_t> integers(const SafetensorsFile& file, std::string_view name) {
  const TensorView view = file.tensor(name);
  const auto* first = view.as<std::int64_t>();
  return {first, first + view.numel()};
}

double largest_difference(TensorView a, TensorView b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!a || !b || a.numel() != b.numel()) return kInfinity;
  double worst = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.as<float>()[i], y = b.as<float>()[i];
    const double difference = std::abs(x - y);
    worst = std::isnan(difference) ? kInfinity : std::max(worst, difference);
  }
  return worst;
}

std::vector<std::int64_t> argmax_rows(TensorView rows) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < rows.dim(0); ++i) {
    const float* row = rows.as<float>() + i * rows.dim(1);
    out.push_back(std::max_element(row, row + rows.dim(1)) - row);
  }
  return out;
}

std::vector<std::string_view> kernels_for(const ModelConfig& config, std::int64_t length) {
  AttentionProblem problem;
  problem.q_len = problem.kv_len = length;
  problem.n_heads = config.n_heads;
  problem.n_kv_heads = config.n_kv_heads;
  problem.head_dim = problem.head_dim_v = config.head_dim;
  problem.causal = config.causal() ? Causal::bottom_right : Causal::none;
  problem.extras =
      static_cast<std::uint8_t>(Extra::lse) | static_cast<std::uint8_t>(Extra::head_gate);
  std::vector<std::string_view> names;
  for (const AttentionKernel& kernel : attention_kernels())
    if (!kernel.declines(problem)) names.push_back(kernel.name);
  return names;
}

}  // namespace headlight::testing
