#include "model/transformer.h"

#include <algorithm>

#include "core/error.h"
#include "model/forward.h"
#include "model/weights.h"

namespace headlight {
namespace {

void check_ids(std::span<const std::int64_t> ids, std::string_view what, std::int64_t limit) {
  for (std::size_t t = 0; t < ids.size(); ++t)
    check(0 <= ids[t] && ids[t] < limit, "model", "{} {} at position {} is not in [0, {})", what,
          ids[t], t, limit);
}

void check_input(const ModelConfig& config, std::span<const std::int64_t> ids,
                 const ForwardOptions& options) {
  check(!ids.empty(), "model", "no tokens: the input must hold at least one id");
  check(!options.past_max_len || config.family == Family::llama, "model",
        "a {} model has learned {} positions and no more; only rotary positions go on",
        name_of(config.family), config.max_len);
  check(std::ssize(ids) <= config.max_len || options.past_max_len, "model",
        "{} tokens are more than the {} positions the model was trained for; shorten the text",
        ids.size(), config.max_len);
  check_ids(ids, "token id", config.vocab_size);
  const auto types = options.token_type_ids;
  check(types.empty() || config.n_token_types > 0, "model", "a {} model has no token types",
        name_of(config.family));
  check(types.empty() || types.size() == ids.size(), "model",
        "{} token type ids for {} tokens; give one for each token", types.size(), ids.size());
  check_ids(types, "token type id", config.n_token_types);
  check(0 <= options.first_layer && options.first_layer < config.n_layers, "model",
        "first layer {} is not in [0, {})", options.first_layer, config.n_layers);
  check(options.resid_pre || options.first_layer == 0, "model",
        "a pass that begins at layer {} needs the residual stream before it", options.first_layer);
  check(0 <= options.n_layers && options.n_layers <= config.n_layers - options.first_layer, "model",
        "{} blocks from layer {} on; the model has {}", options.n_layers, options.first_layer,
        config.n_layers);
  if (const TensorView& resid = options.resid_pre)
    check(resid.dtype() == DType::f32 && resid.contiguous() &&
              resid.shape() == Shape({std::ssize(ids), config.d_model}),
          "model", "the residual stream is {} {}; {} tokens need contiguous f32 {}",
          name_of(resid.dtype()), resid.shape(), ids.size(),
          Shape({std::ssize(ids), config.d_model}));
  if (const HeadGates* gates = options.head_gates)
    check(gates->n_layers() == config.n_layers && gates->n_heads() == config.n_heads, "model",
          "gates are for {} layers x {} heads, the model has {} x {}", gates->n_layers(),
          gates->n_heads(), config.n_layers, config.n_heads);
}

}  // namespace

HeadGates::HeadGates(std::int64_t n_layers, std::int64_t n_heads)
    : n_layers_(n_layers),
      n_heads_(n_heads),
      gates_(static_cast<std::size_t>(Shape({n_layers, n_heads}).numel()), 1.0f) {}

std::size_t HeadGates::index(std::int64_t layer, std::int64_t head) const {
  check(0 <= layer && layer < n_layers_, "gates", "layer {} is not in [0, {})", layer, n_layers_);
  check(0 <= head && head < n_heads_, "gates", "head {} is not in [0, {})", head, n_heads_);
  return static_cast<std::size_t>(layer * n_heads_ + head);
}

void HeadGates::set(std::int64_t layer, std::int64_t head, float gate) {
  const std::size_t i = index(layer, head);
  check(gate >= 0 && gate <= 1, "gates", "gate {} of head {}.{} is not in [0, 1]", gate, layer,
        head);
  gates_[i] = gate;
}

float HeadGates::get(std::int64_t layer, std::int64_t head) const {
  return gates_[index(layer, head)];
}

std::span<const float> HeadGates::layer(std::int64_t l) const {
  return std::span(gates_).subspan(index(l, 0), static_cast<std::size_t>(n_heads_));
}

bool HeadGates::all_open() const {
  return std::ranges::all_of(gates_, [](float gate) { return gate == 1.0f; });
}

struct Transformer::Impl {
  ModelConfig config;
  ModelWeights weights;
  Workspace workspace;
};

namespace {

/// Tokens that a model's buffers stay large enough for.
constexpr std::int64_t kKeptTokens = 1 << 14;

/// Gives buffers back that an unusually long text made grow.
class WorkspaceLimit {
 public:
  explicit WorkspaceLimit(Workspace& workspace) : workspace_(workspace) {}
  ~WorkspaceLimit() {
    if (workspace_.capacity > kKeptTokens) workspace_ = Workspace();
  }
  WorkspaceLimit(const WorkspaceLimit&) = delete;
  WorkspaceLimit& operator=(const WorkspaceLimit&) = delete;

 private:
  Workspace& workspace_;
};

}  // namespace

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::~Transformer() = default;
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;

Transformer Transformer::load(const Folder& folder) {
  auto impl = std::make_unique<Impl>();
  impl->config = read_config(folder);
  impl->weights = load_weights(folder, impl->config);
  return Transformer(std::move(impl));
}

const ModelConfig& Transformer::config() const {
  return impl_->config;
}

std::int64_t Transformer::n_parameters() const {
  return impl_->weights.n_parameters;
}

const std::vector<std::string>& Transformer::unused_tensors() const {
  return impl_->weights.unused;
}

ForwardResult Transformer::forward(std::span<const std::int64_t> ids,
                                   const ForwardOptions& options) const {
  check_input(impl_->config, ids, options);
  const WorkspaceLimit limit(impl_->workspace);
  return run_forward(impl_->config, impl_->weights, impl_->workspace, ids, options);
}

bool Transformer::has_logits() const {
  return static_cast<bool>(impl_->weights.head);
}

Tensor Transformer::logits(TensorView last_hidden) const {
  const ModelConfig& config = impl_->config;
  check(has_logits(), "model", "this {} model has no head: it gives hidden states, no logits",
        name_of(config.family));
  const bool fits = last_hidden.rank() == 2 && last_hidden.contiguous() &&
                    last_hidden.dim(1) == config.d_model && last_hidden.dim(0) >= 1 &&
                    last_hidden.dim(0) <= config.max_len;
  check(fits, "model", "hidden states {} are not contiguous [1 to {}, {}]", last_hidden.shape(),
        config.max_len, config.d_model);
  return run_head(config, impl_->weights, last_hidden);
}

TensorView Transformer::w_o(std::int64_t layer) const {
  check(0 <= layer && layer < impl_->config.n_layers, "model", "layer {} is not in [0, {})", layer,
        impl_->config.n_layers);
  return impl_->weights.blocks[static_cast<std::size_t>(layer)].w_o;
}

TensorView Transformer::b_o(std::int64_t layer) const {
  check(0 <= layer && layer < impl_->config.n_layers, "model", "layer {} is not in [0, {})", layer,
        impl_->config.n_layers);
  return impl_->weights.blocks[static_cast<std::size_t>(layer)].b_o;
}

}  // namespace headlight
