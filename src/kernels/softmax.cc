// Row softmax in vectors: three sweeps of a row that stays in cache (largest, exp and sum, scale).
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/activations/activations.h"
#include "kernels/row_blocks.h"
#include "kernels/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/softmax_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE void ScaleRow(D d, float* x, size_t n, float scale) {
  const size_t lanes = hn::Lanes(d);
  const V factor = hn::Set(d, scale);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), factor), d, x + i);
  for (; i < n; ++i) x[i] *= scale;
}

// No number above -inf: zeros, or not-a-number throughout where the row holds one.
void DeadRow(float* x, size_t n) {
  float fill = 0;
  for (size_t i = 0; i < n; ++i)
    if (std::isnan(x[i])) fill = x[i];
  for (size_t i = 0; i < n; ++i) x[i] = fill;
}

void SoftmaxBlock(float* x, std::int64_t count, std::int64_t width, std::int64_t stride) {
  const D d;
  const auto n = static_cast<size_t>(width);
  for (std::int64_t r = 0; r < count; ++r, x += stride) {
    const float max = RowMax(d, x, n);
    if (max == -std::numeric_limits<float>::infinity())
      DeadRow(x, n);
    else
      ScaleRow(d, x, n, 1.0f / ExpRow(d, x, n, max, x));
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(SoftmaxBlock);

void softmax_rows(MutableTensorView x) {
  const auto rows = rows_of("softmax", "x", x);
  for_row_blocks(rows.count, rows.width, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftmaxBlock)(rows[begin], end - begin, rows.width, rows.stride);
  });
}

}  // namespace headlight
#endif  // HWY_ONCE
