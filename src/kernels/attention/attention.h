// Multi-head scaled dot-product attention: the op, and the seam its kernels plug into.
//
// For each head h, with key/value head g = floor(h * n_kv_heads / n_heads):
//   scores_h  = scale * q_h k_g^T, then softcap, then + bias (additive bias and ALiBi)
//   pattern_h = softmax(masked scores_h)            rows sum to 1; a fully masked row is all zero
//   z_h       = head_gate_h * pattern_h v_g
// (Vaswani et al. 2017, section 3.2; GQA: Ainslie et al. 2023; ALiBi: Press et al. 2022.)
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/tensor.h"
#include "kernels/dropout.h"

namespace headlight {

/// Which keys a query may see by position. `bottom_right` lines the last query up with the last
/// key (query i sees keys <= i + kv_len - q_len: right for a cache); `top_left` lines up the first.
enum class Causal : std::uint8_t { none, bottom_right, top_left };

/// Sliding window around the query's own position (aligned as `Causal` says; bottom-right when
/// not causal): keys in [p - left, p + right]. -1 is unbounded. Applied with causal, not instead.
struct Window {
  std::int64_t left = -1;
  std::int64_t right = -1;
};

struct AttentionStatistics;

/// What goes in and comes out. Every view may be strided; innermost stride of q, k, v, z is 1.
/// q is stored as f32, bf16 or f16; k and v as one of these or i8, both alike but not necessarily
/// as q is; z as q is, or f32. Whatever the storage, sums are fp32 or better.
/// All members have initialisers, so that callers name the ones they use: {.q = q, .k = k, ...}.
struct AttentionTensors {
  TensorView q = {};  ///< [B, Tq, H, D]
  TensorView k = {};  ///< [B, Tkv, Hkv, D]
  TensorView v = {};  ///< [B, Tkv, Hkv, Dv]
  /// Optional, f32, [B, Tkv, Hkv], for i8 only: what the stored integers of one head at one
  /// position are multiplied by (1 when not given).
  TensorView k_scale = {};
  TensorView v_scale = {};  ///< the same for v
  /// Optional, i32, [B, pages of a sequence]: k and v (and their scales) are then pages, P instead
  /// of B and page_len instead of Tkv, and key j of batch entry b is row j % page_len of page
  /// page_table[b, j / page_len].
  TensorView page_table = {};
  /// With a page table, [B]: how many keys each batch entry has; the positions of its queries are
  /// counted from that (see Causal). Tkv is the largest of them.
  std::span<const std::int64_t> kv_lengths = {};
  /// Optional, bool or u8, [B, H, Tq, Tkv] or broadcast as NumPy does it: true = may attend.
  TensorView mask = {};
  /// Optional, f32, of such a shape ([Tq, Tkv], [Tkv], extents of 1): added to scaled, capped
  /// scores; -inf masks the pair.
  TensorView bias = {};
  /// Optional, [H]: adds slope_h * (j - i), i aligned as causal.
  std::span<const float> alibi_slopes = {};
  std::span<const float> sinks = {};      ///< optional, [H]: logit in the softmax denominator only
  std::span<const float> head_gate = {};  ///< optional, [H], each in [0, 1]: scales z_h
  MutableTensorView z = {};               ///< [B, Tq, H, Dv]
  /// Optional, f32, [B, H, Tq]: log-sum-exp of a row, sink included; -inf when dead.
  MutableTensorView lse = {};
  /// Optional: reductions of the patterns, and chosen rows (kernels/attention/statistics.h).
  const AttentionStatistics* statistics = nullptr;
};

/// The optional inputs that a problem uses; a kernel may decline some.
enum class Extra : std::uint8_t {
  mask = 1,
  bias = 2,
  alibi = 4,
  sinks = 8,
  head_gate = 16,
  lse = 32,
  statistics = 64
};

struct AttentionOptions {
  std::optional<float> scale = {};  ///< 1/sqrt(head_dim) unless given
  float softcap = 0;                ///< s > 0: scores become s * tanh(scores / s)
  Causal causal = Causal::none;
  Window window = {};
  Dropout dropout = {};  ///< on the pattern, for training; lse stays that of the whole row
  /// Force this kernel; empty: HEADLIGHT_KERNEL, else the first that accepts.
  std::string_view kernel = {};
};

/// Everything about a call but its data: what kernels decide on.
struct AttentionProblem {
  std::int64_t batch = 1, q_len = 0, kv_len = 0;
  std::int64_t n_heads = 1, n_kv_heads = 1, head_dim = 0, head_dim_v = 0;
  DType dtype = DType::f32;     ///< of q
  DType kv_dtype = DType::f32;  ///< of k and v
  std::int64_t page_len = 0;    ///< keys in a page; 0: k and v lie in one piece
  float scale = 1;
  float softcap = 0;
  Causal causal = Causal::none;
  Window window = {};
  Dropout dropout = {};
  std::uint8_t extras = 0;  ///< bits of Extra

