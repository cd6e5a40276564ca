// The pooled pattern in vectors. Lanes are keys: a block of keys lies transposed in L1 while all
// rows that are read pass over it, a few at a time. Rows of one cell add up lane by lane, so that a
// cell meets its block's columns once, not once for each row. Each entry costs 2 D flops and reads
// nothing from memory that the block's other rows do not read, too.
#include "kernels/attention/pooled_pattern.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/threads.h"
#include "kernels/flush_denormals.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/pooled_pattern.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/transpose-inl.h"
#include "kernels/vector_math-inl.h"

// What every target is handed, once.
#ifndef HEADLIGHT_POOLED_PATTERN_CALL
#define HEADLIGHT_POOLED_PATTERN_CALL
namespace headlight {

/// The rows that are read, side by side, and what else a part of the columns needs to know.
struct PooledCall {
  const HeadScores& head;
  const PatternGrid& grid;
  SampledRows sampled = {};
  std::vector<float> q = {};                          ///< [rows read, D], times scale
  std::vector<float> lse = {};                        ///< of each
  std::vector<std::int64_t> cell_of = {};             ///< of each
  std::vector<AttentionProblem::KeyRange> seen = {};  ///< by each
  float* mean = nullptr;                              ///< [n_rows, n_columns]
  float* max = nullptr;
};

}  // namespace headlight
#endif

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr size_t kRows = 6;  ///< with kVecs, sums that fit sixteen registers
constexpr size_t kVecs = 2;
constexpr size_t kMostKeys = kVecs * hn::MaxLanes(D());

/// Some columns of the grid.
class ColumnPart {
 public:
  ColumnPart(const PooledCall& call, std::int64_t first, std::int64_t last)
      : call_(call),
        first_(first),
        last_(last),
        dim_(static_cast<size_t>(call.head.q.dim(1))),
        keys_(kVecs * hn::Lanes(D())),
        k_t_(dim_ * keys_),
        sums_(static_cast<size_t>(call.grid.n_rows * (last - first))),
        tops_(sums_.size()) {}

  void run() {
    const std::int64_t end = call_.grid.key_edge(last_);
    const auto step = static_cast<std::int64_t>(keys_);
    for (begin_ = call_.grid.key_edge(first_); begin_ < end; begin_ += step) {
      count_ = static_cast<size_t>(std::min(step, end - begin_));
      pack();
      find_segments();
      for (size_t r = 0; r < call_.lse.size(); r += kRows) read_rows(r);
      close_cell();
    }
    write();
  }

 private:
  /// Keys of the block that fall into one column.
  struct Segment {
    size_t begin, end;
    size_t column;
  };

  void pack() {
    const TensorView& k = call_.head.k;
    if (count_ < keys_) std::fill(k_t_.begin(), k_t_.end(), 0.0f);
    Transpose(Matrix<const float>{k.as<float>() + begin_ * k.stride(0), k.stride(0)}, count_, dim_,
              Matrix<float>{k_t_.data(), static_cast<std::int64_t>(keys_)});
  }

  void find_segments() {
    segments_.clear();
    size_t at = 0;
    for (std::int64_t c = segment_column(); at < count_; ++c) {
      const size_t end = std::min(count_, static_cast<size_t>(call_.grid.key_edge(c + 1) - begin_));
      segments_.push_back({at, end, static_cast<size_t>(c - first_)});
      at = end;
    }
  }

  /// The column of the block's first key; columns only rise from block to block.
  std::int64_t segment_column() {
    while (call_.grid.key_edge(column_ + 1) <= begin_) ++column_;
    return column_;
  }

  /// Rows [r, r + kRows), or those of them that there are.
  void read_rows(size_t r) {
    const size_t rows = std::min(kRows, call_.lse.size() - r);
    const auto end = begin_ + static_cast<std::int64_t>(count_);
    const auto sees = [&](const AttentionProblem::KeyRange& keys) {
      return keys.first < end && keys.last > begin_;
    };
    const auto* seen = call_.seen.data() + r;
    if (std::none_of(seen, seen + rows, sees)) return;
    score(r, rows);
    for (size_t i = 0; i < rows; ++i)
      if (sees(seen[i])) take(r + i, scores_ + i * keys_, seen[i]);
  }

