// conformance_onnx DIR...: runs ONNX node tests on Headlight's kernels, a line per case.
// A DIR is a case (it holds model.onnx) or a folder of cases. Exit code 0 when all passed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>

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

/// Units of the stored type that a result may be off: fp32 results must agree far below what the
/// ONNX backend test itself allows (rtol 1e-3, atol 1e-7); narrow types to two of their roundings.
double relative_tolerance(DType dtype) {
  return dtype == DType::bf16 ? 0x1p-7 : dtype == DType::f16 ? 0x1p-9 : 1e-5;
}

/// nullopt when `got` agrees with `want`, else one clause.
std::optional<std::string> difference(const Tensor& got, const Value& want) {
  if (got.shape() != want.tensor.shape())
    return fmt::format("shape {} expected {}", to_string(got.shape()),
                       to_string(want.tensor.shape()));
  const auto a = got.span<float>(), b = want.tensor.span<float>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float x = round_to(want.stored, a[i]);
    const bool same = x == b[i] || (std::isnan(x) && std::isnan(b[i]));
    const double tolerance = relative_tolerance(want.stored) * (1 + std::fabs(b[i]));
    if (!same && !(std::fabs(static_cast<double>(x) - b[i]) <= tolerance))
      return fmt::format("element {} is {} expected {}", i, x, b[i]);
  }
  return std::nullopt;
}

/// Throws Error on the first disagreement.
void run_case(const fs::path& folder) {
  const Case test = read_case(folder);
  for (const DataSet& data : test.data_sets) {
    const Outputs outputs = run_node(test.node, data);
    for (std::size_t i = 0; i < test.node.outputs.size(); ++i) {
      const std::string& name = test.node.outputs[i];
      const auto want = data.outputs.find(name);
      if (name.empty() || want == data.outputs.end()) continue;
      check(i < outputs.size() && outputs[i], "onnx", "{} gives no output {}", test.node.op, name);
      if (const auto wrong = difference(outputs[i], want->second))
        fail("onnx", "{} output {}: {}", data.name, name, *wrong);
    }
  }
}

std::vector<fs::path> cases_in(const fs::path& folder) {
  if (fs::exists(folder / "model.onnx")) return {folder};
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(folder))
    if (fs::exists(entry.path() / "model.onnx")) cases.push_back(entry.path());
  std::ranges::sort(cases);
  check(!cases.empty(), "onnx", "{} holds no case (a folder with model.onnx)", folder.string());
  return cases;
}

int run_all(const std::vector<fs::path>& folders) {
  int passed = 0, failed = 0;
  for (const fs::path& folder : folders)
    for (const fs::path& one : cases_in(folder)) {
      try {
        run_case(one);
        ++passed;
        fmt::print("PASS {}\n", one.filename().string());
      } catch (const std::exception& e) {
        ++failed;
        // Names out of a damaged file stand in the message.
        fmt::print("FAIL {}: {}\n", one.filename().string(), printable(e.what(), 500));
      }
    }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace headlight::onnx

int main(int argc, char** argv) {
  const std::vector<std::filesystem::path> folders(argv + 1, argv + argc);
  if (folders.empty()) {
    fmt::print(stderr, "usage: conformance_onnx DIR...\n");
    return 2;
  }
  try {
    return headlight::onnx::run_all(folders);
  } catch (const std::exception& e) {
    fmt::print(stderr, "conformance_onnx: {}\n", e.what());
    return 1;
  }
}