  bool has(Extra e) const { return (extras & static_cast<std::uint8_t>(e)) != 0; }
  /// The key/value head that query head h reads.
  std::int64_t kv_head(std::int64_t h) const { return h * n_kv_heads / n_heads; }
  /// The key position that query i stands at (see Causal).
  std::int64_t position(std::int64_t i) const {
    return causal == Causal::top_left ? i : i + kv_len - q_len;
  }
  /// Keys [first, last) that causal and window leave to query i; first >= last: none.
  struct KeyRange {
    std::int64_t first, last;
  };
  KeyRange keys_of(std::int64_t i) const {
    const std::int64_t p = position(i);
    KeyRange keys{0, kv_len};
    if (causal != Causal::none) keys.last = std::min(keys.last, p + 1);
    // Compared by difference, so that a window as wide as int64 does not overflow.
    if (window.left >= 0 && p > window.left) keys.first = std::min(p - window.left, kv_len);
    if (window.right >= 0 && window.right < kv_len - 1 - p)
      keys.last = std::min(keys.last, p + window.right + 1);
    keys.last = std::max<std::int64_t>(keys.last, 0);
    return keys;
  }
};

/// The problem of one batch entry: its kv_len is its own where the lengths differ.
AttentionProblem entry_problem(const AttentionProblem& problem, const AttentionTensors& tensors,
                               std::int64_t batch);

struct AttentionKernel {
  std::string_view name;
  /// nullopt: accepts; else one clause saying why not ("q_len 128 > 16").
  std::optional<std::string> (*declines)(const AttentionProblem&);
  void (*run)(const AttentionProblem&, const AttentionTensors&);
  /// Instruction set the kernel would run on here, e.g. "AVX-512" or "scalar".
  std::string_view (*isa)();
  /// Optional. nullopt: fast here; else one clause saying why a later kernel does better on this
  /// machine. Not asked when the kernel is forced.
  std::optional<std::string> (*slower)(const AttentionProblem&) = nullptr;
};

/// The kernels, fastest first; the reference is last and accepts everything.
std::span<const AttentionKernel> attention_kernels();

/// What ran, on what, and why the ones before it did not.
struct AttentionReport {
  struct Declined {
    std::string_view kernel;
    std::string reason;
  };
  /// Held in place, so that a short call takes no memory for it.
  class DeclinedList {
   public:
    DeclinedList() = default;
    DeclinedList(std::initializer_list<Declined> items);
    /// Throws when it is full: lists of kernels are short.
    void push_back(Declined item);
    const Declined* begin() const { return items_.data(); }
    const Declined* end() const { return items_.data() + size_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

   private:
    std::array<Declined, 4> items_;
    std::size_t size_ = 0;
  };

  std::string_view kernel;
  std::string_view isa;
  DeclinedList declined;
};
/// "ran flash/AVX-512; decode declined: q_len 128 > 16"
std::string to_string(const AttentionReport& report);

/// Checks every shape, derives the problem. Throws Error("attention", ...) naming both shapes.
AttentionProblem attention_problem(const AttentionTensors& tensors,
                                   const AttentionOptions& options);

/// Runs the op with the first kernel that accepts (or the forced one; a forced kernel that
/// declines is an error with its reason).
AttentionReport attention(const AttentionTensors& tensors, const AttentionOptions& options = {});
/// The same over another list (tests add kernels of their own).
AttentionReport attention(std::span<const AttentionKernel> kernels, const AttentionTensors& tensors,
                          const AttentionOptions& options);

}  // namespace headlight
