// How a decode call is cut into units of work; the same for every instruction set.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/flash/tile.h"
#include "kernels/attention/rows.h"

namespace headlight {

/// Keys scored at a time; starts of blocks and splits are multiples of it in every call, so that a
/// cache gives the same bits however its sequence came into it.
inline constexpr std::int64_t kDecodeBlock = 64;
/// Keys whose partial result one unit of work makes.
inline constexpr std::int64_t kDecodeSplit = 512;
/// Rows are padded to a multiple of this many floats: two of the widest vectors.
inline constexpr std::size_t kDecodePad = 32;

/// Consecutive keys of one key/value head and their values, in memory.
struct KeyRun {
  std::int64_t begin = 0;
  std::size_t count = 0;
  const std::byte* k = nullptr;  ///< the first key; rows `k_stride` bytes apart
  const std::byte* v = nullptr;
  std::int64_t k_stride = 0, v_stride = 0;
  const float* k_scale = nullptr;  ///< of the first key, or none
  const float* v_scale = nullptr;
  std::int64_t k_scale_stride = 0, v_scale_stride = 0;
};

/// Memory that will be read soon, asked for line by line in the order of addresses, so that the
/// hardware's own prefetching runs ahead of it: a core alone keeps too few lines in flight.
class Ahead {
 public:
  Ahead() = default;
  /// `rows` rows of `bytes`, `stride` bytes apart.
  Ahead(const std::byte* first, std::size_t rows, std::int64_t bytes, std::int64_t stride)
      : row_(first), rows_(rows), bytes_(bytes), stride_(stride) {}

  /// Asks for the next line, if something is read that began at `offset` of its own row: a line
  /// for a line.
  void fetch(std::size_t offset) {
    constexpr std::int64_t kLine = 64;
    constexpr int kToRead = 0, kIntoL2 = 2;
    if (rows_ == 0 || offset % kLine != 0) return;
    __builtin_prefetch(row_ + at_, kToRead, kIntoL2);
    at_ += kLine;
    if (at_ < bytes_) return;
    at_ = 0;
    row_ += stride_;
    --rows_;
  }

 private:
  const std::byte* row_ = nullptr;
  std::size_t rows_ = 0;
  std::int64_t bytes_ = 0, stride_ = 0, at_ = 0;
};

/// One row's running result over some keys: [head_dim_v padded] floats of z, and before them these
/// two.
struct RowState {
  float* z;
  float& max() const { return z[-2]; }  ///< times log2(e)
  float& sum() const { return z[-1]; }
};

/// A call, and its cut. Row r of a key/value head is query r / group of its head r % group.
struct DecodeCall {
  const AttentionProblem& problem;
  const AttentionTensors& tensors;
  std::int64_t group = 1, rows = 0;
  std::int64_t splits = 1;
  std::int64_t heads = 1;                    ///< key/value heads of one unit
  std::size_t head_dim = 0, head_dim_v = 0;  ///< padded
  float* states = nullptr;                   ///< [batch, n_kv_heads, splits, rows, row_floats()]

  /// f of the batch entry's problem, a copy only where entries differ.
  template <class F>
  auto of_entry(std::int64_t batch, const F& f) const {
    if (tensors.kv_lengths.empty()) return f(problem);
    return f(entry_problem(problem, tensors, batch));
  }
  /// As AttentionProblem has them, for the batch entry's own number of keys.
  AttentionProblem::KeyRange keys_of(std::int64_t batch, std::int64_t query) const {
    return of_entry(batch, [&](const AttentionProblem& p) { return p.keys_of(query); });
  }
  std::int64_t position(std::int64_t batch, std::int64_t query) const {
    return of_entry(batch, [&](const AttentionProblem& p) { return p.position(query); });
  }
  /// Where the block that key `begin` stands in ends: it does not leave its page.
  std::int64_t block_end(std::int64_t begin) const {
    const std::int64_t end = (begin / kDecodeBlock + 1) * kDecodeBlock;
    if (problem.page_len == 0) return end;
    return std::min(end, (begin / problem.page_len + 1) * problem.page_len);
  }

  std::size_t row_floats() const { return head_dim_v + kDecodePad; }
  std::int64_t head_blocks() const { return (problem.n_kv_heads + heads - 1) / heads; }
  RowState state(std::int64_t batch, std::int64_t kv_head, std::int64_t split,
                 std::int64_t row) const {
    const std::int64_t at = ((batch * problem.n_kv_heads + kv_head) * splits + split) * rows + row;
    return {states + static_cast<std::size_t>(at) * row_floats() + kDecodePad};
  }
};

/// Keys [begin, begin + count) of a head, all in one page where there are pages.
inline KeyRun key_run(const AttentionTensors& t, std::int64_t batch, std::int64_t kv_head,
                      std::int64_t begin, std::int64_t count) {
  const KeyIndex first = stored_key(t, {batch, begin, kv_head});
  const auto place = [&](const TensorView& view) {
    return static_cast<const std::byte*>(view.data()) +
           static_cast<std::int64_t>(size_of(view.dtype())) *
               (first.batch * view.stride(0) + first.position * view.stride(1) +
                kv_head * view.stride(2));
  };
  const auto scale = [&](const TensorView& view) {
    return view ? view.as<float>() + first.batch * view.stride(0) +
                      first.position * view.stride(1) + kv_head * view.stride(2)
                : nullptr;
  };
  const auto bytes = static_cast<std::int64_t>(size_of(t.k.dtype()));
  return {.begin = begin,
          .count = static_cast<std::size_t>(count),
          .k = place(t.k),
          .v = place(t.v),
          .k_stride = t.k.stride(1) * bytes,
          .v_stride = t.v.stride(1) * bytes,
          .k_scale = scale(t.k_scale),
          .v_scale = scale(t.v_scale),
          .k_scale_stride = t.k_scale ? t.k_scale.stride(1) : 0,
          .v_scale_stride = t.v_scale ? t.v_scale.stride(1) : 0};
}

/// Heads that one unit reads together: all whose keys lie beside each other, so that memory is read
/// in order, unless threads would have nothing to do. Does not change the result.
inline std::int64_t heads_of_unit(const DecodeCall& call) {
  constexpr std::int64_t kUnitsPerThread = 4;
  const AttentionProblem& p = call.problem;
  const bool beside = call.tensors.k.stride(2) < call.tensors.k.stride(1);
  const bool busy = threads() == 1 || p.batch * call.splits >= kUnitsPerThread * threads();
  if (!beside || !busy) return 1;
  constexpr std::int64_t kStateFloats = 64 << 10;  // stays in L2 with the keys at hand
  const std::int64_t head = call.rows * static_cast<std::int64_t>(call.head_dim + call.head_dim_v);
  return std::clamp<std::int64_t>(kStateFloats / head, 1, p.n_kv_heads);
}

/// True for a call that ends sooner than other threads would have joined in.
inline bool is_small(const AttentionProblem& p) {
  constexpr double kSmallFlops = 1e6, kSmallBytes = 512 << 10;
  const auto keys = static_cast<double>(p.batch * p.kv_len * (p.head_dim + p.head_dim_v));
  return 2 * keys * static_cast<double>(p.n_heads * p.q_len) < kSmallFlops &&
         keys * static_cast<double>(p.n_kv_heads) * static_cast<double>(size_of(p.kv_dtype)) <
             kSmallBytes;
}

}  // namespace headlight
