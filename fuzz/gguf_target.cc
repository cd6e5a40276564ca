#include <cstring>
#include <vector>

#include "io/gguf.h"
#include "targets.h"

namespace headlight::fuzz {
namespace {

/// Calls an accessor that may rightly refuse the key's type.
template <class Access>
void try_access(Access&& access) {
  try {
    access();
  } catch (const Error&) {
  }
}

}  // namespace

/// Every key is asked for as every type, and every tensor is read.
void fuzz_gguf(Bytes bytes) {
  const MemoryFile input(bytes);
  const GgufFile file(input.path());
  for (const std::string& key : file.keys()) {
    try_access([&] { file.integer(key); });
    try_access([&] { file.number(key); });
    try_access([&] { file.boolean(key); });
    try_access([&] { file.string(key); });
    try_access([&] { file.strings(key); });
    try_access([&] { file.integers(key); });
    try_access([&] { file.numbers(key); });
  }
  for (const std::string& name : file.tensor_names()) {
    const TensorView t = file.tensor(name);
    std::vector<std::byte> copy(static_cast<std::size_t>(t.numel()) * size_of(t.dtype()));
    if (!copy.empty()) std::memcpy(copy.data(), t.data(), copy.size());
  }
}

}  // namespace headlight::fuzz
