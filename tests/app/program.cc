#include "app/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "core/error.h"

namespace headlight::testing {
namespace fs = std::filesystem;

std::vector<std::string> headlight_command(const std::vector<std::string>& args,
                                           const Environment& environment) {
  std::vector<std::string> words = {"/usr/bin/env", "-i", "HEADLIGHT_SHARED=/nonexistent"};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "OMP_NUM_THREADS"})
    if (const char* value = std::getenv(name)) words.push_back(fmt::format("{}={}", name, value));
  for (const auto& [name, value] : environment) words.push_back(fmt::format("{}={}", name, value));
  words.push_back(headlight_program());
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

ProgramResult run_headlight(const std::vector<std::string>& args, const Environment& environment) {
  std::string pattern = fs::temp_directory_path() / "headlight-run-XXXXXX";
  check(::mkdtemp(pattern.data()) != nullptr, "test", "no folder {} for a run's output", pattern);
  const ProgramResult result = run_program(headlight_command(args, environment), pattern);
  fs::remove_all(pattern);
  return result;
}

Running::Running(const std::vector<std::string>& args, const Environment& environment) {
  const std::vector<std::string> words = headlight_command(args, environment);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "test", "no pipe");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  const int failed = ::posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  out_ = ends[0];
  check(failed == 0, "test", "cannot start {}", words[0]);
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
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace headlight::testing
