#include "conformance/onnx_case.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/mapped_file.h"
#include "onnx_subset.pb.h"

namespace headlight::onnx {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kOp = "onnx";

// TensorProto.DataType of the specification.
enum : int {
  kFloat = 1,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kBFloat16 = 16
};
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

std::optional<DType> dtype_of(int data_type) {
  switch (data_type) {
    case kFloat:
      return DType::f32;
    case kInt32:
      return DType::i32;
    case kInt64:
      return DType::i64;
    case kBool:
      return DType::boolean;
    case kFloat16:
      return DType::f16;
    case kDouble:
      return DType::f64;
    case kBFloat16:
      return DType::bf16;
    default:
      return std::nullopt;
  }
}

/// Elements from the typed fields, for tensors that do not use raw_data (specification,
/// TensorProto: int32_data carries the narrow types, one element each).
void fill_from_typed_fields(const TensorProto& proto, Tensor& out) {
  const auto fill = [&](const auto& field, auto convert) {
    check(field.size() == out.numel(), kOp, "tensor {} has {} values for shape {}", proto.name(),
          field.size(), to_string(out.shape()));
    using T = decltype(convert(field.Get(0)));
    std::ranges::transform(field, out.span<T>().begin(), convert);
  };
  switch (out.dtype()) {
    case DType::f32:
      return fill(proto.float_data(), [](float x) { return x; });
    case DType::f64:
      return fill(proto.double_data(), [](double x) { return x; });
    case DType::i64:
      return fill(proto.int64_data(), [](std::int64_t x) { return x; });
    case DType::i32:
      return fill(proto.int32_data(), [](std::int32_t x) { return x; });
    case DType::boolean:
      return fill(proto.int32_data(), [](std::int32_t x) { return x != 0; });
    case DType::f16:
      return fill(proto.int32_data(),
                  [](std::int32_t x) { return Float16{static_cast<std::uint16_t>(x)}; });
    default:
      return fill(proto.int32_data(),
                  [](std::int32_t x) { return BFloat16{static_cast<std::uint16_t>(x)}; });
  }
}

Tensor read_tensor(const TensorProto& proto, DType dtype) {
  Tensor out(dtype,
             Shape(std::span(proto.dims().data(), static_cast<std::size_t>(proto.dims_size()))));
  if (!proto.has_raw_data()) {
    fill_from_typed_fields(proto, out);
    return out;
  }
  check(proto.raw_data().size() == out.bytes(), kOp, "tensor {} has {} bytes for {} {}",
        proto.name(), proto.raw_data().size(), name_of(dtype), to_string(out.shape()));
  std::memcpy(out.view().data(), proto.raw_data().data(), out.bytes());
  return out;
}

Tensor to_i64(const Tensor& from) {
  Tensor out(DType::i64, from.shape());
  std::ranges::copy(from.span<std::int32_t>(), out.span<std::int64_t>().begin());
  return out;
}

Value to_value(const TensorProto& proto) {
  const auto dtype = dtype_of(proto.data_type());
  check(dtype.has_value(), kOp, "tensor {} has element type {}, which no op here takes",
        proto.name(), proto.data_type());
  Tensor tensor = read_tensor(proto, *dtype);
  if (*dtype == DType::i32) return {to_i64(tensor), DType::i64};
  if (*dtype == DType::i64 || *dtype == DType::boolean) return {std::move(tensor), *dtype};
  return {to_f32(tensor), *dtype};
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
    if (opset.domain().empty()) node.opset = opset.version();
  for (const auto& attribute : proto.attribute()) {
    if (attribute.type() == kAttributeInt) node.integers[attribute.name()] = attribute.i();
    if (attribute.type() == kAttributeFloat) node.floats[attribute.name()] = attribute.f();
  }
  return node;
}

/// The graph's names for its values, in the order of input_0.pb, input_1.pb, ...
template <class Infos>
std::map<std::string, Value> read_values(const fs::path& folder, std::string_view kind,
                                         const Infos& infos) {
  std::map<std::string, Value> values;
  for (int i = 0; i < infos.size(); ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", kind, i);
    values[infos.Get(i).name()] = to_value(parse_message<TensorProto>(path));
  }
  return values;
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
  Case result{to_node(model, path), {}};
  for (int i = 0; fs::is_directory(folder / fmt::format("test_data_set_{}", i)); ++i) {
    const std::string name = fmt::format("test_data_set_{}", i);
    result.data_sets.push_back({name, read_values(folder / name, "input", model.graph().input()),
                                read_values(folder / name, "output", model.graph().output())});
  }
  check(!result.data_sets.empty(), kOp, "{} has no test_data_set_0", folder.string());
  return result;
}

}  // namespace headlight::onnx
