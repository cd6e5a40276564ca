#include "conformance/onnx_run.h"

#include <algorithm>
#include <cmath>

#include "conformance/onnx_ops.h"

namespace headlight::onnx {
namespace fs = std::filesystem;

const Tensor& required_input(const Node& node, const Inputs& inputs, std::size_t i) {
  const Value* value = optional_input(inputs, i);
  check(value != nullptr, "onnx", "{} needs input {}", node.op, i);
  return value->tensor;
}

std::size_t normal_axis(const Node& node, std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  check(axis >= -n && axis < n, "onnx", "{} axis {} of a rank-{} input", node.op, axis, rank);
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

namespace {

struct Operator {
  std::string_view name;
  Outputs (*run)(const Node&, const Inputs&);
};
constexpr Operator kOperators[] = {{"Attention", run_attention},
                                   {"LayerNormalization", run_layer_normalization},
                                   {"RMSNormalization", run_rms_normalization},
                                   {"RotaryEmbedding", run_rotary_embedding},
                                   {"Softmax", run_softmax}};

Outputs run_node(const Node& node, const DataSet& data) {
  const auto op = std::ranges::find(kOperators, node.op, &Operator::name);
  check(op != std::end(kOperators), "onnx", "operator {} is not one of Headlight's", node.op);
  Inputs inputs;
  for (const std::string& name : node.inputs) {
    const auto found = data.inputs.find(name);
    check(name.empty() || found != data.inputs.end(), "onnx", "no data for input {}", name);
    inputs.push_back(name.empty() ? nullptr : &found->second);
  }
  return op->run(node, inputs);
}

float round_to(DType dtype, float x) {
  if (dtype == DType::f16) return to_float(to_float16(x));
  if (dtype == DType::bf16) return to_float(to_bfloat16(x));
  return x;
}

/// How far a result may be off: fp32 results must agree far below what the ONNX backend test itself
/// allows (rtol 1e-3, atol 1e-7); narrow types to four of their roundings, since the expected
/// outputs were summed in them.
double relative_tolerance(DType dtype) {
  return dtype == DType::bf16 ? 0x1p-6 : dtype == DType::f16 ? 0x1p-8 : 1e-5;
}

/// The type that the least precise step of the expected outputs was computed in: Attention may
/// prescribe that of the softmax (TensorProto.DataType), which ours never narrows.
DType expected_precision(const Node& node, DType stored) {
  constexpr std::int64_t kFloat16 = 10, kBFloat16 = 16;
  const std::int64_t softmax = node.integer_or("softmax_precision", 0);
  if (softmax == kBFloat16 || stored == DType::bf16) return DType::bf16;
  return softmax == kFloat16 ? DType::f16 : stored;
}

/// nullopt when `got` agrees with `want`, else one clause.
std::optional<std::string> difference(const Tensor& got, const Value& want, DType precision) {
  if (got.shape() != want.tensor.shape())
    return fmt::format("shape {} expected {}", to_string(got.shape()),
                       to_string(want.tensor.shape()));
  const auto a = got.span<float>(), b = want.tensor.span<float>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float x = round_to(want.stored, a[i]);
    const bool same = x == b[i] || (std::isnan(x) && std::isnan(b[i]));
    const double tolerance = relative_tolerance(precision) * (1 + std::fabs(b[i]));
    if (!same && !(std::fabs(static_cast<double>(x) - b[i]) <= tolerance))
      return fmt::format("element {} is {} expected {}", i, x, b[i]);
  }
  return std::nullopt;
}

/// Throws Error on the first disagreement.
void run_data_set(const Node& node, const DataSet& data) {
  const Outputs outputs = run_node(node, data);
  for (const auto& [name, want] : data.outputs) {
    const auto at =
        static_cast<std::size_t>(std::ranges::find(node.outputs, name) - node.outputs.begin());
    check(at < std::min(node.outputs.size(), outputs.size()) && outputs[at], "onnx",
          "{} gives no output {}", node.op, name);
    if (const auto wrong = difference(outputs[at], want, expected_precision(node, want.stored)))
      fail("onnx", "{} output {}: {}", data.name, name, *wrong);
  }
}

}  // namespace

void run_case(const fs::path& folder) {
  const Case test = read_case(folder);
  for (const DataSet& data : test.data_sets) run_data_set(test.node, data);
}

}  // namespace headlight::onnx
