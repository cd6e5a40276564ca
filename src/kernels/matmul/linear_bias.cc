// The gradient of a linear layer's bias: sums down the columns, in double.
#include <algorithm>
#include <cstddef>

#include "core/threads.h"
#include "kernels/matmul/matmul.h"
#include "kernels/rows.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/linear_bias.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Sums = hn::ScalableTag<double>;
using Terms = hn::Rebind<float, Sums>;

/// Vectors whose sums stay in registers while all rows pass by.
constexpr size_t kStripVecs = HWY_TARGET <= HWY_AVX3 ? 16 : 8;

/// to[j] (+)= the sum of column first + j, for kVecs vectors of columns or, at the end, `columns`.
template <size_t kVecs>
void SumColumns(const Rows<const float>& rows, std::int64_t first, size_t columns, bool add,
                float* to) {
  const Sums d;
  const Terms terms;
  const size_t lanes = hn::Lanes(d);
  const bool whole = columns == kVecs * lanes;
  hn::Vec<Sums> sums[kVecs];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const float* HWY_RESTRICT row = rows[r] + first;
    // Rows lie too far apart for the hardware to see them coming.
    constexpr std::int64_t kAhead = 8;
    constexpr size_t kLine = 16;
    const float* later = rows[std::min(r + kAhead, rows.count - 1)] + first;
    for (size_t c = 0; c < columns; c += kLine) __builtin_prefetch(later + c);
#pragma GCC unroll 16
    for (size_t v = 0; v < kVecs; ++v) {
      const auto x = whole ? hn::LoadU(terms, row + v * lanes) : LoadPartial(terms, row, columns);
      sums[v] = hn::Add(sums[v], hn::PromoteTo(d, x));
    }
  }
  HWY_ALIGN double lanes_of[hn::MaxLanes(Sums())];
  for (size_t v = 0; v < kVecs; ++v) {
    hn::Store(sums[v], d, lanes_of);
    for (size_t i = 0; i < lanes && v * lanes + i < columns; ++i, ++to)
      *to = static_cast<float>(lanes_of[i] + (add ? *to : 0));
  }
}

std::int64_t StripWidth() {
  return static_cast<std::int64_t>(kStripVecs * hn::Lanes(Sums()));
}

/// The sums of strip `index` of the columns.
void SumStrip(const Rows<const float>& dy, std::int64_t index, bool add, float* to) {
  const size_t lanes = hn::Lanes(Sums());
  const std::int64_t width = StripWidth();
  std::int64_t first = index * width;
  const std::int64_t end = std::min(first + width, dy.width);
  if (end - first == width)
    return SumColumns<kStripVecs>(dy, first, kStripVecs * lanes, add, to + first);
  for (; first < end; first += static_cast<std::int64_t>(lanes))
    SumColumns<1>(dy, first, std::min(lanes, static_cast<size_t>(end - first)), add, to + first);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(SumStrip);
HWY_EXPORT(StripWidth);

void linear_backward_bias(TensorView dy, MutableTensorView d_bias, const MatmulOptions& options) {
  const auto rows = rows_of("matmul", "dy", dy);
  check(d_bias.shape() == Shape{rows.width} && d_bias.contiguous(), "matmul",
        "d_bias {} does not fit dy {}; it must be a contiguous [{}]", d_bias.shape(), dy.shape(),
        rows.width);
  use_target_from_environment();
  const std::int64_t strip = HWY_DYNAMIC_DISPATCH(StripWidth)();
  parallel_for((rows.width + strip - 1) / strip, [&](std::int64_t i) {
    HWY_DYNAMIC_DISPATCH(SumStrip)(rows, i, options.accumulate, d_bias.as<float>());
  });
}

}  // namespace headlight
#endif  // HWY_ONCE
