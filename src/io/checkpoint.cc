// Checkpoint: the weights of a folder, in one file or in shards.
#include <ranges>

#include "core/error.h"
#include "io/json.h"
#include "io/nearest_name.h"
#include "io/safetensors.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kOp = "checkpoint";
constexpr std::string_view kWhole = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

std::string shown(const fs::path& path) {
  return printable(path.string(), 400);
}

/// A shard must be a file of the same folder: the index comes from outside, and "../" in it must
/// not open files elsewhere.
void check_shard_name(std::string_view shard, const fs::path& index) {
  const bool plain = !shard.empty() && shard != "." && shard != ".." &&
                     shard.find('/') == std::string_view::npos &&
                     shard.find('\0') == std::string_view::npos;
  check(plain, kOp, "{}: shard \"{}\" is not a plain file name", shown(index), printable(shard));
}

}  // namespace

Checkpoint::Checkpoint(const Folder& folder) {
  folder.check_there(kOp);
  if (folder.holds(kWhole)) {
    listing_ = folder.path() / kWhole;
    for (const std::string& name : files_.emplace_back(folder.open(kWhole)).names())
      where_.emplace(name, 0);
  } else if (folder.holds(kIndex)) {
    listing_ = folder.path() / kIndex;
    open_shards(folder);
  } else {
    fail(kOp, "{} has neither {} nor {}", shown(folder.path()), kWhole, kIndex);
  }
}

void Checkpoint::open_shards(const Folder& folder) {
  const fs::path& index = listing_;
  const Json json = read_json_file(folder, kIndex);
  const Json& map = JsonObject(json, index.string()).at("weight_map");
  const JsonObject weights(map, index.string() + ": weight_map");
  std::map<std::string, std::size_t, std::less<>> opened;  // shard name -> index into files_
  for (const auto& [tensor, unused] : map.items()) {
    const std::string shard = weights.string(tensor);
    auto place = opened.find(shard);
    if (place == opened.end()) {
      check_shard_name(shard, index);
      files_.emplace_back(folder.open(shard));
      place = opened.emplace(shard, files_.size() - 1).first;
    }
    check(files_[place->second].contains(tensor), kOp,
          "{}: tensor \"{}\" is not in {}, where the index puts it", shown(index),
          printable(tensor), printable(shard));
    where_.emplace(tensor, place->second);
  }
}

std::vector<std::string> Checkpoint::names() const {
  const auto keys = std::views::keys(where_);
  return {keys.begin(), keys.end()};
}

bool Checkpoint::contains(std::string_view name) const {
  return where_.contains(name);
}

const SafetensorsFile& Checkpoint::holder(std::string_view name) const {
  const auto found = where_.find(name);
  if (found != where_.end()) return files_[found->second];
  fail(kOp, "{}: no tensor \"{}\" among its {}{}", shown(listing_), printable(name), where_.size(),
       nearest_hint(name, std::views::keys(where_)));
}

TensorView Checkpoint::tensor(std::string_view name) const {
  return holder(name).tensor(name);
}

const fs::path& Checkpoint::file_of(std::string_view name) const {
  return holder(name).path();
}

}  // namespace headlight
