// Where a model's files are read from: a folder on disk, or files that are part of the program.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/mapped_file.h"

namespace headlight {

/// A file in memory that lasts as long as the program.
struct EmbeddedFile {
  std::string_view name;
  std::span<const std::byte> bytes;
};

class Folder {
 public:
  /// A folder on disk, whether it is there or not. Implicit: every path may be one.
  Folder(std::filesystem::path path = {}) : path_(std::move(path)) {}
  /// Files in memory; `path` is how messages call the folder they make.
  Folder(std::filesystem::path path, std::span<const EmbeddedFile> files)
      : path_(std::move(path)), files_(files), embedded_(true) {}

  const std::filesystem::path& path() const { return path_; }
  bool embedded() const { return embedded_; }

  /// Throws Error(op) unless there is such a folder.
  void check_there(std::string_view op) const;
  /// Whether the name of a file is taken, as is_taken() means it.
  bool holds(std::string_view name) const;
  /// The bytes of a file; throws as MappedFile does.
  MappedFile open(std::string_view name) const;
  /// The whole of a text file; throws as read_text_file() does.
  std::string text(std::string_view name, std::size_t limit = kMostText) const;

 private:
  const EmbeddedFile* find(std::string_view name) const;

  std::filesystem::path path_;
  std::span<const EmbeddedFile> files_;
  bool embedded_ = false;
};

}  // namespace headlight
