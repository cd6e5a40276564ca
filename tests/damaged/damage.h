// Model folders broken in one way each, and what the refusal must say.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "model/config.h"

namespace headlight::testing {

using Damage = std::function<void(const std::filesystem::path& folder)>;

struct DamagedModel {
  std::string name;  ///< of the test: letters and digits
  Family base = Family::gpt2;
  Damage damage;
  std::string file;   ///< what the message must name, inside the folder; empty: the folder
  std::string cause;  ///< what the message must hold besides
};

inline void PrintTo(const DamagedModel& model, std::ostream* out) {
  *out << model.name;
}

std::vector<DamagedModel> damaged_configs();
std::vector<DamagedModel> damaged_weights();
std::vector<DamagedModel> damaged_folders();
std::vector<DamagedModel> damaged_tokenizers();

/// All of them.
std::vector<DamagedModel> damaged_models();

/// Writes a small sound model of the family into `folder`.
void write_sound_model(Family family, const std::filesystem::path& folder);

std::string read_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, std::string_view bytes);

/// Replaces the whole of a file, or makes it.
Damage with_file(std::string file, std::string bytes);
/// Removes a file.
Damage without_file(std::string file);
/// A folder, a pipe or a link to itself where a file should be.
Damage with_folder(std::string file);
Damage with_pipe(std::string file);
Damage with_link_loop(std::string file);

/// config.json with one key changed, or left out.
Damage with_key(std::string key, Json value);
Damage without_key(std::string key);

/// model.safetensors with its header changed, the data kept and the length prefix right again.
Damage with_header(std::function<void(Json& header)> edit);
/// One entry of the header changed, for example "shape" of "wte.weight".
Damage with_entry(std::string tensor, std::string key, Json value);
/// The file's bytes changed.
Damage with_bytes(std::function<void(std::string& bytes)> edit);
/// One stored fp32 value replaced.
Damage with_value(std::string tensor, std::size_t index, float value);

}  // namespace headlight::testing
