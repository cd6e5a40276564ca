#include "inspect/ablation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "inspect/trace_tensors.h"
#include "kernels/matmul/matmul.h"

namespace headlight {
namespace {

Shape z_shape(const ModelConfig& c) {
  return {c.n_layers, c.n_heads, c.head_dim};
}

/// One forward pass over the tokens of an unrecorded trace, with `options`, kept.
ModelRun run_with(const Transformer& model, Trace trace, ForwardOptions options) {
  ModelRun run;
  run.trace = std::move(trace);
  run.mlp_out.resize(run.trace.layers.size());
  const std::vector<std::int64_t> types = token_types(run.trace);
  options.token_type_ids = types;
  options.logits = false;
  options.observer = [&run](const Recorded& recorded) {
    keep_in_trace(run.trace, recorded);
    if (recorded.layer < 0) return;
    const auto layer = static_cast<std::size_t>(recorded.layer);
    if (recorded.name == traced_name(layer, "mlp.out")) run.mlp_out[layer] = to_f32(recorded.value);
  };
  ForwardResult result = model.forward(run.trace.ids, options);
  run.last_hidden = std::move(result.last_hidden);
  run.trace.attention = std::move(result.attention);
  return run;
}

void check_run(const ModelConfig& c, const ModelRun& run, std::string_view which) {
  check(run.trace.config == c, "ablation",
        "the {} run is of another model: its config is {}, not {}", which,
        to_json(run.trace.config), to_json(c));
  check(run.length() > 0 && run.last_hidden, "ablation", "the {} run holds nothing", which);
}

void check_ablation(const ModelConfig& c, const ModelRun& intact, const Ablation& ablation) {
  check_run(c, intact, "intact");
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (const AblatedHead& each : ablation.heads) {
    const auto [layer, head, gate] = each;
    check(0 <= layer && layer < c.n_layers && 0 <= head && head < c.n_heads, "ablation",
          "head {}.{} is not there: layers are [0, {}), heads [0, {})", layer, head, c.n_layers,
          c.n_heads);
    check(gate >= 0 && gate <= 1, "ablation", "gate {} of head {}.{} is not in [0, 1]", gate, layer,
          head);
    check(seen.emplace(layer, head).second, "ablation", "head {}.{} is named twice", layer, head);
  }
  if (ablation.replacement == Replacement::mean)
    check(ablation.mean && ablation.mean.shape() == z_shape(c) && ablation.mean.contiguous() &&
              ablation.mean.dtype() == DType::f32,
          "ablation",
          "the mean of z is {} {}; a mean ablation of this model needs contiguous f32 {}",
          name_of(ablation.mean.dtype()), ablation.mean.shape(), z_shape(c));
  if (ablation.replacement == Replacement::resample) {
    check(ablation.other != nullptr, "ablation", "a resample ablation needs another run");
    check_run(c, *ablation.other, "other");
  }
}

/// The vector [head_dim] that stands in for z of a head at a position; null stands for zeros.
const float* replacement_at(const ModelConfig& c, const Ablation& ablation, const AblatedHead& head,
                            std::int64_t position) {
  switch (ablation.replacement) {
    case Replacement::zero:
      return nullptr;
    case Replacement::mean:
      return ablation.mean.as<float>() + (head.layer * c.n_heads + head.head) * c.head_dim;
    case Replacement::resample: {
      const ModelRun& other = *ablation.other;
      const Tensor& z = other.trace.layers[static_cast<std::size_t>(head.layer)].z;
      const std::int64_t from = std::min(position, other.length() - 1);
      return z.span<float>().data() + (from * c.n_heads + head.head) * c.head_dim;
    }
  }
  return nullptr;
}

/// Changes z [T, n_heads, head_dim] of a layer in place.
void edit_z(const ModelConfig& c, const Ablation& ablation, std::int64_t layer,
            MutableTensorView z) {
  for (const AblatedHead& head : ablation.heads) {
    if (head.layer != layer || head.gate == 1) continue;
    for (std::int64_t t = 0; t < z.dim(0); ++t) {
      float* values = z.as<float>() + t * z.stride(0) + head.head * z.stride(1);
      const float* r = replacement_at(c, ablation, head, t);
      for (std::int64_t d = 0; d < c.head_dim; ++d)
        values[d] = head.gate * values[d] + (r ? (1 - head.gate) * r[d] : 0.0f);
    }
  }
}

bool touches(const Ablation& ablation, std::int64_t layer) {
  return std::ranges::any_of(ablation.heads, [&](const AblatedHead& head) {
    return head.layer == layer && head.gate != 1;
  });
}

/// The first layer that changes; n_layers where none does.
std::int64_t first_change(const ModelConfig& c, const Ablation& ablation) {
  std::int64_t first = 0;
  while (first < c.n_layers && !touches(ablation, first)) ++first;
  return first;
}

/// `options`, from layer `first` of the intact run on.
ForwardOptions from_layer(std::int64_t first, const ModelRun& intact, ForwardOptions options) {
  options.resid_pre = intact.trace.layers[static_cast<std::size_t>(first)].resid_pre;
  options.first_layer = first;
  options.logits = false;
  return options;
}

/// The changed heads as a forward pass takes them. Refers to what it was made from.
class Changed {
 public:
  /// Throws as run_ablated does.
  Changed(const ModelConfig& config, const ModelRun& intact, const Ablation& ablation)
      : config_(config), ablation_(ablation), gates_(config) {
    check_ablation(config, intact, ablation);
    if (ablation.replacement == Replacement::zero)  // what the attention kernels do themselves
      for (const auto& [layer, head, gate] : ablation.heads) gates_.set(layer, head, gate);
  }

