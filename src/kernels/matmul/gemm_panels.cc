// Panels of 16-bit weights: made once, so plain loops.
#include <algorithm>

#include "core/threads.h"
#include "kernels/matmul/gemm.h"

namespace headlight {
namespace {

/// to[place(step, column)] = b[step, column], zero past b's last column.
template <class T, class Place>
void pack(const StridedMatrix<const T>& b, DType dtype, T* panels, const Place& place) {
  const auto elements = panel_bytes(dtype, b.rows) / static_cast<std::int64_t>(sizeof(T));
  parallel_for(panels_of(b.columns), [&](std::int64_t panel) {
    T* to = panels + panel * elements;
    std::fill_n(to, elements, T());
    const std::int64_t first = panel * kPanelColumns;
    const std::int64_t columns = std::min(kPanelColumns, b.columns - first);
    for (std::int64_t i = 0; i < b.rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) to[place(i, j)] = b.at(i, first + j);
  });
}

}  // namespace

void pack_panels(const StridedMatrix<const BFloat16>& b, BFloat16* panels) {
  pack(b, DType::bf16, panels,
       [](std::int64_t i, std::int64_t j) { return (i / 2 * kPanelColumns + j) * 2 + i % 2; });
}

void pack_panels(const StridedMatrix<const Float16>& b, Float16* panels) {
  pack(b, DType::f16, panels, [](std::int64_t i, std::int64_t j) { return i * kPanelColumns + j; });
}

}  // namespace headlight
