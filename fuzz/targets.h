// What is fuzzed: one function per parser of bytes from outside.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/error.h"

namespace headlight::fuzz {

using Bytes = std::span<const std::byte>;

/// Runs a parser on the bytes and uses what it accepts. May throw Error; anything else is a
/// finding.
using TargetFunction = void (*)(Bytes bytes);

void fuzz_json(Bytes bytes);
void fuzz_safetensors(Bytes bytes);
void fuzz_gguf(Bytes bytes);
void fuzz_config(Bytes bytes);
void fuzz_tokenizer_json(Bytes bytes);
void fuzz_sentence_piece(Bytes bytes);
void fuzz_llama2c(Bytes bytes);

struct Target {
  std::string_view name;  ///< also the folder of its past crashes, past/<name>/
  TargetFunction run;
};
inline constexpr std::array kTargets = {
    Target{"json", fuzz_json},
    Target{"safetensors", fuzz_safetensors},
    Target{"gguf", fuzz_gguf},
    Target{"config", fuzz_config},
    Target{"tokenizer_json", fuzz_tokenizer_json},
    Target{"sentence_piece", fuzz_sentence_piece},
    Target{"llama2c", fuzz_llama2c},
};

/// Runs a target as the library promises to behave: it returns, or throws Error with a message of
/// one line. Any other exception, or a message of several lines, ends the process.
void run_target(const Target& target, Bytes bytes);

/// A regular file in memory with the given bytes, for parsers that take a path.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const;

 private:
  int descriptor_;
};

/// A folder of this process's own, for parsers that take one; removed at exit.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  /// Writes a file of the folder anew.
  void write(std::string_view name, Bytes bytes) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace headlight::fuzz
