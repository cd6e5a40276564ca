// One ONNX node test: a one-node model, and data sets of inputs with the outputs they must give.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace headlight::onnx {

/// A value of the graph. Floating values are held as fp32 (`stored` remembers f16 or bf16);
/// integers as i64 (u64 beyond i64 is refused); booleans as bool.
struct Value {
  Tensor tensor;
  DType stored = DType::f32;
};

/// The node under test.
struct Node {
  std::string op;
  std::int64_t opset = 0;
  std::vector<std::string> inputs, outputs;  ///< "" where an optional one is left out
  std::map<std::string, std::int64_t> integers;
  std::map<std::string, float> floats;

  std::int64_t integer_or(const std::string& name, std::int64_t fallback) const;
  std::optional<float> number(const std::string& name) const;
};

struct DataSet {
  std::string name;
  /// By the graph's names; inputs hold the model's initializers, too.
  std::map<std::string, Value> inputs, outputs;
};

struct Case {
  Node node;
  std::vector<DataSet> data_sets;
};

/// Reads `folder`/model.onnx and its test_data_set_*/{input,output}_*.pb. Throws Error on a damaged
/// file, a graph of more than one node, or an element type that no op here takes. Data that a
/// tensor keeps in a file of its own is read from the folder and nowhere else.
Case read_case(const std::filesystem::path& folder);

}  // namespace headlight::onnx
