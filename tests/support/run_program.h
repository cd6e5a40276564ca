// Another program run to its end, as a person in a terminal would see it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace headlight::testing {

struct ProgramResult {
  int exit_code = -1;  ///< -1 when a signal ended it
  int signal = 0;
  std::string out, err;
};

/// Runs `arguments[0]` with the rest, its output kept in files under `scratch`. Throws Error when
/// it cannot be started, or has not ended after a minute (it is then killed).
ProgramResult run_program(const std::vector<std::string>& arguments,
                          const std::filesystem::path& scratch);

/// HEADLIGHT_BINARY, the program under test; throws Error when it is not set.
std::filesystem::path headlight_program();

}  // namespace headlight::testing
