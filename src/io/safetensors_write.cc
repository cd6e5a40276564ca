// write_safetensors: the header, then every tensor's bytes in the order given.
#include <algorithm>
#include <cstdint>
#include <set>

#include "core/error.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/safetensors_format.h"

namespace headlight {
namespace {

using namespace safetensors;

std::string_view dtype_name(DType dtype) {
  return std::ranges::find(kDTypeNames, dtype, &DTypeName::dtype)->name;
}

std::span<const std::byte> bytes_of(const NamedTensor& item) {
  const TensorView& t = item.tensor;
  check(t.contiguous(), kOp, "tensor \"{}\" must be contiguous, got strides {} for {}",
        printable(item.name), to_string(t.strides()), to_string(t.shape()));
  check(t || t.numel() == 0, kOp, "tensor \"{}\" is empty: it was never given",
        printable(item.name));
  return {static_cast<const std::byte*>(t.data()),
          static_cast<std::size_t>(t.numel()) * size_of(t.dtype())};
}

void check_names(const std::vector<NamedTensor>& tensors) {
  std::set<std::string_view> seen;
  for (const NamedTensor& item : tensors) {
    check(item.name != kMetadataKey, kOp, "\"{}\" is reserved; no tensor can have that name",
          kMetadataKey);
    check(seen.insert(item.name).second, kOp, "tensor \"{}\" is given twice", printable(item.name));
  }
}

/// The JSON header, padded with spaces so that the data start on a multiple of 8.
std::string header_of(const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::size_t offset = 0;
  for (const NamedTensor& item : tensors) {
    const std::size_t end = offset + bytes_of(item).size();
    const Shape& shape = item.tensor.shape();
    header[item.name] = {{"dtype", dtype_name(item.tensor.dtype())},
                         {"shape", std::vector<std::int64_t>(shape.begin(), shape.end())},
                         {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(kOp, "a tensor name or the metadata is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  check(text.size() <= kMaxHeaderBytes, kOp, "a header of {} bytes is past the limit of {}",
        text.size(), kMaxHeaderBytes);
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_names(tensors);
  const std::string header = header_of(tensors, metadata);
  std::array<std::byte, kPrefixBytes> prefix{};
  for (std::size_t i = 0; i < prefix.size(); ++i)
    prefix[i] = static_cast<std::byte>(header.size() >> (8 * i));
  std::vector<std::span<const std::byte>> pieces = {prefix, std::as_bytes(std::span(header))};
  for (const NamedTensor& item : tensors) pieces.push_back(bytes_of(item));
  write_file_atomically(path, pieces);
}

}  // namespace headlight
