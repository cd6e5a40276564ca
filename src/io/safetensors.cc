#include "io/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "core/error.h"
#include "io/json.h"
#include "io/nearest_name.h"
#include "io/safetensors_format.h"
#include "io/stored_bytes.h"

namespace headlight {
namespace {

using namespace safetensors;

/// One tensor as the header describes it, in bytes of the data section.
struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

/// The parts of a file: the header's text and the data after it.
struct Sections {
  std::string_view header;
  std::span<const std::byte> data;
};

Sections split(std::span<const std::byte> bytes, const std::string& file) {
  check(bytes.size() >= kPrefixBytes, kOp,
        "{}: {} bytes are too few for a safetensors file, which opens with an {}-byte length", file,
        bytes.size(), kPrefixBytes);
  std::uint64_t length = 0;
  for (std::size_t i = kPrefixBytes; i-- > 0;)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  check(length <= kMaxHeaderBytes, kOp, "{}: header length {} is past the limit of {} bytes", file,
        length, kMaxHeaderBytes);
  check(length <= bytes.size() - kPrefixBytes, kOp,
        "{}: header length {} is past the end of the file, which has {} bytes", file, length,
        bytes.size());
  const auto header = bytes.subspan(kPrefixBytes, length);
  // Not only any JSON: the format fixes the first byte, so no white space or byte order mark.
  check(!header.empty() && header[0] == std::byte{'{'}, kOp, "{}: the header does not open with {{",
        file);
  return {{reinterpret_cast<const char*>(header.data()), header.size()},
          bytes.subspan(kPrefixBytes + length)};
}

std::uint64_t natural(const Json& value, const JsonObject& entry, std::string_view key) {
  check(value.is_number_unsigned() &&
            value.get<std::uint64_t>() <=
                static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
        kOp, "{}: \"{}\" must hold whole numbers in [0, 2^63), got {}", entry.source(), key,
        describe(value));
  return value.get<std::uint64_t>();
}

DType dtype_of(const JsonObject& entry) {
  const std::string name = entry.string("dtype");
  const auto known = std::ranges::find(kDTypeNames, name, &DTypeName::name);
  if (known != kDTypeNames.end()) return known->dtype;
  std::string supported;
  for (const DTypeName& d : kDTypeNames)
    supported += fmt::format("{}{}", supported.empty() ? "" : ", ", d.name);
  fail(kOp, "{}: dtype \"{}\" is not supported; {} are", entry.source(), printable(name),
       supported);
}

Shape shape_of(const JsonObject& entry) {
  const Json& dims = entry.at("shape");
  check(dims.is_array(), kOp, "{}: \"shape\" must be an array, got {}", entry.source(),
        describe(dims));
  check(dims.size() <= Shape::kMaxRank, kOp, "{}: {} dimensions; at most {} are supported",
        entry.source(), dims.size(), Shape::kMaxRank);
  Shape shape;
  for (const Json& dim : dims)
    shape.push_back(static_cast<std::int64_t>(natural(dim, entry, "shape")));
  return shape;
}

Entry entry_of(const std::string& name, const Json& value, const std::string& file,
               std::size_t data_bytes) {
  const JsonObject fields(value, fmt::format("{}: tensor \"{}\"", file, printable(name)));
  for (const auto& [key, unused] : value.items())
    check(key == "dtype" || key == "shape" || key == "data_offsets", kOp,
          "{}: unknown key \"{}\"; dtype, shape and data_offsets are known", fields.source(),
          printable(key));
  Entry entry;
  entry.name = name;
  entry.dtype = dtype_of(fields);
  entry.shape = shape_of(fields);
  const auto bytes = stored_bytes(entry.dtype, entry.shape);
  check(bytes.has_value(), kOp, "{}: shape {} of {} overflows 63 bits of bytes", fields.source(),
        to_string(entry.shape), name_of(entry.dtype));
  const Json& offsets = fields.at("data_offsets");
  check(offsets.is_array() && offsets.size() == 2, kOp,
        "{}: \"data_offsets\" must be [begin, end], got {}", fields.source(), describe(offsets));
  entry.begin = natural(offsets[0], fields, "data_offsets");
  entry.end = natural(offsets[1], fields, "data_offsets");
  check(entry.begin <= entry.end, kOp, "{}: data_offsets [{}, {}] end before they begin",
        fields.source(), entry.begin, entry.end);
  check(entry.end <= data_bytes, kOp,
        "{}: data_offsets [{}, {}] are past the end of the {} bytes of data; is the file cut off?",
        fields.source(), entry.begin, entry.end, data_bytes);
  check(entry.end - entry.begin == *bytes, kOp,
        "{}: {} {} takes {} bytes, but data_offsets span {}", fields.source(), name_of(entry.dtype),
        to_string(entry.shape), *bytes, entry.end - entry.begin);
  return entry;
}

/// The format's rule: tensors cover the data from first to last byte, once.
void check_cover(const std::vector<Entry>& sorted, std::size_t data_bytes,
                 const std::string& file) {
  std::uint64_t covered = 0;
  std::string_view previous;
  for (const Entry& entry : sorted) {
    check(entry.begin >= covered, kOp, "{}: tensors \"{}\" and \"{}\" overlap at data byte {}",
          file, printable(previous), printable(entry.name), entry.begin);
    check(entry.begin == covered, kOp,
          "{}: a hole of {} bytes lies before tensor \"{}\" (data bytes {} to {})", file,
          entry.begin - covered, printable(entry.name), covered, entry.begin);
    covered = entry.end;
    previous = entry.name;
  }
  check(covered == data_bytes, kOp, "{}: {} bytes after the last tensor belong to no tensor", file,
        data_bytes - covered);
}

std::map<std::string, std::string> metadata_of(const Json& value, const std::string& file) {
  const JsonObject fields(value, fmt::format("{}: {}", file, kMetadataKey));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, unused] : value.items()) metadata.emplace(key, fields.string(key));
  return metadata;
}

