#include "model/multi_head_attention.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/slice.h"
#include "model/multi_head_attention_impl.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "layer";

/// splitmix64 (Steele et al. 2014) of a counter: a number depends on nothing drawn before it.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Uniform in [-bound, bound) with bound^2 = 6 / (inputs + outputs).
void draw_glorot(Tensor& weight, std::uint64_t seed) {
  const double bound = std::sqrt(6.0 / static_cast<double>(weight.dim(0) + weight.dim(1)));
  std::uint64_t counter = mixed(seed);
  for (float& value : weight.span<float>()) {
    const double unit = static_cast<double>(mixed(++counter) >> 11) * 0x1p-53;
    value = static_cast<float>((2 * unit - 1) * bound);
  }
}

/// Matrices as `dtype`, the rest in fp32.
Tensor drawn(AttentionWeight which, const Shape& shape, DType dtype, std::uint64_t seed) {
  Tensor weight(shape);
  const bool norm = which == AttentionWeight::q_norm || which == AttentionWeight::k_norm;
  if (norm) std::ranges::fill(weight.span<float>(), 1.0f);
  if (shape.rank() == 2)
    draw_glorot(weight, seed * kAttentionWeights + static_cast<unsigned>(which));
  if (shape.rank() == 2 && dtype != DType::f32) return to_dtype(dtype, weight);
  return weight;
}

/// Press et al. 2022: slopes 2^(-8/H), 2^(-16/H) ... for H a power of two; else as in the authors'
/// code (get_slopes). The op adds slope * (j - i), j - i <= 0.
std::vector<float> paper_slopes(std::int64_t n_heads) {
  const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n_heads)));
  const auto slope = [](std::int64_t h, std::int64_t of) {
    return std::exp2(-8.0f * static_cast<float>(h) / static_cast<float>(of));
  };
  std::vector<float> slopes;
  for (std::int64_t h = 1; h <= power; ++h) slopes.push_back(slope(h, power));
  for (std::int64_t h = 1; std::ssize(slopes) < n_heads; h += 2)
    slopes.push_back(slope(h, 2 * power));
  return slopes;
}

struct Part {
  InputPart bit;
  AttentionWeight weight, bias;
};
constexpr Part kParts[] = {{kQuery, AttentionWeight::w_q, AttentionWeight::b_q},
                           {kKey, AttentionWeight::w_k, AttentionWeight::b_k},
                           {kValue, AttentionWeight::w_v, AttentionWeight::b_v}};

AttentionReport forward_over(MultiHeadAttention::Impl& layer, TensorView x, const LayerCache& cache,
                             MutableTensorView out, const LayerOptions& options) {
  AttentionReport report;
  layer.run_or_undo(cache, [&] { report = run_layer(layer, {.query = x}, cache, out, options); });
  return report;
}

}  // namespace

const Linear& MultiHeadAttention::Impl::input_projection(unsigned parts) {
  Linear& packed = inputs_[parts];
  if (packed) return packed;
  check_plain("a call whose query, key and value share their input in another way than before");
  std::vector<std::byte> weight;
  std::vector<float> bias;
  std::int64_t rows = 0, width = 0;
  bool any_bias = false;
  for (const Part& part : kParts) {
    if ((parts & part.bit) == 0) continue;
    const TensorView w = this->weight(part.weight);
    const auto b = values(part.bias);
    rows += w.dim(0);
    width = w.dim(1);
    const auto* bytes = static_cast<const std::byte*>(w.data());
    weight.insert(weight.end(), bytes,
                  bytes + static_cast<std::size_t>(w.numel()) * size_of(w.dtype()));
    bias.insert(bias.end(), b.begin(), b.end());
    bias.resize(static_cast<std::size_t>(rows), 0.0f);  // a part without bias adds nothing
    any_bias = any_bias || !b.empty();
  }
  packed = Linear(TensorView(weight.data(), config.weight_dtype, {rows, width}),
                  WeightLayout::out_in, any_bias ? TensorView(bias.data(), {rows}) : TensorView());
  return packed;
}

const Linear& MultiHeadAttention::Impl::output_projection() {
  if (!output_)
    output_ =
        Linear(weight(AttentionWeight::w_o), WeightLayout::out_in, weight(AttentionWeight::b_o));
  return output_;
}

