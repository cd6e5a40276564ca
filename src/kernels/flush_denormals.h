// Subnormal numbers as zero, for a stretch of vector code.
#pragma once

#include <cstdint>

#if defined(__SSE__)
#include <immintrin.h>
#endif

namespace headlight {

/// While it lives, this thread's fp32 vector arithmetic reads and writes subnormal numbers as zero:
/// weights that small change no sum, but cost over a hundred cycles each on some cores.
class FlushDenormals {
 public:
#if defined(__SSE__)
  FlushDenormals() : saved_(_mm_getcsr()) {
    _mm_setcsr(saved_ | kFlushToZero | kInputsAreZero);
  }
  ~FlushDenormals() {
    _mm_setcsr(saved_);
  }
#else
  FlushDenormals() = default;
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static constexpr std::uint32_t kFlushToZero = 0x8000;
  static constexpr std::uint32_t kInputsAreZero = 0x0040;
  std::uint32_t saved_ = 0;
};

}  // namespace headlight
