// Damage to the folder itself: files missing, or something else in their place.
#include "damage.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;

Damage without_permission(std::string file) {
  return [=](const fs::path& folder) { fs::permissions(folder / file, fs::perms::none); };
}

}  // namespace

std::vector<DamagedModel> damaged_folders() {
  std::vector<DamagedModel> cases;
  const auto add = [&](std::string name, Damage damage, std::string file, std::string cause) {
    cases.push_back({"Folder" + std::move(name), Family::gpt2, std::move(damage), std::move(file),
                     std::move(cause)});
  };
  for (const std::string file : {"config.json", "model.safetensors"}) {
    const std::string tag = file == "config.json" ? "Config" : "Weights";
    add(tag + "IsAFolder", with_folder(file), file, "a directory");
    add(tag + "IsAPipe", with_pipe(file), file, "special file");
    add(tag + "IsALinkLoop", with_link_loop(file), file, "symbolic links");
    add(tag + "CannotBeRead", without_permission(file), file, "Permission denied");
    add(
        tag + "IsADanglingLink",
        [=](const fs::path& folder) {
          fs::remove(folder / file);
          fs::create_symlink("nowhere", folder / file);
        },
        file, "No such file");
  }
  add("WithoutConfig", without_file("config.json"), "config.json", "No such file");
  add("WithoutWeights", without_file("model.safetensors"), "", "neither model.safetensors nor");
  add(
      "OtherWeightsOnly",
      [](const fs::path& folder) {
        fs::rename(folder / "model.safetensors", folder / "pytorch_model.bin");
      },
      "", "neither model.safetensors nor");
  add(
      "IsEmpty",
      [](const fs::path& folder) {
        fs::remove_all(folder);
        fs::create_directory(folder);
      },
      "", "No such file");
  add(
      "IsAFile",
      [](const fs::path& folder) {
        fs::remove_all(folder);
        write_bytes(folder, "not a folder");
      },
      "", "ot a ");
  return cases;
}

}  // namespace headlight::testing
