#include "app/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/shared.h"

namespace headlight::testing {
namespace fs = std::filesystem;
namespace {

std::string program_path() {
  const char* path = std::getenv("HEADLIGHT_BINARY");
  return path ? path : "build/release/headlight";
}

/// The two settings of the sanitizers that tests may need, and nothing else of the surroundings:
/// what is found on one machine must not change a test.
Environment whole_environment(const Environment& more) {
  Environment all = {{"PATH", "/usr/bin:/bin"}, {"HEADLIGHT_SHARED", "/nonexistent"}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "OMP_NUM_THREADS"})
    if (const char* value = std::getenv(name)) all[name] = value;
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& s : strings) out.push_back(s.data());
  out.push_back(nullptr);
  return out;
}

/// Starts the program with its output going to two descriptors.
pid_t start(const std::vector<std::string>& args, const Environment& environment, int out,
            int err) {
  std::vector<std::string> words = {program_path()}, settings;
  words.insert(words.end(), args.begin(), args.end());
  for (const auto& [name, value] : whole_environment(environment))
    settings.push_back(name + "=" + value);
  std::vector<char*> argv = pointers(words), envp = pointers(settings);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string contents(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

}  // namespace

Ran run_headlight(const std::vector<std::string>& args, const Environment& environment,
                  const fs::path& out) {
  static std::atomic<int> runs = 0;
  const std::string stem =
      "headlight-run-" + std::to_string(::getpid()) + "-" + std::to_string(++runs);
  const fs::path out_file = out.empty() ? fs::temp_directory_path() / (stem + ".out") : out;
  const fs::path err_file = fs::temp_directory_path() / (stem + ".err");
  const int out_fd = ::open(out_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int err_fd = ::open(err_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int exit_code = wait_for(start(args, environment, out_fd, err_fd));
  ::close(out_fd);
  ::close(err_fd);
  Ran ran{exit_code, out.empty() ? contents(out_file) : "", contents(err_file)};
  if (out.empty()) fs::remove(out_file);
  fs::remove(err_file);
  return ran;
}

Running::Running(const std::vector<std::string>& args, const Environment& environment) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return;
  pid_ = start(args, environment, pipe[1], STDERR_FILENO);
  ::close(pipe[1]);
  out_ = pipe[0];
}

Running::~Running() {
  if (pid_ > 0) end_with(SIGKILL);
  ::close(out_);
}

std::string Running::first_line() {
  std::string line;
  char c = 0;
  while (::read(out_, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

int Running::end_with(int signal) {
  ::kill(pid_, signal);
  const int exit_code = wait_for(pid_);
  pid_ = -1;
  return exit_code;
}

}  // namespace headlight::testing
