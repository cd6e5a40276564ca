// GGUF files, read through a memory map: typed key-values and a table of unquantised tensors.
// Format: github.com/ggml-org/ggml, docs/gguf.md. Versions 2 and 3, little-endian.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapped_file.h"
#include "core/tensor.h"

namespace headlight {

/// One GGUF file. Everything is checked when it is opened: counts, lengths, types, UTF-8, duplicate
/// keys and names, alignment, bounds and overlaps. Strings and tensors are views that stay valid
/// while this lives. Quantised tensors and arrays of arrays are refused by name.
///
/// Limit: as for SafetensorsFile, a file must not be shortened while it is open.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  std::uint32_t version() const { return version_; }

  // Metadata. Each accessor throws, naming the file and the key, when the key is missing (with the
  // nearest key there is) or holds another type.
  std::vector<std::string> keys() const;
  bool contains(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;  ///< any integer type that fits
  double number(std::string_view key) const;         ///< f32 or f64
  bool boolean(std::string_view key) const;
  std::string_view string(std::string_view key) const;
  std::vector<std::string_view> strings(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;

  // Tensors, with shapes in row-major order (GGUF lists the fastest extent first).
  const std::vector<std::string>& tensor_names() const { return tensor_names_; }
  TensorView tensor(std::string_view name) const;

 private:
  /// Values of one type as they lie in the file; a scalar is one value.
  struct Value {
    std::uint32_t type = 0;
    bool is_array = false;
    std::uint64_t count = 0;
    std::span<const std::byte> bytes;
  };
  struct Parser;

  const Value& find(std::string_view key, bool is_array) const;
  [[noreturn]] void refuse(std::string_view key, const Value& value, std::string_view wanted) const;

  MappedFile file_;
  std::uint32_t version_ = 0;
  std::map<std::string, Value, std::less<>> values_;
  std::vector<std::string> tensor_names_;
  std::map<std::string, TensorView, std::less<>> tensors_;
};

}  // namespace headlight
