#include "app/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "core/error.h"

namespace headlight::app {

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "headlight-XXXXXX").string();
  check(::mkdtemp(name.data()) != nullptr, "file", "cannot make a folder like {}: {}",
        printable(name, 300), std::generic_category().message(errno));
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // what cannot be removed is left to whoever clears temporary files
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace headlight::app