const Linear& MultiHeadAttention::Impl::head_projection(std::int64_t head) {
  if (heads_.empty()) heads_.resize(static_cast<std::size_t>(config.n_heads));
  Linear& packed = heads_[static_cast<std::size_t>(head)];
  if (!packed) {
    check_plain("head_out");
    packed =
        Linear(slice(weight(AttentionWeight::w_o), 1, head * config.head_dim_v, config.head_dim_v),
               WeightLayout::out_in);
  }
  return packed;
}

void MultiHeadAttention::Impl::for_each_added_key(
    FunctionRef<void(const float*, const float*)> body) const {
  if (config.added_key_value)
    body(values(AttentionWeight::added_k).data(), values(AttentionWeight::added_v).data());
  if (!config.zero_key_value) return;
  const Tensor zeros({std::max(config.k_width(), config.v_width())});
  body(zeros.span<float>().data(), zeros.span<float>().data());
}

void MultiHeadAttention::Impl::run_or_undo(const LayerCache& cache, FunctionRef<void()> run) {
  std::vector<std::int64_t>& before = workspace.lengths;
  before.clear();
  for (std::int64_t s = 0; s < cache.count(); ++s) before.push_back(cache.length(s));
  try {
    run();
  } catch (...) {
    for (std::int64_t s = 0; s < cache.count(); ++s)
      cache.truncate(s, before[static_cast<std::size_t>(s)]);
    throw;
  }
}

void MultiHeadAttention::Impl::forget_packed() {
  inputs_ = {};
  output_ = {};
  heads_.clear();
}

void MultiHeadAttention::Impl::release_plain() {
  check(bool(output_), kOp, "nothing is packed yet; release the plain weights after a first call");
  for (const AttentionWeight which :
       {AttentionWeight::w_q, AttentionWeight::w_k, AttentionWeight::w_v, AttentionWeight::w_o})
    weights[static_cast<std::size_t>(which)] = {};
}

void MultiHeadAttention::Impl::check_plain(std::string_view what) const {
  check(has_plain(), kOp, "{} needs the plain weights, which were released", what);
}

MultiHeadAttention::MultiHeadAttention(const MultiHeadAttentionConfig& config, std::uint64_t seed)
    : impl_(std::make_unique<Impl>()) {
  impl_->config = resolved(config);
  for (std::size_t i = 0; i < kAttentionWeights; ++i) {
    const auto which = static_cast<AttentionWeight>(i);
    if (const auto shape = weight_shape(impl_->config, which))
      impl_->weights[i] = drawn(which, *shape, impl_->config.weight_dtype, seed);
  }
  if (impl_->config.alibi) impl_->alibi_slopes = paper_slopes(impl_->config.n_heads);
}

MultiHeadAttention::~MultiHeadAttention() = default;
MultiHeadAttention::MultiHeadAttention(MultiHeadAttention&&) noexcept = default;
MultiHeadAttention& MultiHeadAttention::operator=(MultiHeadAttention&&) noexcept = default;

LayerRecord::LayerRecord() : impl_(std::make_unique<Impl>()) {}
LayerRecord::~LayerRecord() = default;
LayerRecord::LayerRecord(LayerRecord&&) noexcept = default;
LayerRecord& LayerRecord::operator=(LayerRecord&&) noexcept = default;

const MultiHeadAttentionConfig& MultiHeadAttention::config() const {
  return impl_->config;
}

TensorView MultiHeadAttention::weight(AttentionWeight weight) const {
  return impl_->weight(weight);
}

void MultiHeadAttention::set_weight(AttentionWeight weight, TensorView value) {
  const auto shape = weight_shape(impl_->config, weight);
  check(shape.has_value(), kOp, "the configuration has no {}; it was given {}", name_of(weight),
        to_string(value.shape()));
  impl_->check_plain("set_weight()");
  check(value.shape() == *shape, kOp, "{} {} does not fit the layer; it must be {}",
        name_of(weight), to_string(value.shape()), to_string(*shape));
  check(value && is_weight_type(value.dtype()), kOp, "{} {} is {}; it must be f32, bf16 or f16",
        name_of(weight), to_string(value.shape()), name_of(value.dtype()));
  Tensor wide = to_f32(value);
  const bool narrow = shape->rank() == 2 && impl_->config.weight_dtype != DType::f32;
  impl_->weights[static_cast<std::size_t>(weight)] =
      narrow ? to_dtype(impl_->config.weight_dtype, wide) : std::move(wide);
  impl_->forget_packed();
}

