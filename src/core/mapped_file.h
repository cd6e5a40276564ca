// A file mapped read-only into memory, and a file written so that a crash loses nothing.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headlight {

/// Read-only mapping of a regular file. Throws Error naming the path when it is missing,
/// unreadable, a directory, or not a regular file. An empty file maps to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  /// A file whose bytes are in memory already, and stay there; `path` is its name in messages.
  MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  bool mapped_ = false;  ///< by this, so to be unmapped
};

/// True when the name is taken, by whatever: a link that leads nowhere or a pipe is there, and must
/// be reported when it is opened rather than passed over as absent.
bool is_taken(const std::filesystem::path& path);

inline constexpr std::size_t kMostText = std::size_t{256} << 20;
/// The whole of a text file. Throws when it is not a regular file or larger than `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = kMostText);
/// The same for a file that is open.
std::string text_of(const MappedFile& file, std::size_t limit);

/// Writes to a temporary name in the same folder, then fsync and rename: readers see either the
/// old file or the whole new one. Pieces are written one after another.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> pieces);

/// The same for a text.
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace headlight
