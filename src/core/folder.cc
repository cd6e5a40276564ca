#include "core/folder.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {

void Folder::check_there(std::string_view op) const {
  if (embedded_) return;
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path_, error);
  check(!error, op, "cannot open {}: {}", printable(path_.string(), 400), error.message());
  check(is_folder, op, "{} is not a folder", printable(path_.string(), 400));
}

const EmbeddedFile* Folder::find(std::string_view name) const {
  const auto found = std::ranges::find(files_, name, &EmbeddedFile::name);
  return found == files_.end() ? nullptr : &*found;
}

bool Folder::holds(std::string_view name) const {
  return embedded_ ? find(name) != nullptr : is_taken(path_ / name);
}

MappedFile Folder::open(std::string_view name) const {
  if (!embedded_) return MappedFile(path_ / name);
  const EmbeddedFile* file = find(name);
  check(file != nullptr, "file", "{} holds no {}", printable(path_.string(), 400), printable(name));
  return {path_ / name, file->bytes};
}

std::string Folder::text(std::string_view name, std::size_t limit) const {
  return text_of(open(name), limit);
}

}  // namespace headlight