  /// Valid while this lives.
  ForwardOptions options(std::string_view kernel) const {
    ForwardOptions options;
    options.kernel = kernel;
    if (ablation_.replacement == Replacement::zero)
      options.head_gates = &gates_;
    else
      options.editor = [this](const Editable& at) {
        if (at.point == EditPoint::z) edit_z(config_, ablation_, at.layer, at.value);
      };
    return options;
  }

 private:
  const ModelConfig& config_;
  const Ablation& ablation_;
  HeadGates gates_;
};

void copy_into(MutableTensorView to, const Tensor& from) {
  std::ranges::copy(from.span<float>(), to.as<float>());
}

/// What the attention of a layer would have added in the intact run, had its heads been changed:
/// out + (z' - z) W_O. A layer without a changed head keeps its bits.
void out_with_changed_heads(const Transformer& model, const ModelRun& intact,
                            const Ablation& ablation, std::int64_t layer, MutableTensorView out) {
  const ModelConfig& c = model.config();
  const TracedLayer& before = intact.trace.layers[static_cast<std::size_t>(layer)];
  copy_into(out, before.out);
  if (!touches(ablation, layer)) return;
  Tensor change = before.z.clone();
  edit_z(c, ablation, layer, change);
  const auto old = before.z.span<float>();
  std::ranges::transform(change.span<float>(), old, change.span<float>().begin(), std::minus<>());
  const TensorView rows(change.view().data(), DType::f32,
                        Shape({intact.length(), c.n_heads * c.head_dim}));
  matmul(rows, model.w_o(layer), out, {.accumulate = true});
}

}  // namespace

std::string_view name_of(Replacement replacement) {
  switch (replacement) {
    case Replacement::zero:
      return "zero";
    case Replacement::mean:
      return "mean";
    case Replacement::resample:
      return "resample";
  }
  return "unknown";
}

ModelRun record_run(const Transformer& model, std::vector<Token> tokens, std::string text,
                    const TraceOptions& options) {
  return run_with(model, unrecorded_trace(model, std::move(tokens), std::move(text)),
                  {.head_gates = options.head_gates, .kernel = options.kernel});
}

MeanZ::MeanZ(const ModelConfig& config)
    : shape_(z_shape(config)), sum_(static_cast<std::size_t>(shape_.numel())) {}

void MeanZ::add(const Trace& trace) {
  const Shape expected{trace.length(), shape_[1], shape_[2]};
  check(std::ssize(trace.layers) == shape_[0], "ablation",
        "the trace has {} layers, the mean is over {}", trace.layers.size(), shape_[0]);
  const auto width = static_cast<std::size_t>(shape_[1] * shape_[2]);
  for (std::size_t l = 0; l < trace.layers.size(); ++l) {
    const Tensor& z = trace.layers[l].z;
    check(z.shape() == expected, "ablation", "z of the trace is {}, the mean is over {}", z.shape(),
          expected);
    const auto values = z.span<float>();
    for (std::size_t i = 0; i < values.size(); ++i)
      sum_[l * width + i % width] += static_cast<double>(values[i]);
  }
  positions_ += trace.length();
}

Tensor MeanZ::mean() const {
  check(positions_ > 0, "ablation", "a mean over no positions: add a trace first");
  Tensor out(shape_);
  std::ranges::transform(sum_, out.span<float>().begin(), [this](double sum) {
    return static_cast<float>(sum / static_cast<double>(positions_));
  });
  return out;
}

ModelRun run_ablated(const Transformer& model, const ModelRun& intact, const Ablation& ablation,
                     std::string_view kernel) {
  const Changed changed(model.config(), intact, ablation);
  const std::int64_t first = first_change(model.config(), ablation);
  Trace again = unrecorded_trace(model, intact.trace.tokens, intact.trace.text);
  if (first == model.config().n_layers) {
    again.attention = intact.trace.attention;
    return {std::move(again), {}, intact.last_hidden.clone(), first};
  }
  ModelRun run =
      run_with(model, std::move(again), from_layer(first, intact, changed.options(kernel)));
  run.first_layer = first;
  return run;
}

const Trace& trace_at(const ModelRun& ablated, const ModelRun& intact, std::int64_t l) {
  return l < ablated.first_layer ? intact.trace : ablated.trace;
}

Tensor ablated_hidden(const Transformer& model, const ModelRun& intact, const Ablation& ablation,
                      std::string_view kernel) {
  const Changed changed(model.config(), intact, ablation);
  const std::int64_t first = first_change(model.config(), ablation);
  if (first == model.config().n_layers) return intact.last_hidden.clone();
  const ForwardOptions options = from_layer(first, intact, changed.options(kernel));
  return model.forward(intact.trace.ids, options).last_hidden;
}

Tensor estimate_directly(const Transformer& model, const ModelRun& intact,
                         const Ablation& ablation) {
  check_ablation(model.config(), intact, ablation);
  const std::int64_t first = first_change(model.config(), ablation);
  if (first == model.config().n_layers) return intact.last_hidden.clone();
  ForwardOptions options;
  options.sublayers = [&](const Editable& at) {
    if (at.point == EditPoint::attention_out)
      out_with_changed_heads(model, intact, ablation, at.layer, at.value);
    else
      copy_into(at.value, intact.mlp_out[static_cast<std::size_t>(at.layer)]);
  };
  return model.forward(intact.trace.ids, from_layer(first, intact, std::move(options))).last_hidden;
}

}  // namespace headlight
