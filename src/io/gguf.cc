#include "io/gguf.h"

#include <limits>
#include <ranges>

#include "core/error.h"
#include "io/gguf_format.h"
#include "io/nearest_name.h"

namespace headlight {

using namespace gguf;

std::optional<std::int64_t> gguf::integer_at(std::uint32_t type, std::span<const std::byte> bytes) {
  switch (type) {
    case u8:
      return load<std::uint8_t>(bytes);
    case i8:
      return load<std::int8_t>(bytes);
    case u16:
      return load<std::uint16_t>(bytes);
    case i16:
      return load<std::int16_t>(bytes);
    case u32:
      return load<std::uint32_t>(bytes);
    case i32:
      return load<std::int32_t>(bytes);
    case i64:
      return load<std::int64_t>(bytes);
    case u64: {
      const auto value = load<std::uint64_t>(bytes);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {};
      return static_cast<std::int64_t>(value);
    }
    default:
      return {};
  }
}

namespace {

std::optional<double> number_at(std::uint32_t type, std::span<const std::byte> bytes) {
  if (type == f32) return load<float>(bytes);
  if (type == f64) return load<double>(bytes);
  return {};
}

}  // namespace

std::vector<std::string> GgufFile::keys() const {
  const auto keys = std::views::keys(values_);
  return {keys.begin(), keys.end()};
}

bool GgufFile::contains(std::string_view key) const {
  return values_.contains(key);
}

const GgufFile::Value& GgufFile::find(std::string_view key, bool is_array) const {
  const auto found = values_.find(key);
  check(found != values_.end(), kOp, "{}: no key \"{}\"{}", printable(path().string(), 400),
        printable(key), found == values_.end() ? nearest_hint(key, std::views::keys(values_)) : "");
  if (found->second.is_array != is_array)
    refuse(key, found->second, is_array ? "an array" : "a single value");
  return found->second;
}

void GgufFile::refuse(std::string_view key, const Value& value, std::string_view wanted) const {
  fail(kOp, "{}: key \"{}\" must be {}, got {}{}", printable(path().string(), 400), printable(key),
       wanted, value.is_array ? fmt::format("an array of {} ", value.count) : "",
       kTypes[value.type].name);
}

std::int64_t GgufFile::integer(std::string_view key) const {
  const Value& value = find(key, false);
  const auto result = integer_at(value.type, value.bytes);
  if (!result) refuse(key, value, "an integer of 63 bits");
  return *result;
}

double GgufFile::number(std::string_view key) const {
  const Value& value = find(key, false);
  const auto result = number_at(value.type, value.bytes);
  if (!result) refuse(key, value, "f32 or f64");
  return *result;
}

bool GgufFile::boolean(std::string_view key) const {
  const Value& value = find(key, false);
  if (value.type != Type::boolean) refuse(key, value, "bool");
  return value.bytes[0] != std::byte{0};
}

std::string_view GgufFile::string(std::string_view key) const {
  const Value& value = find(key, false);
  if (value.type != Type::string) refuse(key, value, "a string");
  return text_of(value.bytes.subspan(sizeof(std::uint64_t)));
}

std::vector<std::string_view> GgufFile::strings(std::string_view key) const {
  const Value& value = find(key, true);
  if (value.type != Type::string) refuse(key, value, "an array of strings");
  std::vector<std::string_view> all;
  all.reserve(value.count);
  for (auto rest = value.bytes; !rest.empty();) {
    const auto length = load<std::uint64_t>(rest);
    all.push_back(text_of(rest.subspan(sizeof length, length)));
    rest = rest.subspan(sizeof length + length);
  }
  return all;
}

std::vector<std::int64_t> GgufFile::integers(std::string_view key) const {
  const Value& value = find(key, true);
  const std::size_t each = kTypes[value.type].bytes;
  std::vector<std::int64_t> all;
  all.reserve(value.count);
  for (std::uint64_t i = 0; i < value.count; ++i) {
    const auto result = integer_at(value.type, value.bytes.subspan(i * each));
    if (!result) refuse(key, value, "an array of integers of 63 bits");
    all.push_back(*result);
  }
  return all;
}

std::vector<double> GgufFile::numbers(std::string_view key) const {
  const Value& value = find(key, true);
  const std::size_t each = kTypes[value.type].bytes;
  std::vector<double> all;
  all.reserve(value.count);
  for (std::uint64_t i = 0; i < value.count; ++i) {
    const auto result = number_at(value.type, value.bytes.subspan(i * each));
    if (!result) refuse(key, value, "an array of f32 or f64");
    all.push_back(*result);
  }
  return all;
}

TensorView GgufFile::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  fail(kOp, "{}: no tensor \"{}\" among its {}{}", printable(path().string(), 400), printable(name),
       tensor_names_.size(), nearest_hint(name, tensor_names_));
}

}  // namespace headlight
