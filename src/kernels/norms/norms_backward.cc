// Gradients of the norms in vectors: three sweeps of a row of x and two of d_y that stay in L1.
#include "kernels/norms/norms_backward.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/threads.h"
#include "kernels/norms/norms_backward_arguments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms/norms_backward.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/norms/norm_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V LoadUpTo(D d, const float* p, size_t left) {
  return left >= hn::Lanes(d) ? hn::LoadU(d, p) : LoadPartial(d, p, left);
}
HWY_INLINE void StoreUpTo(V v, D d, float* p, size_t left) {
  left >= hn::Lanes(d) ? hn::StoreU(v, d, p) : StorePartial(v, d, p, left);
}

/// Means of g = d_y * weight and of g * n over a row.
struct RowMeans {
  float g, gn;
};

/// Also adds the row to the sums [width] of d_y * n and of d_y.
HWY_INLINE RowMeans SumRow(D d, const RowMap& m, const NormBackwardArguments& a, std::int64_t r,
                           float* weight_sums, float* bias_sums) {
  const auto n = static_cast<size_t>(a.x.width);
  const float *x = a.x[r], *d_y = a.d_y[r];
  V sum_g = hn::Zero(d), sum_gn = hn::Zero(d);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const size_t left = n - i;
    const V dy = LoadUpTo(d, d_y + i, left);  // zeros past the end, so that these add nothing
    const V normalised = Normalised(d, m, LoadUpTo(d, x + i, left));
    const V g = hn::Mul(dy, LoadUpTo(d, a.weight + i, left));
    sum_g = hn::Add(sum_g, g);
    sum_gn = hn::MulAdd(g, normalised, sum_gn);
    StoreUpTo(hn::MulAdd(dy, normalised, LoadUpTo(d, weight_sums + i, left)), d, weight_sums + i,
              left);
    StoreUpTo(hn::Add(dy, LoadUpTo(d, bias_sums + i, left)), d, bias_sums + i, left);
  }
  const float inverse = 1.0f / static_cast<float>(n);
  return {hn::GetLane(hn::SumOfLanes(d, sum_g)) * inverse,
          hn::GetLane(hn::SumOfLanes(d, sum_gn)) * inverse};
}

/// d_x = scale * (g - means.g - n * means.gn)
HWY_INLINE void MapRow(D d, const RowMap& m, const NormBackwardArguments& a, std::int64_t r,
                       RowMeans means) {
  const auto width = static_cast<size_t>(a.x.width);
  const V scale = hn::Set(d, m.scale), mean_g = hn::Set(d, means.g), mean_gn = hn::Set(d, means.gn);
  for (size_t i = 0; i < width; i += hn::Lanes(d)) {
    const size_t left = width - i;
    const V n = Normalised(d, m, LoadUpTo(d, a.x[r] + i, left));
    const V g = hn::Mul(LoadUpTo(d, a.d_y[r] + i, left), LoadUpTo(d, a.weight + i, left));
    StoreUpTo(hn::Mul(scale, hn::NegMulAdd(n, mean_gn, hn::Sub(g, mean_g))), d, a.d_x[r] + i, left);
  }
}

void LayerNormBackwardRows(const NormBackwardArguments& a, std::int64_t begin, std::int64_t end,
                           float* weight_sums, float* bias_sums) {
  const D d;
  for (std::int64_t r = begin; r < end; ++r) {
    const RowMap m = LayerNormMap(d, a.x[r], static_cast<size_t>(a.x.width), a.eps);
    MapRow(d, m, a, r, SumRow(d, m, a, r, weight_sums, bias_sums));
  }
}

void RmsNormBackwardRows(const NormBackwardArguments& a, std::int64_t begin, std::int64_t end,
                         float* weight_sums, float* bias_sums) {
  const D d;
  for (std::int64_t r = begin; r < end; ++r) {
    const RowMap m = RmsNormMap(d, a.x[r], static_cast<size_t>(a.x.width), a.eps);
    const RowMeans means = SumRow(d, m, a, r, weight_sums, bias_sums);
    MapRow(d, m, a, r, {0, means.gn});  // no mean was taken off
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {
namespace {

HWY_EXPORT(LayerNormBackwardRows);
HWY_EXPORT(RmsNormBackwardRows);

// Rows are cut into runs by their number alone, and the runs' sums are added in order: the result
// does not depend on the threads.
constexpr std::int64_t kRowsPerRun = 16;
constexpr std::int64_t kMostRuns = 32;

void write_sums(std::span<float> to, GradientMode mode, std::span<const float> runs,
                std::size_t step) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    float sum = mode == GradientMode::add ? to[i] : 0.0f;
    for (std::size_t at = i; at < runs.size(); at += step) sum += runs[at];
    to[i] = sum;
  }
}

template <class RunRows>
void run_backward(const NormBackwardArguments& a, const NormGradients& g, const RunRows& run_rows) {
  const std::int64_t per_run = std::max(kRowsPerRun, (a.x.count + kMostRuns - 1) / kMostRuns);
  const std::int64_t runs = (a.x.count + per_run - 1) / per_run;
  const auto width = static_cast<std::size_t>(a.x.width);
  std::vector<float> sums(static_cast<std::size_t>(runs) * 2 * width);
  parallel_for(runs, [&](std::int64_t run) {
    float* own = sums.data() + static_cast<std::size_t>(run) * 2 * width;
    run_rows(a, run * per_run, std::min(a.x.count, (run + 1) * per_run), own, own + width);
  });
  const std::span<const float> all(sums);
  write_sums(g.d_weight, g.mode, all, 2 * width);
  write_sums(g.d_bias, g.mode, all.subspan(std::min(width, all.size())), 2 * width);
}

}  // namespace

void layer_norm_backward(TensorView x, TensorView weight, float eps,
                         const NormGradients& gradients) {
  run_backward(norm_backward_arguments("layer_norm_backward", x, weight, eps, gradients), gradients,
               HWY_DYNAMIC_DISPATCH(LayerNormBackwardRows));
}

void rms_norm_backward(TensorView x, TensorView weight, float eps, const NormGradients& gradients) {
  const auto a = norm_backward_arguments("rms_norm_backward", x, weight, eps, gradients);
  check(gradients.d_bias.empty(), "rms_norm_backward", "d_bias is asked for but there is no bias");
  run_backward(a, gradients, HWY_DYNAMIC_DISPATCH(RmsNormBackwardRows));
}

}  // namespace headlight
#endif  // HWY_ONCE
