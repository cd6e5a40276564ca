// Sizes of this machine's caches, for kernels that cut their work to fit.
#pragma once

#include <cstdint>

namespace headlight {

/// Bytes of the second level, which belongs to one core; 1 MiB where the system does not say.
std::int64_t l2_bytes();

}  // namespace headlight
