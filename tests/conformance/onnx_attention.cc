// ONNX Attention (opset 23, 24, 25) on headlight::attention. ONNX places query i at key position
// i + past length (i + nonpad_kv_seqlen - q_len with an outside cache); where that is one of our
// two alignments the kernel's own causal and window are used, else they become a boolean mask.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "conformance/onnx_ops.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/pattern.h"
#include "kernels/attention/rows.h"

namespace headlight::onnx {
namespace {

constexpr std::string_view kOp = "onnx";

/// Q, K, V or a cache as [B, T, H, D], whichever way ONNX laid it out.
TensorView split_heads(const Tensor& x, std::int64_t heads) {
  const Shape& s = x.shape();
  if (s.rank() == 4)  // [B, H, T, D]
    return {x.view().data(), x.dtype(), Shape({s[0], s[2], s[1], s[3]}),
            Shape({s[1] * s[2] * s[3], s[3], s[2] * s[3], 1})};
  check(s.rank() == 3 && heads > 0 && s[2] % heads == 0, kOp,
        "Attention input of shape {} with {} heads", to_string(s), heads);
  return {x.view().data(), x.dtype(), Shape({s[0], s[1], heads, s[2] / heads})};
}

/// past [B, H, Tp, D] (or null) followed by now [B, T, H, D], as ONNX's present [B, H, Tp + T, D].
Tensor concat_cache(const Value* past, TensorView now) {
  if (past)
    check(past->tensor.shape().rank() == 4, kOp, "a cache of shape {}; it must have rank 4",
          past->tensor.shape());
  const std::int64_t past_len = past ? past->tensor.dim(2) : 0;
  const std::int64_t batch = now.dim(0), heads = now.dim(2), d = now.dim(3);
  if (past)
    check(past->tensor.shape() == Shape({batch, heads, past_len, d}), kOp,
          "a cache of shape {} does not go before {} heads of width {} in a batch of {}",
          past->tensor.shape(), heads, d, batch);
  const std::int64_t total = past_len + now.dim(1);
  Tensor out({batch, heads, total, d});
  const std::size_t row = static_cast<std::size_t>(d) * sizeof(float);
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t t = 0; t < total; ++t) {
        const float* from =
            t < past_len ? past->tensor.span<float>().data() + ((b * heads + h) * past_len + t) * d
                         : now.as<float>() + b * now.stride(0) + (t - past_len) * now.stride(1) +
                               h * now.stride(2);
        std::memcpy(out.span<float>().data() + ((b * heads + h) * total + t) * d, from, row);
      }
  return out;
}

/// Where queries stand and which keys position leaves them.
struct Positions {
  std::int64_t q_len, kv_len;
  std::vector<std::int64_t> offset;  ///< [B]: query i stands at key i + offset
  std::vector<std::int64_t> valid;   ///< [B]: keys from here on are padding
  bool causal;
  Window window;

  bool allows(std::size_t b, std::int64_t i, std::int64_t j) const {
    const std::int64_t p = i + offset[b];
    if (j >= valid[b] || (causal && j > p)) return false;
    return (window.left < 0 || j >= p - window.left) && (window.right < 0 || j <= p + window.right);
  }
  bool limits() const { return causal || window.left >= 0 || window.right >= 0; }
  /// True when every batch element has this offset and no padding.
  bool aligned(std::int64_t at) const {
    return std::ranges::all_of(offset, [&](auto o) { return o == at; }) &&
           std::ranges::all_of(valid, [&](auto v) { return v == kv_len; });
  }
};

Positions positions_of(const Node& node, const Inputs& inputs, std::int64_t batch,
                       std::int64_t q_len, std::int64_t kv_len) {
  const Value* past = optional_input(inputs, 4);
  const Value* nonpad = optional_input(inputs, 6);
  check((past != nullptr) == (optional_input(inputs, 5) != nullptr), kOp,
        "past_key and past_value come together");
  check(!past || !nonpad, kOp, "nonpad_kv_seqlen is for a cache outside; past_key is one inside");
  Positions p{q_len,
              kv_len,
              {},
              {},
              node.integer_or("is_causal", 0) != 0,
              {node.integer_or("left_window_size", -1), node.integer_or("right_window_size", -1)}};
  if (nonpad)
    check(nonpad->tensor.numel() == batch, kOp, "nonpad_kv_seqlen of shape {} for a batch of {}",
          nonpad->tensor.shape(), batch);
  for (std::int64_t b = 0; b < batch; ++b) {
    if (nonpad) {
      const std::int64_t length = nonpad->tensor.span<std::int64_t>()[static_cast<std::size_t>(b)];
      check(length >= 0 && length <= kv_len, kOp, "nonpad_kv_seqlen {} of {} keys", length, kv_len);
      p.valid.push_back(length);
      p.offset.push_back(length - q_len);
    } else {
      p.valid.push_back(kv_len);
      p.offset.push_back(past ? past->tensor.dim(2) : 0);
    }
  }
  return p;
}

/// attn_mask of rank 1 to 4 with its extents, aligned right.
struct UserMask {
  const Value* value = nullptr;
  std::int64_t opset = 0;
  std::array<std::int64_t, 4> extent{1, 1, 1, 1};

