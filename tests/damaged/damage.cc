#include "damage.h"

#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "support/tiny_model.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;
constexpr const char* kWeights = "model.safetensors";

/// A safetensors file taken apart.
struct Parts {
  Json header;
  std::string data;
};

Parts take_apart(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return {Json::parse(bytes.substr(sizeof length, length)), bytes.substr(sizeof length + length)};
}

std::string put_together(const Parts& parts) {
  const std::string header = parts.header.dump();
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + parts.data;
}

void edit_config(const fs::path& folder, const std::function<void(Json&)>& edit) {
  Json config = Json::parse(read_bytes(folder / "config.json"));
  edit(config);
  write_bytes(folder / "config.json", config.dump());
}

}  // namespace

void write_sound_model(Family family, const fs::path& folder) {
  switch (family) {
    case Family::gpt2:
      return write_model(tiny_gpt2(), folder);
    case Family::llama:
      return write_model(tiny_llama(), folder);
    case Family::bert:
      return write_model(tiny_bert(), folder);
  }
}

std::vector<DamagedModel> damaged_models() {
  std::vector<DamagedModel> all;
  for (const auto& list :
       {damaged_configs(), damaged_weights(), damaged_folders(), damaged_tokenizers()})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

Damage with_file(std::string file, std::string bytes) {
  return [=](const fs::path& folder) { write_bytes(folder / file, bytes); };
}

Damage without_file(std::string file) {
  return [=](const fs::path& folder) { fs::remove(folder / file); };
}

Damage with_folder(std::string file) {
  return [=](const fs::path& folder) {
    fs::remove(folder / file);
    fs::create_directory(folder / file);
  };
}

Damage with_pipe(std::string file) {
  return [=](const fs::path& folder) {
    fs::remove(folder / file);
    check(::mkfifo((folder / file).c_str(), 0600) == 0, "test", "no pipe could be made");
  };
}

Damage with_link_loop(std::string file) {
  return [=](const fs::path& folder) {
    fs::remove(folder / file);
    fs::create_symlink(file, folder / file);
  };
}

Damage with_key(std::string key, Json value) {
  return [=](const fs::path& folder) {
    edit_config(folder, [&](Json& config) { config[key] = value; });
  };
}

Damage without_key(std::string key) {
  return [=](const fs::path& folder) {
    edit_config(folder, [&](Json& config) { config.erase(key); });
  };
}

Damage with_header(std::function<void(Json& header)> edit) {
  return [=](const fs::path& folder) {
    Parts parts = take_apart(read_bytes(folder / kWeights));
    edit(parts.header);
    write_bytes(folder / kWeights, put_together(parts));
  };
}

Damage with_entry(std::string tensor, std::string key, Json value) {
  return with_header([=](Json& header) { header.at(tensor)[key] = value; });
}

Damage with_bytes(std::function<void(std::string& bytes)> edit) {
  return [=](const fs::path& folder) {
    std::string bytes = read_bytes(folder / kWeights);
    edit(bytes);
    write_bytes(folder / kWeights, bytes);
  };
}

Damage with_value(std::string tensor, std::size_t index, float value) {
  return [=](const fs::path& folder) {
    Parts parts = take_apart(read_bytes(folder / kWeights));
    const auto begin = parts.header.at(tensor).at("data_offsets")[0].get<std::size_t>();
    std::memcpy(parts.data.data() + begin + index * sizeof value, &value, sizeof value);
    write_bytes(folder / kWeights, put_together(parts));
  };
}

}  // namespace headlight::testing
