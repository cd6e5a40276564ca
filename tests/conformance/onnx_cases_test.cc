// What a case may be besides what ONNX's own node tests are: written here, read back and run.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "conformance/onnx_run.h"
#include "onnx_subset.pb.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight::onnx {
namespace {

namespace fs = std::filesystem;
using headlight::testing::expect_error;
using Floats = std::vector<float>;
using Dims = std::vector<std::int64_t>;

enum : int { kFloat = 1, kInt8 = 3, kInt64 = 7 };  // TensorProto.DataType

void write(const fs::path& path, const google::protobuf::Message& message) {
  std::ofstream out(path, std::ios::binary);
  out << message.SerializeAsString();
}

TensorProto tensor(const std::string& name, const Dims& dims, const Floats& values) {
  TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(kFloat);
  proto.mutable_dims()->Add(dims.begin(), dims.end());
  proto.mutable_float_data()->Add(values.begin(), values.end());
  return proto;
}

Floats counted(std::size_t n) {
  Floats values(n);
  std::iota(values.begin(), values.end(), -1.0f);
  return values;
}

/// Softmax of each row of `width` numbers.
Floats softmax(Floats x, std::size_t width) {
  for (std::size_t row = 0; row < x.size(); row += width) {
    double sum = 0;
    for (std::size_t i = row; i < row + width; ++i) sum += std::exp(static_cast<double>(x[i]));
    for (std::size_t i = row; i < row + width; ++i)
      x[i] = static_cast<float>(std::exp(static_cast<double>(x[i])) / sum);
  }
  return x;
}

class OnnxCase : public ::testing::Test {
 protected:
  OnnxCase() : folder_(headlight::testing::scratch_folder()) { set_opset(25); }

  void set_opset(std::int64_t version) {
    model_.clear_opset_import();
    model_.add_opset_import()->set_version(version);
  }
  NodeProto& node(const std::string& op, const std::vector<std::string>& inputs) {
    NodeProto& node = *model_.mutable_graph()->add_node();
    node.set_op_type(op);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output("y");
    model_.mutable_graph()->add_output()->set_name("y");
    return node;
  }
  void attribute(NodeProto& node, const std::string& name, std::int64_t value) {
    AttributeProto& a = *node.add_attribute();
    a.set_name(name);
    a.set_type(2);
    a.set_i(value);
  }
  void input(const TensorProto& value) {
    model_.mutable_graph()->add_input()->set_name(value.name());
    inputs_.push_back(value);
  }
  /// Writes the case and runs it.
  void run(const TensorProto& expected) {
    const fs::path data = folder_ / "test_data_set_0";
    fs::create_directories(data);
    write(folder_ / "model.onnx", model_);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      write(data / fmt::format("input_{}.pb", i), inputs_[i]);
    write(data / "output_0.pb", expected);
    run_case(folder_);
  }