  UserMask(const Value* given, std::int64_t in_opset) : value(given), opset(in_opset) {
    if (!value) return;
    const Shape& s = value->tensor.shape();
    check(s.rank() >= 1 && s.rank() <= 4, kOp, "attn_mask of shape {}", to_string(s));
    for (std::size_t i = 0; i < s.rank(); ++i) extent[4 - s.rank() + i] = s[i];
  }
  /// Throws unless each extent is that of the scores or 1; the last may be shorter.
  void check_fits(const Shape& scores) const {
    if (!value) return;
    for (std::size_t i = 0; i < 4; ++i)
      check(extent[i] == scores[i] || extent[i] == 1 || (i == 3 && extent[i] < scores[i]), kOp,
            "attn_mask {} does not fit the scores {}", value->tensor.shape(), scores);
  }
  bool boolean() const { return value && value->tensor.dtype() == DType::boolean; }
  /// An additive mask's element; the operator takes integers, too.
  float number(std::size_t at) const {
    const Tensor& t = value->tensor;
    return t.dtype() == DType::i64 ? static_cast<float>(t.span<std::int64_t>()[at])
                                   : t.span<float>()[at];
  }
  /// Index of [b, h, i, j] with broadcast.
  std::size_t index(std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) const {
    const auto at = [&](std::size_t axis, std::int64_t x) { return extent[axis] == 1 ? 0 : x; };
    const std::int64_t row = (at(0, b) * extent[1] + at(1, h)) * extent[2] + at(2, i);
    return static_cast<std::size_t>(row * extent[3] + at(3, j));
  }
  /// From opset 24 on, a mask shorter than the keys hides the rest, even one for a single key (the
  /// operator's function body pads it); before, extent 1 broadcasts.
  bool covers(std::int64_t j) const { return (opset < 24 && extent[3] == 1) || j < extent[3]; }
};

/// What the kernel gets: a boolean mask and an additive bias, both [B, H, Tq, Tkv] or absent.
struct KernelMask {
  Tensor allowed, bias;
};

KernelMask kernel_mask(const UserMask& user, const Positions& positions, bool positions_native,
                       Shape shape) {
  KernelMask out;
  user.check_fits(shape);
  const bool padded = user.value && !user.covers(positions.kv_len - 1);
  if (user.value && !user.boolean()) out.bias = Tensor(shape);
  if (user.boolean() || padded || !positions_native || out.bias)
    out.allowed = Tensor(DType::boolean, shape);
  if (!out.allowed) return out;
  std::size_t at = 0;
  for (std::int64_t b = 0; b < shape[0]; ++b)
    for (std::int64_t h = 0; h < shape[1]; ++h)
      for (std::int64_t i = 0; i < shape[2]; ++i)
        for (std::int64_t j = 0; j < shape[3]; ++j, ++at) {
          bool allowed = positions_native || positions.allows(static_cast<std::size_t>(b), i, j);
          if (user.value) allowed = allowed && user.covers(j);
          if (allowed && user.boolean())
            allowed = user.value->tensor.span<bool>()[user.index(b, h, i, j)];
          if (allowed && out.bias) {
            const float x = user.number(user.index(b, h, i, j));
            allowed = x != -std::numeric_limits<float>::infinity();
            out.bias.span<float>()[at] = allowed ? x : 0.0f;
          }
          out.allowed.span<bool>()[at] = allowed;
        }
  return out;
}

/// The type that q, k and v came in, when they came in one; else fp32.
DType storage_of(const Inputs& inputs) {
  const DType stored = inputs[0]->stored;
  return inputs[1]->stored == stored && inputs[2]->stored == stored && is_weight_type(stored)
             ? stored
             : DType::f32;
}

/// One row of scores before softmax as fp32.
void write_scores(const AttentionProblem& problem, const AttentionTensors& tensors, RowIndex row,
                  std::span<float> to) {
  std::vector<double> scores(to.size());
  score_row(problem, tensors, row, scores);
  std::ranges::transform(scores, to.begin(), [](double x) { return static_cast<float>(x); });
}

/// qk_matmul_output [B, H, Tq, Tkv]. Its mode picks how far the scores have come: 0 scaled,
/// 1 capped, 2 biased and masked, 3 the pattern.
Tensor score_output(const Node& node, AttentionTensors tensors, AttentionOptions options) {
  const std::int64_t mode = node.integer_or("qk_matmul_output_mode", 0);
  check(mode >= 0 && mode <= 3, kOp, "qk_matmul_output_mode {}; supported: 0 to 3", mode);
  if (mode < 2) {
    tensors.mask = tensors.bias = {};
    options = {.scale = options.scale, .softcap = mode == 0 ? 0.0f : options.softcap};
  }
  const AttentionProblem p = attention_problem(tensors, options);
  Tensor out({p.batch, p.n_heads, p.q_len, p.kv_len});
  float* to = out.span<float>().data();
  for (std::int64_t b = 0; b < p.batch; ++b)
    for (std::int64_t h = 0; h < p.n_heads; ++h)
      for (std::int64_t i = 0; i < p.q_len; ++i, to += p.kv_len) {
        const Shape one_row{1, p.kv_len};
        if (mode == 3)
          attention_pattern(p, tensors, {b, h, i, i + 1}, {to, DType::f32, one_row});
        else
          write_scores(p, tensors, {b, h, i}, {to, static_cast<std::size_t>(p.kv_len)});
      }
  return out;
}

AttentionOptions options_of(const Node& node, const Positions& positions, bool native) {
  AttentionOptions options;
  options.scale = node.number("scale");
  options.softcap = node.number("softcap").value_or(0.0f);
  if (!native) return options;
  const bool top_left = positions.aligned(0);
  if (positions.causal) options.causal = top_left ? Causal::top_left : Causal::bottom_right;
  options.window = positions.window;
  return options;
}

}  // namespace