  /// scores_[i] = q_(r + i) . k; rows past the last repeat it.
  void score(size_t r, size_t rows) {
    const D d;
    const size_t lanes = hn::Lanes(d);
    const float* HWY_RESTRICT q[kRows];
    for (size_t i = 0; i < kRows; ++i) q[i] = call_.q.data() + (r + std::min(i, rows - 1)) * dim_;
    V sum[kRows][kVecs];
    for (auto& row : sum)
      for (V& v : row) v = hn::Zero(d);
    const float* HWY_RESTRICT k = k_t_.data();
    for (size_t x = 0; x < dim_; ++x, k += kVecs * lanes) {
      V keys[kVecs];
      for (size_t c = 0; c < kVecs; ++c) keys[c] = hn::LoadU(d, k + c * lanes);
      for (size_t i = 0; i < kRows; ++i) {
        const V one = hn::Set(d, q[i][x]);
        for (size_t c = 0; c < kVecs; ++c) sum[i][c] = hn::MulAdd(one, keys[c], sum[i][c]);
      }
    }
    for (size_t i = 0; i < kRows; ++i)
      for (size_t c = 0; c < kVecs; ++c) hn::Store(sum[i][c], d, scores_ + i * keys_ + c * lanes);
  }

  /// Scores of one row become entries, which its cell takes up.
  void take(size_t r, const float* scores, const AttentionProblem::KeyRange& seen) {
    const D d;
    const size_t lanes = hn::Lanes(d);
    const auto cell = static_cast<size_t>(call_.cell_of[r]);
    if (cell != cell_) close_cell();
    cell_ = cell;
    const V lse = hn::Set(d, call_.lse[r]), one = hn::Set(d, 1.0f);
    const V first = hn::Set(d, static_cast<float>(clamp(seen.first)));
    const V last = hn::Set(d, static_cast<float>(clamp(seen.last)));
    for (size_t c = 0; c < kVecs; ++c) {
      const V key = hn::Iota(d, static_cast<float>(c * lanes));
      const auto in = hn::And(hn::Ge(key, first), hn::Lt(key, last));
      const V p = hn::Min(Exp(d, hn::Sub(hn::Load(d, scores + c * lanes), lse)), one);
      const V entry = hn::IfThenElseZero(in, p);
      float* sum = lane_sums_ + c * lanes;
      float* top = lane_tops_ + c * lanes;
      hn::Store(hn::Add(hn::Load(d, sum), entry), d, sum);
      hn::Store(hn::Max(hn::Load(d, top), entry), d, top);
    }
    open_ = true;
  }

  /// A key's place in the block, in range of a float that counts exactly.
  std::int64_t clamp(std::int64_t key) const {
    return std::clamp<std::int64_t>(key - begin_, 0, static_cast<std::int64_t>(count_));
  }

  /// What the lanes hold goes to the columns of the cell that they belong to.
  void close_cell() {
    if (!open_) return;
    double* sums = sums_.data() + cell_ * columns();
    float* tops = tops_.data() + cell_ * columns();
    for (const Segment& s : segments_) {
      double sum = 0;
      float top = 0;
      for (size_t j = s.begin; j < s.end; ++j) {
        sum += static_cast<double>(lane_sums_[j]);
        top = std::max(top, lane_tops_[j]);
      }
      sums[s.column] += sum;
      tops[s.column] = std::max(tops[s.column], top);
    }
    std::fill_n(lane_sums_, keys_, 0.0f);
    std::fill_n(lane_tops_, keys_, 0.0f);
    open_ = false;
  }

  size_t columns() const { return static_cast<size_t>(last_ - first_); }