  fs::path folder_;
  ModelProto model_;
  std::vector<TensorProto> inputs_;
};

TEST_F(OnnxCase, SoftmaxBeforeOpset13TakesAllFromItsAxisOnAsOneRow) {
  set_opset(11);
  node("Softmax", {"x"});
  input(tensor("x", {2, 2, 3}, counted(12)));
  run(tensor("y", {2, 2, 3}, softmax(counted(12), 6)));
  expect_error([&] { run(tensor("y", {2, 2, 3}, softmax(counted(12), 3))); }, {"output y"});
}

TEST_F(OnnxCase, AScaleBroadcasts) {
  NodeProto& norm = node("RMSNormalization", {"x", "scale"});
  attribute(norm, "axis", 1);
  input(tensor("x", {1, 2, 2}, {1, -1, 1, -1}));
  input(tensor("scale", {2}, {2, 3}));
  run(tensor("y", {1, 2, 2}, {2, -3, 2, -3}));
}

class AttentionCase : public OnnxCase {
 protected:
  /// One head of width 1 whose queries are 0: all keys that are seen weigh alike.
  AttentionCase() {
    input(tensor("Q", {1, 1, 1, 1}, {0}));
    input(tensor("K", {1, 1, 3, 1}, {1, 2, 3}));
    input(tensor("V", {1, 1, 3, 1}, {10, 20, 60}));
    node("Attention", {"Q", "K", "V", "mask"});
  }
  static TensorProto mask() { return tensor("mask", {1, 3}, {0, 0, -INFINITY}); }
  static TensorProto hidden_last() { return tensor("y", {1, 1, 1, 1}, {15}); }
};

TEST_F(AttentionCase, InputsMayBeInitializers) {
  *model_.mutable_graph()->add_initializer() = mask();
  run(hidden_last());
}

TEST_F(AttentionCase, InitializersMayBeListedAmongInputsAndReplaced) {
  *model_.mutable_graph()->add_initializer() = tensor("mask", {1, 3}, {0, 0, 0});
  model_.mutable_graph()->add_input()->set_name("mask");
  run(tensor("y", {1, 1, 1, 1}, {30}));
  inputs_.push_back(mask());
  run(hidden_last());
}

TEST_F(AttentionCase, AMaskOfIntegersIsAdded) {
  TensorProto integers;
  integers.set_name("mask");
  integers.set_data_type(kInt8);
  for (const std::int64_t dim : {1, 3}) integers.add_dims(dim);
  integers.set_raw_data(std::string("\x00\x00\x80", 3));  // 0, 0, -128
  input(integers);
  run(hidden_last());
}

TEST_F(AttentionCase, DataMayStandInAFileBesideTheModelAndNowhereElse) {
  const float values[] = {7, 0, 0, -INFINITY};
  std::ofstream(folder_ / "weights.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(values), sizeof(values));
  TensorProto& outside = *model_.mutable_graph()->add_initializer();
  outside = mask();
  outside.clear_float_data();
  outside.set_data_location(1);
  const auto entry = [&](const char* key, const std::string& value) {
    StringStringEntryProto& e = *outside.add_external_data();
    e.set_key(key);
    e.set_value(value);
  };
  entry("location", "weights.bin");
  entry("offset", "4");
  run(hidden_last());
  entry("length", "13");
  expect_error([&] { run(hidden_last()); }, {"mask", "13 bytes from 4", "16"});
  outside.clear_external_data();
  entry("location", "../" + folder_.filename().string() + "/weights.bin");
  expect_error([&] { run(hidden_last()); }, {"mask", "beside model.onnx"});
}

TEST_F(AttentionCase, WhatIsMissingIsNamed) {
  expect_error([&] { run(hidden_last()); }, {"no data for input mask"});
  input(mask());
  run(hidden_last());
  fs::remove(folder_ / "test_data_set_0" / "output_0.pb");
  expect_error([&] { run_case(folder_); }, {"output_0.pb", "output y"});
  fs::remove_all(folder_ / "test_data_set_0");
  expect_error([&] { run_case(folder_); }, {"no test_data_set_0"});
}

TEST_F(AttentionCase, AGraphOutputThatTheNodeDoesNotGiveIsAFailure) {
  input(mask());
  model_.mutable_graph()->mutable_output(0)->set_name("other");
  expect_error([&] { run(hidden_last()); }, {"no output other"});
}

TEST_F(AttentionCase, ANarrowSoftmaxIsComparedAsNarrowly) {
  input(mask());
  const TensorProto rounded = tensor("y", {1, 1, 1, 1}, {15.1f});
  expect_error([&] { run(rounded); }, {"output y"});
  attribute(*model_.mutable_graph()->mutable_node(0), "softmax_precision", 16);
  run(rounded);
  expect_error([&] { run(tensor("y", {1, 1, 1, 1}, {16})); }, {"output y"});
}

}  // namespace
}  // namespace headlight::onnx