void MultiHeadAttention::release_plain_weights() {
  impl_->release_plain();
}

std::span<const float> MultiHeadAttention::alibi_slopes() const {
  return impl_->alibi_slopes;
}

void MultiHeadAttention::set_alibi_slopes(std::span<const float> slopes) {
  check(impl_->config.alibi, kOp, "the configuration has no alibi; {} slopes were given",
        slopes.size());
  check(std::ssize(slopes) == impl_->config.n_heads, kOp, "{} alibi slopes for {} heads",
        slopes.size(), impl_->config.n_heads);
  impl_->alibi_slopes.assign(slopes.begin(), slopes.end());
}

AttentionReport MultiHeadAttention::forward(TensorView x, MutableTensorView out,
                                            const LayerOptions& options) {
  return run_layer(*impl_, {.query = x}, LayerCache(), out, options);
}

AttentionReport MultiHeadAttention::forward(const LayerInputs& inputs, MutableTensorView out,
                                            const LayerOptions& options) {
  return run_layer(*impl_, inputs, LayerCache(), out, options);
}

AttentionReport MultiHeadAttention::forward(TensorView x, KvCache& cache, MutableTensorView out,
                                            const LayerOptions& options) {
  return forward_over(*impl_, x, LayerCache(cache), out, options);
}

AttentionReport MultiHeadAttention::forward(TensorView x, PagedKvCache& cache,
                                            std::span<const std::int64_t> sequences,
                                            MutableTensorView out, const LayerOptions& options) {
  return forward_over(*impl_, x, LayerCache(cache, sequences), out, options);
}

void MultiHeadAttention::append_keys(TensorView key, TensorView value, KvCache& cache) {
  const LayerCache to(cache);
  impl_->run_or_undo(to, [&] { append_layer_keys(*impl_, key, value, to); });
}

void MultiHeadAttention::append_keys(TensorView key, TensorView value, PagedKvCache& cache,
                                     std::span<const std::int64_t> sequences) {
  const LayerCache to(cache, sequences);
  impl_->run_or_undo(to, [&] { append_layer_keys(*impl_, key, value, to); });
}

AttentionReport MultiHeadAttention::backward(const LayerInputs& inputs, const LayerRecord& record,
                                             const LayerGradients& gradients,
                                             const LayerOptions& options) {
  return run_layer_backward(*impl_, inputs, record.impl(), gradients, options);
}

AttentionReport MultiHeadAttention::backward(TensorView x, const LayerRecord& record,
                                             const LayerGradients& gradients,
                                             const LayerOptions& options) {
  return run_layer_backward(*impl_, {.query = x}, record.impl(), gradients, options);
}

KvCache MultiHeadAttention::make_cache(std::int64_t batch, std::int64_t capacity,
                                       DType dtype) const {
  const MultiHeadAttentionConfig& c = impl_->config;
  check(capacity >= 1, kOp, "a cache for {} tokens was asked for; give 1 or more", capacity);
  KvCache cache({.batch = batch,
                 .capacity = capacity + c.added_keys(),
                 .n_kv_heads = c.n_kv_heads,
                 .head_dim = c.head_dim,
                 .head_dim_v = c.head_dim_v,
                 .dtype = dtype});
  impl_->for_each_added_key([&](const float* k, const float* v) {
    cache.append(TensorView(k, {batch, 1, c.n_kv_heads, c.head_dim}, {0, 0, c.head_dim, 1}),
                 TensorView(v, {batch, 1, c.n_kv_heads, c.head_dim_v}, {0, 0, c.head_dim_v, 1}));
  });
  return cache;
}

PagedKvCache MultiHeadAttention::make_paged_cache(std::int64_t pages, std::int64_t page_len,
                                                  DType dtype) const {
  const MultiHeadAttentionConfig& c = impl_->config;
  return PagedKvCache({.pages = pages,
                       .page_len = page_len,
                       .n_kv_heads = c.n_kv_heads,
                       .head_dim = c.head_dim,
                       .head_dim_v = c.head_dim_v,
                       .dtype = dtype});
}

}  // namespace headlight
