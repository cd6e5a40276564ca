// Our own matrix product: c[m, n] (+)= a[m, k] b[k, n] + bias, with b packed beforehand, in fp32 or
// in 16 bits that are widened to fp32 on the way.
//
// b lies in panels of 16 columns, [panels, k, 16], so that a step of k reads one cache line of each
// panel, whatever the instruction set. Rows of a are packed a block at a time and stay in L2 while
// every panel passes by; a slice of one or two panels stays in L1 while the rows pass by (Goto &
// van de Geijn 2008). Every sum runs over k in the same order whatever the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"
#include "core/function_ref.h"
#include "kernels/matmul/strided_matrix.h"

namespace headlight {

inline constexpr std::int64_t kPanelColumns = 16;

constexpr std::int64_t panels_of(std::int64_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns;
}

/// Bytes of one panel of b [k, n]. f32: [k, 16]; f16: [k, 16] with k rounded up to even; bf16:
/// pairs of steps, [ceil(k / 2), 16, 2].
inline std::int64_t panel_bytes(DType dtype, std::int64_t k) {
  const std::int64_t steps = dtype == DType::f32 ? k : k + k % 2;
  return steps * kPanelColumns * static_cast<std::int64_t>(size_of(dtype));
}

/// b [k, n] in panels; n need not be a multiple of 16, but the panels are full.
struct GemmPanels {
  const void* data = nullptr;
  std::int64_t k = 0, n = 0;
  DType dtype = DType::f32;

  /// Step `step` of a panel; even for bf16.
  const std::byte* at(std::int64_t panel, std::int64_t step) const {
    return static_cast<const std::byte*>(data) + panel * panel_bytes(dtype, k) +
           step * kPanelColumns * static_cast<std::int64_t>(size_of(dtype));
  }
};

/// A part of c: rows and columns [begin, end).
struct GemmRegion {
  std::int64_t row_begin, row_end, column_begin, column_end;
};

/// What becomes of the sums.
struct GemmOutput {
  float* data = nullptr;
  std::int64_t row_stride = 0;
  /// Columns [i * block_width, (i + 1) * block_width) lie at data + i * block_stride: a head each,
  /// say. block_width is a multiple of kPanelColumns; 0 for a plain matrix.
  std::int64_t block_width = 0, block_stride = 0;
  const float* bias = nullptr;  ///< [panels_of(n) * 16], or null
  bool accumulate = false;      ///< add to what c holds
  /// Or to this, rows residual_stride apart, where c is a plain matrix.
  const float* residual = nullptr;
  std::int64_t residual_stride = 0;
  /// Called when a region is complete and still in cache, by the thread that computed it; regions
  /// are whole multiples of finish_width columns wide.
  FunctionRef<void(const GemmRegion&)> finish = {};
  std::int64_t finish_width = kPanelColumns;

  float* at(std::int64_t row, std::int64_t column) const {
    float* first = data + row * row_stride;
    if (block_width == 0) return first + column;
    return first + column / block_width * block_stride + column % block_width;
  }
};

/// Packs b, which has an inner stride of 1, into panels of its dtype, zero past its last column.
void pack_panels(const StridedMatrix<const float>& b, float* panels);
void pack_panels(const StridedMatrix<const BFloat16>& b, BFloat16* panels);
void pack_panels(const StridedMatrix<const Float16>& b, Float16* panels);

/// a: [m, k], of which one stride is 1; k >= 1. Runs on threads() threads; takes memory only for a
/// larger product than the calling threads have seen.
void gemm(const StridedMatrix<const float>& a, const GemmPanels& b, const GemmOutput& c);

/// The same for a b [k, n] that nobody has packed, of which one stride is 1; `panels`, room for
/// panels_of(n) * 16 * k floats, is overwritten. Each slice of b is packed just before its first
/// use, when its lines are on their way already.
void gemm(const StridedMatrix<const float>& a, const StridedMatrix<const float>& b, float* panels,
          const GemmOutput& c);

}  // namespace headlight