Outputs run_attention(const Node& node, const Inputs& inputs) {
  const std::int64_t q_heads = node.integer_or("q_num_heads", 0);
  const std::int64_t kv_heads = node.integer_or("kv_num_heads", 0);
  const Tensor& queries = required_input(node, inputs, 0);
  Tensor keys = concat_cache(optional_input(inputs, 4),
                             split_heads(required_input(node, inputs, 1), kv_heads));
  Tensor values = concat_cache(optional_input(inputs, 5),
                               split_heads(required_input(node, inputs, 2), kv_heads));
  // Narrow inputs were widened as they were read: narrowing them again brings back every bit.
  const DType stored = storage_of(inputs);
  const Tensor q = to_dtype(stored, queries), k = to_dtype(stored, keys),
               v = to_dtype(stored, values);
  AttentionTensors tensors{
      .q = split_heads(q, q_heads), .k = split_heads(k, 0), .v = split_heads(v, 0)};
  const std::int64_t batch = tensors.q.dim(0), q_len = tensors.q.dim(1), heads = tensors.q.dim(2);
  const std::int64_t kv_len = tensors.k.dim(1), head_dim_v = tensors.v.dim(3);

  const Positions positions = positions_of(node, inputs, batch, q_len, kv_len);
  // A window without causal is aligned bottom-right by our kernels.
  const bool native = positions.aligned(kv_len - q_len) ||
                      (positions.aligned(0) && positions.causal) ||
                      (!positions.limits() && positions.aligned(positions.offset.front()));
  const KernelMask mask = kernel_mask(UserMask(optional_input(inputs, 3), node.opset), positions,
                                      native, {batch, heads, q_len, kv_len});
  tensors.mask = mask.allowed ? mask.allowed.view() : TensorView();
  tensors.bias = mask.bias ? mask.bias.view() : TensorView();

  const bool flat = queries.shape().rank() == 3;
  Tensor y(stored, flat ? Shape({batch, q_len, heads * head_dim_v})
                        : Shape({batch, heads, q_len, head_dim_v}));
  const Shape z_shape({batch, q_len, heads, head_dim_v});
  tensors.z = flat ? MutableTensorView(y.view().data(), stored, z_shape)
                   : MutableTensorView(
                         y.view().data(), stored, z_shape,
                         Shape({heads * q_len * head_dim_v, head_dim_v, q_len * head_dim_v, 1}));
  const AttentionOptions options = options_of(node, positions, native);
  attention(tensors, options);

  Outputs out;
  out.push_back(to_f32(y));
  const bool wants_scores = node.outputs.size() > 3 && !node.outputs[3].empty();
  Tensor scores = wants_scores ? score_output(node, tensors, options) : Tensor();
  out.push_back(std::move(keys));
  out.push_back(std::move(values));
  out.push_back(std::move(scores));
  return out;
}

}  // namespace headlight::onnx
