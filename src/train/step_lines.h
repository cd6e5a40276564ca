// A file of JSON lines, each with the step that it belongs to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "io/json.h"

namespace headlight {

/// Appends lines like {"step": 7, "loss": 2.31, ...}. A run that is resumed drops the lines of
/// steps that its checkpoint does not know of, and a line that was cut off.
class StepLines {
 public:
  StepLines(const std::filesystem::path& path, std::int64_t steps_done);
  void add(const nlohmann::ordered_json& line);
  /// Throws when the file could not take the lines.
  void flush();

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace headlight
