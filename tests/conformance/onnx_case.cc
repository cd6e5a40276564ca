#include "conformance/onnx_case.h"

#include <algorithm>
#include <utility>

#include "conformance/onnx_tensor.h"
#include "core/mapped_file.h"

namespace headlight::onnx {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kOp = "onnx";

// AttributeProto.AttributeType.
enum : int { kAttributeFloat = 1, kAttributeInt = 2 };

template <class Message>
Message parse_message(const fs::path& path) {
  const MappedFile file(path);
  Message message;
  const auto bytes = file.bytes();
  check(bytes.size() < (1u << 30) &&
            message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
        kOp, "{} is not a valid protobuf message", path.string());
  return message;
}

Node to_node(const ModelProto& model, const fs::path& path) {
  check(model.graph().node_size() == 1, kOp, "{} has {} nodes; a node test of a supported op has 1",
        path.string(), model.graph().node_size());
  const NodeProto& proto = model.graph().node(0);
  check(proto.domain().empty() || proto.domain() == "ai.onnx", kOp,
        "{}: operator domain {} is not supported", path.string(), proto.domain());
  Node node;
  node.op = proto.op_type();
  node.inputs.assign(proto.input().begin(), proto.input().end());
  node.outputs.assign(proto.output().begin(), proto.output().end());
  for (const auto& opset : model.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx") node.opset = opset.version();
  for (const auto& attribute : proto.attribute()) {
    if (attribute.type() == kAttributeInt) node.integers[attribute.name()] = attribute.i();
    if (attribute.type() == kAttributeFloat) node.floats[attribute.name()] = attribute.f();
  }
  return node;
}

std::map<std::string, Value> initializers_of(const GraphProto& graph, const fs::path& folder) {
  std::map<std::string, Value> values;
  for (const TensorProto& tensor : graph.initializer())
    values[tensor.name()] = to_value(tensor, folder);
  return values;
}

/// Names in the order of input_0.pb, input_1.pb, ... or of output_0.pb, ...
template <class Infos>
std::vector<std::string> names_of(const Infos& infos) {
  std::vector<std::string> names;
  for (const ValueInfoProto& info : infos) names.push_back(info.name());
  return names;
}

std::map<std::string, Value> read_values(const fs::path& folder, std::string_view kind,
                                         const std::vector<std::string>& names) {
  std::map<std::string, Value> values;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", kind, i);
    check(fs::exists(path), kOp, "{} has no {} for {} {}", folder.filename().string(),
          path.filename().string(), kind, names[i]);
    values[names[i]] = to_value(parse_message<TensorProto>(path), folder);
  }
  return values;
}

/// The inputs that a data set gives. A graph may list its initializers among its inputs; a data set
/// then leaves them out, or (one file more each) gives them other values.
std::vector<std::string> given_inputs(const GraphProto& graph, const fs::path& folder) {
  std::vector<std::string> names = names_of(graph.input());
  if (fs::exists(folder / fmt::format("input_{}.pb", names.size() - 1))) return names;
  for (const TensorProto& tensor : graph.initializer()) std::erase(names, tensor.name());
  return names;
}

std::vector<fs::path> data_sets_in(const fs::path& folder) {
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && entry.path().filename().string().starts_with("test_data_set_"))
      sets.push_back(entry.path());
  std::ranges::sort(sets);
  check(!sets.empty(), kOp, "{} has no test_data_set_0", folder.string());
  return sets;
}

}  // namespace

std::int64_t Node::integer_or(const std::string& name, std::int64_t fallback) const {
  const auto found = integers.find(name);
  return found == integers.end() ? fallback : found->second;
}

std::optional<float> Node::number(const std::string& name) const {
  const auto found = floats.find(name);
  return found == floats.end() ? std::nullopt : std::optional(found->second);
}

Case read_case(const fs::path& folder) {
  const fs::path path = folder / "model.onnx";
  const auto model = parse_message<ModelProto>(path);
  const GraphProto& graph = model.graph();
  Case result{to_node(model, path), {}};
  check(graph.output_size() > 0, kOp, "{} has no outputs", path.string());
  for (const fs::path& set : data_sets_in(folder)) {
    DataSet data{set.filename().string(), initializers_of(graph, folder),
                 read_values(set, "output", names_of(graph.output()))};
    for (auto& [name, value] : read_values(set, "input", given_inputs(graph, set)))
      data.inputs[name] = std::move(value);
    result.data_sets.push_back(std::move(data));
  }
  return result;
}

}  // namespace headlight::onnx
