#include "train/step_lines.h"

#include <string>

#include "core/error.h"
#include "core/mapped_file.h"

namespace headlight {
namespace {

/// The step of a line, or -1 for a line that was cut off by the end of a process.
std::int64_t step_of(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return -1;
  return json["step"].get<std::int64_t>();
}

std::string lines_up_to(const std::filesystem::path& path, std::int64_t steps_done) {
  std::string kept;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    if (const std::int64_t step = step_of(line); 1 <= step && step <= steps_done)
      kept += line + "\n";
  return kept;
}

}  // namespace

StepLines::StepLines(const std::filesystem::path& path, std::int64_t steps_done) : path_(path) {
  write_text_file(path, lines_up_to(path, steps_done));
  out_.open(path, std::ios::app);
  check(out_.is_open(), "train", "cannot write {}", printable(path.string(), 300));
}

void StepLines::add(const nlohmann::ordered_json& line) {
  out_ << line.dump() << "\n";
}

void StepLines::flush() {
  out_.flush();
  check(out_.good(), "train", "cannot write {}", printable(path_.string(), 300));
}

}  // namespace headlight
