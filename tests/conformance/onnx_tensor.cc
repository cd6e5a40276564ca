#include "conformance/onnx_tensor.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/mapped_file.h"

namespace headlight::onnx {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kOp = "onnx";

// TensorProto.DataType of the specification.
enum : int {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBFloat16 = 16
};
constexpr int kExternal = 1;  // TensorProto.DataLocation

/// The number under `key` of an external tensor's entries, or `otherwise`.
std::size_t entry_number(const TensorProto& proto, std::string_view key, std::size_t otherwise) {
  for (const StringStringEntryProto& entry : proto.external_data()) {
    if (entry.key() != key) continue;
    const std::string& text = entry.value();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), otherwise);
    check(error == std::errc() && end == text.data() + text.size(), kOp,
          "tensor {}: its {} is '{}', not a number", proto.name(), key, text);
  }
  return otherwise;
}

/// The bytes that stand in another file, which must lie in the model's folder.
std::string external_bytes(const TensorProto& proto, const fs::path& folder) {
  std::string location;
  for (const StringStringEntryProto& entry : proto.external_data())
    if (entry.key() == "location") location = entry.value();
  check(!location.empty() && location != "." && location != ".." &&
            location.find('/') == std::string::npos && location.find('\0') == std::string::npos,
        kOp, "tensor {} keeps its data in '{}'; it must be a file beside model.onnx", proto.name(),
        location);
  const MappedFile file(folder / location);
  const auto bytes = file.bytes();
  const std::size_t offset = std::min(entry_number(proto, "offset", 0), bytes.size());
  const std::size_t length = entry_number(proto, "length", bytes.size() - offset);
  check(length <= bytes.size() - offset, kOp,
        "tensor {} wants {} bytes from {} on of {}, which has {}", proto.name(), length, offset,
        location, bytes.size());
  return {reinterpret_cast<const char*>(bytes.data()) + offset, length};
}

/// Elements of type T in raw bytes or, where there are none, those of the typed field, each through
/// `convert` (specification, TensorProto: int32_data carries the narrow types).
template <class T, class Field, class Convert>
Tensor read(const TensorProto& proto, const std::string* raw, const Field& field,
            const Convert& convert) {
  using Out = decltype(convert(T{}));
  const Shape shape(std::span(proto.dims().data(), static_cast<std::size_t>(proto.dims_size())));
  // Before any memory is asked for: the shape of a damaged file may be anything.
  const auto n = static_cast<std::size_t>(shape.numel());
  const std::size_t have = raw ? raw->size() / sizeof(T) : static_cast<std::size_t>(field.size());
  check(have == n && (!raw || raw->size() % sizeof(T) == 0), kOp,
        "tensor {} has {} {} for shape {}", proto.name(), raw ? raw->size() : have,
        raw ? "bytes" : "values", shape);
  Tensor out(kDTypeOf<Out>, shape);
  const std::span<Out> to = out.span<Out>();
  for (std::size_t i = 0; raw && i < n; ++i) {
    T x;
    std::memcpy(&x, raw->data() + i * sizeof(T), sizeof(T));
    to[i] = convert(x);
  }
  if (!raw) std::ranges::transform(field, to.begin(), convert);
  return out;
}

template <class T, class Field>
Value integers(const TensorProto& proto, const std::string* raw, const Field& field) {
  return {read<T>(proto, raw, field,
                  [&](auto x) {
                    check(std::in_range<std::int64_t>(x), kOp, "tensor {} holds {}, beyond 63 bits",
                          proto.name(), x);
                    return static_cast<std::int64_t>(x);
                  }),
          DType::i64};
}

/// Float16 or BFloat16, whose bits the typed field holds.
template <class T>
Value halves(const TensorProto& proto, const std::string* raw) {
  struct Bits {
    T operator()(T x) const { return x; }
    T operator()(std::int32_t bits) const { return {static_cast<std::uint16_t>(bits)}; }
  };
  return {to_f32(read<T>(proto, raw, proto.int32_data(), Bits())), kDTypeOf<T>};
}

}  // namespace

Value to_value(const TensorProto& proto, const fs::path& folder) {
  std::string external;
  const bool elsewhere = proto.data_location() == kExternal;
  if (elsewhere) external = external_bytes(proto, folder);
  const std::string* raw = elsewhere              ? &external
                           : proto.has_raw_data() ? &proto.raw_data()
                                                  : nullptr;
  const auto same = [](auto x) { return x; };
  switch (proto.data_type()) {
    case kFloat:
      return {read<float>(proto, raw, proto.float_data(), same), DType::f32};
    case kDouble:
      return {to_f32(read<double>(proto, raw, proto.double_data(), same)), DType::f64};
    case kFloat16:
      return halves<Float16>(proto, raw);
    case kBFloat16:
      return halves<BFloat16>(proto, raw);
    case kBool:
      return {read<std::uint8_t>(proto, raw, proto.int32_data(), [](auto x) { return x != 0; }),
              DType::boolean};
    case kUint8:
      return integers<std::uint8_t>(proto, raw, proto.int32_data());
    case kInt8:
      return integers<std::int8_t>(proto, raw, proto.int32_data());
    case kUint16:
      return integers<std::uint16_t>(proto, raw, proto.int32_data());
    case kInt16:
      return integers<std::int16_t>(proto, raw, proto.int32_data());
    case kInt32:
      return integers<std::int32_t>(proto, raw, proto.int32_data());
    case kInt64:
      return integers<std::int64_t>(proto, raw, proto.int64_data());
    case kUint32:
      return integers<std::uint32_t>(proto, raw, proto.uint64_data());
    case kUint64:
      return integers<std::uint64_t>(proto, raw, proto.uint64_data());
    default:
      fail(kOp, "tensor {} has element type {}, which no op here takes", proto.name(),
           proto.data_type());
  }
}

}  // namespace headlight::onnx
