#include <cstdlib>

#include "model/config.h"
#include "targets.h"

namespace headlight::fuzz {

/// An accepted config.json must survive being written and read as Headlight's own JSON.
void fuzz_config(Bytes bytes) {
  static const ScratchFolder folder;
  folder.write("config.json", bytes);
  const ModelConfig config = read_config(folder.path());
  if (config_from_json(to_json(config), "again") != config) std::abort();
}

}  // namespace headlight::fuzz