bool aligned(const std::byte* data, DType dtype) {
  return reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) == 0;
}

/// A byte that is neither 0 nor 1 cannot be read as a C++ bool.
void check_booleans(const Entry& entry, std::span<const std::byte> data, const std::string& file) {
  const auto odd = std::ranges::find_if(data, [](std::byte b) { return b > std::byte{1}; });
  check(odd == data.end(), kOp, "{}: tensor \"{}\" is BOOL but holds the byte {}", file,
        printable(entry.name), odd == data.end() ? 0 : std::to_integer<int>(*odd));
}

}  // namespace

SafetensorsFile::SafetensorsFile(MappedFile opened) : file_(std::move(opened)) {
  const std::string file = printable(path().string(), 400);
  const Sections sections = split(file_.bytes(), file);
  const Json header = parse_json(sections.header, file);
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey)
      metadata_ = metadata_of(value, file);
    else
      entries.push_back(entry_of(name, value, file, sections.data.size()));
  }
  std::ranges::stable_sort(entries, {}, [](const Entry& e) { return std::pair(e.begin, e.end); });
  check_cover(entries, sections.data.size(), file);

  for (const Entry& entry : entries) {
    const auto data = sections.data.subspan(entry.begin, entry.end - entry.begin);
    if (entry.dtype == DType::boolean) check_booleans(entry, data, file);
    TensorView view(data.data(), entry.dtype, entry.shape);
    if (!aligned(data.data(), entry.dtype)) {
      Tensor& copy = copies_.emplace_back(entry.dtype, entry.shape);
      std::memcpy(copy.view().data(), data.data(), data.size());
      view = copy;
    }
    names_.push_back(entry.name);
    tensors_.emplace(entry.name, view);
  }
}

bool SafetensorsFile::contains(std::string_view name) const {
  return tensors_.contains(name);
}

TensorView SafetensorsFile::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  fail(kOp, "{}: no tensor \"{}\" among its {}{}", printable(path().string(), 400), printable(name),
       names_.size(), nearest_hint(name, names_));
}

}  // namespace headlight
