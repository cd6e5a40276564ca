#include "model/paged_kv_cache.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "core/error.h"
#include "core/threads.h"
#include "model/kv_storage.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "paged_kv_cache";

void check_entry(std::string_view name, TensorView view, std::int64_t heads, std::int64_t width) {
  check(view.rank() == 3 && view.dim(1) == heads && view.dim(2) == width && view.stride(2) == 1,
        kOp, "{} {} does not fit the cache; it must be [new keys, {}, {}], inner stride 1", name,
        view.shape(), heads, width);
  check(view.dtype() == DType::f32, kOp, "{} {} is {}; a cache is given f32, whatever it stores",
        name, view.shape(), name_of(view.dtype()));
}

}  // namespace

PagedKvCache::PagedKvCache(const PagedKvCacheShape& shape) : shape_(shape) {
  check(shape.pages >= 1 && shape.page_len >= 1 && shape.n_kv_heads >= 1 && shape.head_dim >= 1 &&
            shape.head_dim_v >= 1 && shape.pages <= std::numeric_limits<std::int32_t>::max(),
        kOp,
        "pages {}, page_len {}, n_kv_heads {}, head_dim {}, head_dim_v {}: all must be 1 or more, "
        "pages below 2^31",
        shape.pages, shape.page_len, shape.n_kv_heads, shape.head_dim, shape.head_dim_v);
  check_storage(kOp, shape.dtype);
  const Shape rows{shape.pages, shape.n_kv_heads, shape.page_len};
  k_ = Tensor(shape.dtype, {rows[0], rows[1], rows[2], shape.head_dim});
  v_ = Tensor(shape.dtype, {rows[0], rows[1], rows[2], shape.head_dim_v});
  if (shape.dtype == DType::i8) {
    k_scale_ = Tensor(rows);
    v_scale_ = Tensor(rows);
  }
  for (std::int64_t page = shape.pages; page-- > 0;)
    free_.push_back(static_cast<std::int32_t>(page));
}

std::int64_t PagedKvCache::start() {
  sequences_.emplace(started_, Sequence{});
  return started_++;
}

void PagedKvCache::end(std::int64_t sequence) {
  at(sequence);
  release(sequences_[sequence], 0);
  sequences_.erase(sequence);
}

void PagedKvCache::append(std::int64_t sequence, TensorView k, TensorView v) {
  check_entry("k", k, shape_.n_kv_heads, shape_.head_dim);
  check_entry("v", v, shape_.n_kv_heads, shape_.head_dim_v);
  check(k.dim(0) == v.dim(0), kOp, "k {} and v {} hold different numbers of keys", k.shape(),
        v.shape());
  const std::int64_t held = std::ssize(at(sequence).pages);
  const std::int64_t more = more_pages(sequence, k.dim(0));
  check(more <= free_pages(), kOp,
        "{} more keys for sequence {} take {} more pages; {} of {} are free", k.dim(0), sequence,
        more, free_pages(), shape_.pages);
  Sequence& to = sequences_[sequence];
  for (std::int64_t i = 0; i < more; ++i) {
    to.pages.push_back(free_.back());
    free_.pop_back();
  }
  try {
    copy_in(to, k, k_, k_scale_);
    copy_in(to, v, v_, v_scale_);
  } catch (...) {
    release(to, held);
    throw;
  }
  to.length += k.dim(0);
}

void PagedKvCache::truncate(std::int64_t sequence, std::int64_t length) {
  check(0 <= length && length <= at(sequence).length, kOp,
        "cannot truncate sequence {} to {} keys; it has {}", sequence, length, at(sequence).length);
  Sequence& cut = sequences_[sequence];
  cut.length = length;
  release(cut, pages_for(length));
}

void PagedKvCache::give(std::span<const std::int64_t> sequences, AttentionTensors& tensors) {
  lengths_.clear();
  std::int64_t columns = 1;
  for (const std::int64_t sequence : sequences) {
    lengths_.push_back(length(sequence));
    columns = std::max(columns, pages_for(lengths_.back()));
  }
  const std::int64_t batch = std::ssize(sequences);
  table_.assign(static_cast<std::size_t>(batch * columns), 0);
  for (std::int64_t b = 0; b < batch; ++b)
    std::ranges::copy(at(sequences[static_cast<std::size_t>(b)]).pages,
                      table_.begin() + b * columns);
  tensors.k = positions_of(k_, shape_.page_len);
  tensors.v = positions_of(v_, shape_.page_len);
  tensors.k_scale = positions_of(k_scale_, shape_.page_len);
  tensors.v_scale = positions_of(v_scale_, shape_.page_len);
  tensors.page_table = TensorView(table_.data(), {batch, columns});
  tensors.kv_lengths = lengths_;
}

const PagedKvCache::Sequence& PagedKvCache::at(std::int64_t sequence) const {
  const auto found = sequences_.find(sequence);
  check(found != sequences_.end(), kOp, "there is no sequence {}: it {}", sequence,
        0 <= sequence && sequence < started_ ? "has ended" : "was never started");
  return found->second;
}

std::int64_t PagedKvCache::pages_for(std::int64_t length) const {
  return (length + shape_.page_len - 1) / shape_.page_len;
}

/// Leaves a sequence its first `pages` pages.
void PagedKvCache::release(Sequence& sequence, std::int64_t pages) {
  while (std::ssize(sequence.pages) > pages) {
    free_.push_back(sequence.pages.back());
    sequence.pages.pop_back();
  }
}

/// from [T, H, W] behind the keys of `to`, whose pages are there.
void PagedKvCache::copy_in(const Sequence& to, TensorView from, Tensor& stored,
                           Tensor& scale) const {
  const auto* source = from.as<float>();
  auto* target = static_cast<std::byte*>(stored.view().data());
  const std::int64_t heads = from.dim(1), width = from.dim(2);
  const auto element = static_cast<std::int64_t>(size_of(shape_.dtype));
  float* scales = scale ? scale.span<float>().data() : nullptr;
  parallel_for(heads, [&](std::int64_t h) {
    for (std::int64_t t = 0; t < from.dim(0); ++t) {
      const std::int64_t key = to.length + t;
      const std::int64_t page = to.pages[static_cast<std::size_t>(key / shape_.page_len)];
      const std::int64_t row = (page * heads + h) * shape_.page_len + key % shape_.page_len;
      store_head(
          kOp, {source + t * from.stride(0) + h * from.stride(1), static_cast<std::size_t>(width)},
          shape_.dtype, target + row * width * element, scales ? scales + row : nullptr);
    }
  });
}

}  // namespace headlight
