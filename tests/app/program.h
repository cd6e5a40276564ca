// The real program, run as a person or a browser would meet it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace headlight::testing {

using Environment = std::map<std::string, std::string>;

/// What a run left behind.
struct Ran {
  int exit_code;  ///< 128 + n when signal n ended it
  std::string out, err;
};

/// Runs `headlight args...` to its end. `environment` is added to a clean one in which no model is
/// found; `out` replaces the file that standard output goes to.
Ran run_headlight(const std::vector<std::string>& args, const Environment& environment = {},
                  const std::filesystem::path& out = {});

/// A program that keeps running, such as the lab; killed at the end of the scope if need be.
class Running {
 public:
  Running(const std::vector<std::string>& args, const Environment& environment);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// The first line that it prints; empty when it ended without one.
  std::string first_line();
  /// Sends a signal and waits for the end.
  int end_with(int signal);

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

}  // namespace headlight::testing
