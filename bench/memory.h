// What the process holds in memory, from /proc.
#pragma once

#include <malloc.h>

#include <fstream>
#include <string>

namespace headlight::bench {

/// A field of /proc/self/status, in MiB.
inline double memory_mib(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key + ":", 0) == 0) return std::stod(line.substr(key.size() + 1)) / 1024;
  return 0;
}

/// Gives freed memory back and forgets the peak; returns what is resident now, in MiB.
inline double settle_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
  return memory_mib("VmRSS");
}

}  // namespace headlight::bench
