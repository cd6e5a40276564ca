#include <cstdlib>
#include <cstring>

#include "io/safetensors.h"
#include "targets.h"

namespace headlight::fuzz {

/// Every view of an accepted file must be aligned and lie on bytes that can be read.
void fuzz_safetensors(Bytes bytes) {
  const MemoryFile input(bytes);
  const SafetensorsFile file(input.path());
  std::size_t total = 0;
  for (const std::string& name : file.names()) {
    const TensorView t = file.tensor(name);
    const std::size_t size = static_cast<std::size_t>(t.numel()) * size_of(t.dtype());
    if (reinterpret_cast<std::uintptr_t>(t.data()) % size_of(t.dtype()) != 0) std::abort();
    total += size;
    std::vector<std::byte> copy(size);
    if (size > 0) std::memcpy(copy.data(), t.data(), size);
  }
  if (total > bytes.size()) std::abort();
}

}  // namespace headlight::fuzz
