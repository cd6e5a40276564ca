#include "kernels/attention/gather.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/slice.h"
#include "core/threads.h"
#include "kernels/attention/flash/flash.h"
#include "kernels/attention/rows.h"
#include "kernels/attention/statistics.h"

namespace headlight {
namespace {

/// A buffer that is kept for the next call, as [1, kv_len, ...] of the pages' dtype.
MutableTensorView reserve(Tensor& storage, const TensorView& pages, std::int64_t kv_len) {
  Shape shape = pages.shape();
  shape[0] = 1;
  shape[1] = kv_len;
  const std::int64_t bytes = shape.numel() * static_cast<std::int64_t>(size_of(pages.dtype()));
  if (!storage || storage.numel() < bytes)
    storage = Tensor(DType::u8, {std::max<std::int64_t>(bytes, 1)});
  return {storage.view().data(), pages.dtype(), shape};
}

/// The rows of one batch entry's keys, values or scales: [1, kv_len, Hkv] or [1, kv_len, Hkv, D].
TensorView gathered(const AttentionTensors& t, std::int64_t batch, std::int64_t kv_len,
                    const TensorView& pages, Tensor& storage) {
  if (!pages) return {};
  const MutableTensorView to = reserve(storage, pages, kv_len);
  const auto element = static_cast<std::int64_t>(size_of(pages.dtype()));
  const std::int64_t width = pages.rank() == 4 ? pages.dim(3) : 1;
  const auto* source = static_cast<const std::byte*>(pages.data());
  auto* target = static_cast<std::byte*>(to.data());
  parallel_for(pages.dim(2), [&](std::int64_t head) {
    for (std::int64_t j = 0; j < kv_len; ++j) {
      const KeyIndex at = stored_key(t, {batch, j, head});
      std::memcpy(target + element * (j * to.stride(1) + head * to.stride(2)),
                  source + element * (at.batch * pages.stride(0) + at.position * pages.stride(1) +
                                      head * pages.stride(2)),
                  static_cast<std::size_t>(width * element));
    }
  });
  return to;
}

/// Entry `batch` of a view whose first extent is the batch, or 1.
template <class View>
View entry_of(const View& view, std::int64_t batch) {
  return view ? slice(view, 0, view.dim(0) == 1 ? 0 : batch, 1) : View();
}

/// Columns past an entry's own keys stay as they are.
void clear_columns(const MutableTensorView& mass) {
  for (std::int64_t b = 0; mass && b < mass.dim(0); ++b)
    for (std::int64_t n = 0; n < mass.dim(1); ++n)
      std::fill_n(mass.as<float>() + b * mass.stride(0) + n * mass.stride(1), mass.dim(2), 0.0f);
}

void run_gather(const AttentionProblem& problem, const AttentionTensors& t) {
  static thread_local Tensor k, v, k_scale, v_scale;
  if (t.statistics) clear_columns(t.statistics->column_mass);
  for (std::int64_t b = 0; b < problem.batch; ++b) {
    AttentionProblem p = entry_problem(problem, t, b);
    p.batch = 1;
    p.page_len = 0;
    p.dropout.first_batch += b;
    AttentionTensors entry = t;
    entry.page_table = {};
    entry.kv_lengths = {};
    entry.k = gathered(t, b, p.kv_len, t.k, k);
    entry.v = gathered(t, b, p.kv_len, t.v, v);
    entry.k_scale = gathered(t, b, p.kv_len, t.k_scale, k_scale);
    entry.v_scale = gathered(t, b, p.kv_len, t.v_scale, v_scale);
    entry.q = entry_of(t.q, b);
    entry.z = entry_of(t.z, b);
    entry.lse = entry_of(t.lse, b);
    entry.mask = entry_of(t.mask, b);
    entry.bias = entry_of(t.bias, b);
    std::optional<PartStatistics> statistics;
    if (t.statistics) {
      statistics.emplace(*t.statistics,
                         StatisticsPart{.batch = b, .q_len = p.q_len, .kv_len = p.kv_len});
      entry.statistics = &statistics->request();
    }
    attention_flash().run(p, entry);
  }
}

}  // namespace

AttentionKernel attention_gather() {
  return {.name = "gather",
          .declines = [](const AttentionProblem& p) -> std::optional<std::string> {
            if (p.page_len == 0) return "no pages";
            return std::nullopt;
          },
          .run = run_gather,
          .isa = []() { return attention_flash().isa(); }};
}

}  // namespace headlight
