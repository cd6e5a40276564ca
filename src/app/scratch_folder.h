// A folder for files that nobody keeps.
#pragma once

#include <filesystem>

namespace headlight::app {

/// A new, empty folder of this process's own below the system's temporary one; goes with all that
/// is in it. Throws when it cannot be made.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace headlight::app