  void write() const {
    const PatternGrid& grid = call_.grid;
    for (std::int64_t i = 0; i < grid.n_rows; ++i) {
      const auto cell = static_cast<size_t>(i);
      const size_t rows = call_.sampled.first[cell + 1] - call_.sampled.first[cell];
      for (std::int64_t c = first_; c < last_; ++c) {
        const size_t from = cell * columns() + static_cast<size_t>(c - first_);
        const auto entries = static_cast<double>(rows) *
                             static_cast<double>(grid.key_edge(c + 1) - grid.key_edge(c));
        call_.mean[i * grid.n_columns + c] = static_cast<float>(sums_[from] / entries);
        call_.max[i * grid.n_columns + c] = tops_[from];
      }
    }
  }

  const PooledCall& call_;
  const std::int64_t first_, last_;
  const size_t dim_, keys_;
  std::vector<float> k_t_;    ///< [D, keys_]
  std::vector<double> sums_;  ///< [n_rows, columns of this part]
  std::vector<float> tops_;
  std::vector<Segment> segments_;
  std::int64_t begin_ = 0;  ///< of the block
  size_t count_ = 0;
  std::int64_t column_ = first_;
  size_t cell_ = 0;
  bool open_ = false;  ///< the lanes hold something of cell_
  HWY_ALIGN float scores_[kRows * kMostKeys];
  HWY_ALIGN float lane_sums_[kMostKeys] = {};
  HWY_ALIGN float lane_tops_[kMostKeys] = {};
};

void PoolColumns(const PooledCall& call, std::int64_t first, std::int64_t last) {
  const FlushDenormals flush;
  ColumnPart(call, first, last).run();
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(PoolColumns);
namespace {

/// Keys of a part of the columns: enough to make its beginning and end cheap.
constexpr std::int64_t kPartKeys = 512;

PooledCall call_of(const HeadScores& head, const PatternGrid& grid, MutableTensorView out) {
  PooledCall call{.head = head, .grid = grid};
  call.sampled = sample_rows(grid);
  call.mean = out.as<float>();
  call.max = call.mean + grid.n_rows * grid.n_columns;
  const AttentionProblem problem = head.problem();
  const std::int64_t dim = head.q.dim(1);
  call.q.reserve(call.sampled.rows.size() * static_cast<std::size_t>(dim));
  for (const std::int64_t row : call.sampled.rows) {
    const float* q = head.q.as<float>() + row * head.q.stride(0);
    for (std::int64_t d = 0; d < dim; ++d) call.q.push_back(q[d] * head.scale);
    call.lse.push_back(head.lse.as<float>()[row * head.lse.stride(0)]);
    const bool dead = call.lse.back() == -std::numeric_limits<float>::infinity();
    call.seen.push_back(dead ? AttentionProblem::KeyRange{0, 0} : problem.keys_of(row));
  }
  call.cell_of.resize(call.sampled.rows.size());
  for (std::size_t cell = 0; cell + 1 < call.sampled.first.size(); ++cell)
    for (std::size_t r = call.sampled.first[cell]; r < call.sampled.first[cell + 1]; ++r)
      call.cell_of[r] = static_cast<std::int64_t>(cell);
  return call;
}

}  // namespace

void pooled_pattern(const HeadScores& head, const PatternGrid& grid, MutableTensorView out) {
  check_pooled_pattern(head, grid, out);
  use_target_from_environment();
  const PooledCall call = call_of(head, grid, out);
  const std::int64_t width = (grid.key_end - grid.key_begin) / grid.n_columns;
  const std::int64_t step = std::max<std::int64_t>(1, kPartKeys / width);
  parallel_for((grid.n_columns + step - 1) / step, [&](std::int64_t part) {
    HWY_DYNAMIC_DISPATCH(PoolColumns)
    (call, part * step, std::min(grid.n_columns, (part + 1) * step));
  });
}

}  // namespace headlight
#endif  // HWY_ONCE
