// The lab program as these tests run it: in surroundings where nothing is found by chance.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "support/run_program.h"

namespace headlight::testing {

using Environment = std::map<std::string, std::string>;

/// `headlight args...` as words for run_program, with `environment` and nothing else of the tests'
/// own but what the sanitizers read.
std::vector<std::string> headlight_command(const std::vector<std::string>& args,
                                           const Environment& environment = {});

/// Runs it to its end.
ProgramResult run_headlight(const std::vector<std::string>& args,
                            const Environment& environment = {});

/// A run that goes on, such as the lab's; killed at the end of the scope if need be.
class Running {
 public:
  Running(const std::vector<std::string>& args, const Environment& environment);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// The first line that it prints; empty when it ended without one.
  std::string first_line();
  /// Sends a signal and waits for the end; the exit code, or 128 + n when signal n ended it.
  int end_with(int signal);

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

}  // namespace headlight::testing
