#include "support/run_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/error.h"

namespace headlight::testing {
namespace {

namespace fs = std::filesystem;
constexpr int kSeconds = 60;

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Waits for a child, and kills it when its time is up. SIGCHLD must be blocked.
int wait_for(pid_t child, const std::string& name) {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  int status = 0;
  const timespec limit{kSeconds, 0};
  if (::waitpid(child, &status, WNOHANG) == child) return status;
  ::sigtimedwait(&ended, nullptr, &limit);
  if (::waitpid(child, &status, WNOHANG) == child) return status;
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  fail("test", "{} had not ended after {} seconds", name, kSeconds);
}

/// Blocks SIGCHLD while a child runs, so that sigtimedwait sees it.
class ChildSignalBlocked {
 public:
  ChildSignalBlocked() {
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &ended, &before_);
  }
  ~ChildSignalBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, const fs::path& scratch) {
  const fs::path out = scratch / "program.out", err = scratch / "program.err";
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  const ChildSignalBlocked blocked;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), kNew, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), kNew, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &blocked.before());
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int started = ::posix_spawn(&child, argv[0], &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  check(started == 0, "test", "cannot start {}", arguments[0]);

  const int status = wait_for(child, arguments[0]);
  ProgramResult result{.exit_code = -1, .signal = 0, .out = read_all(out), .err = read_all(err)};
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

fs::path headlight_program() {
  const char* path = std::getenv("HEADLIGHT_BINARY");
  check(path != nullptr, "test", "HEADLIGHT_BINARY does not name the program; run through ctest");
  return path;
}

}  // namespace headlight::testing
