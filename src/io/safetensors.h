// safetensors files: read through a memory map, written atomically.
// Format: u64 little-endian header length, JSON header, data (github.com/huggingface/safetensors).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder.h"
#include "core/mapped_file.h"
#include "core/tensor.h"

namespace headlight {

/// One safetensors file. Everything is checked when it is opened: header length and JSON, duplicate
/// names, dtype x shape = bytes, bounds, overlaps and holes. Views stay valid while this lives, and
/// are aligned for their dtype: a tensor that the file holds misaligned is copied.
///
/// Limit: the data are read through a memory map. A file that another process shortens while it is
/// open raises SIGBUS on the next read past its new end; replace files by rename, as
/// write_safetensors does, never in place.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path) : SafetensorsFile(MappedFile(path)) {}
  explicit SafetensorsFile(MappedFile opened);

  const std::filesystem::path& path() const { return file_.path(); }
  /// Tensor names in file order of their data.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(std::string_view name) const;
  /// Throws, naming the file and the nearest name there is, when `name` is missing.
  TensorView tensor(std::string_view name) const;
  /// The header's "__metadata__" (string to string).
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::vector<std::string> names_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
  std::vector<Tensor> copies_;  // of tensors that lie misaligned in the file
};

/// The weights of a model folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists. Shards are plain file names inside the folder; tensors
/// that a shard holds but the index does not list are left out.
class Checkpoint {
 public:
  explicit Checkpoint(const Folder& folder);

  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  TensorView tensor(std::string_view name) const;
  /// The file that says what there is, for messages: the one file, or the index of shards.
  const std::filesystem::path& listing() const { return listing_; }
  /// The file that holds `name`, for messages.
  const std::filesystem::path& file_of(std::string_view name) const;

 private:
  void open_shards(const Folder& folder);
  const SafetensorsFile& holder(std::string_view name) const;

  std::filesystem::path listing_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t, std::less<>> where_;  // tensor name -> index into files_
};

/// One tensor to write; the view must be contiguous.
struct NamedTensor {
  std::string name;
  TensorView tensor;
};

/// Writes a file that any safetensors reader opens: 8-byte aligned header, data in the given order.
/// Throws on a name given twice or reserved, a view that is not contiguous, text that is not UTF-8.
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace headlight
