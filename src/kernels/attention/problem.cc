// Checks every shape of an attention call and derives the problem that kernels decide on.
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/statistics.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention";

void check_rank4(std::string_view name, TensorView view, std::string_view expected) {
  check(view.rank() == 4, kOp, "{} has shape {}; it must be {}", name, view.shape(), expected);
}

/// q, k, v or z: rank 4, elements of one head beside each other.
void check_activation(std::string_view name, TensorView view, std::string_view expected) {
  check_rank4(name, view, expected);
  check(view.dim(3) <= 1 || view.stride(3) == 1, kOp,
        "{} {} has strides {}; the innermost must be 1", name, view.shape(), view.strides());
  check(view.numel() == 0 || view.data() != nullptr, kOp, "{} {} has no data", name, view.shape());
}

void check_same(std::string_view what, std::string_view name_a, TensorView a, std::size_t dim_a,
                std::string_view name_b, TensorView b, std::size_t dim_b) {
  check(a.dim(dim_a) == b.dim(dim_b), kOp, "{} differs: {} {} has {}, {} {} has {}", what, name_a,
        a.shape(), a.dim(dim_a), name_b, b.shape(), b.dim(dim_b));
}

void check_activations(const AttentionTensors& t) {
  check_activation("q", t.q, "[batch, q_len, n_heads, head_dim]");
  check_activation("k", t.k, "[batch, kv_len, n_kv_heads, head_dim]");
  check_activation("v", t.v, "[batch, kv_len, n_kv_heads, head_dim_v]");
  check_activation("z", t.z, "[batch, q_len, n_heads, head_dim_v]");
  const std::pair<std::string_view, TensorView> others[] = {{"k", t.k}, {"v", t.v}, {"z", t.z}};
  for (const auto& [name, view] : others)
    if (!t.page_table || name == "z") check_same("batch", "q", t.q, 0, name, view, 0);
  check_same("head_dim", "q", t.q, 3, "k", t.k, 3);
  check_same("kv_len", "k", t.k, 1, "v", t.v, 1);
  check_same("n_kv_heads", "k", t.k, 2, "v", t.v, 2);
  check_same("q_len", "q", t.q, 1, "z", t.z, 1);
  check_same("n_heads", "q", t.q, 2, "z", t.z, 2);
  check_same("head_dim_v", "v", t.v, 3, "z", t.z, 3);
  check(t.q.dim(3) >= 1 && t.v.dim(3) >= 1, kOp, "q {} and v {} need heads of at least 1 element",
        t.q.shape(), t.v.shape());
}

void check_storage(const AttentionTensors& t) {
  const DType q = t.q.dtype(), k = t.k.dtype(), v = t.v.dtype(), z = t.z.dtype();
  check(is_weight_type(q), kOp, "q {} is {}; it must be f32, bf16 or f16", t.q.shape(), name_of(q));
  check(is_weight_type(k) || k == DType::i8, kOp,
        "k {} is {} (q is {}); it must be f32, bf16, f16 or i8", t.k.shape(), name_of(k),
        name_of(q));
  check(k == v, kOp, "k {} is {} but v {} is {}; store both alike", t.k.shape(), name_of(k),
        t.v.shape(), name_of(v));
  check(z == q || z == DType::f32, kOp, "q {} is {} but z {} is {}; z must be like q, or f32",
        t.q.shape(), name_of(q), t.z.shape(), name_of(z));
}

/// The factors of i8 keys or values.
void check_scale(std::string_view name, TensorView scale, std::string_view of, TensorView stored) {
  if (!scale) return;
  check(stored.dtype() == DType::i8, kOp, "{} {} is given but {} {} is {}; only i8 has scales",
        name, scale.shape(), of, stored.shape(), name_of(stored.dtype()));
  const Shape expected{stored.dim(0), stored.dim(1), stored.dim(2)};
  check(scale.shape() == expected && scale.dtype() == DType::f32, kOp,
        "{} is {} {}; for {} {} it must be f32 {}", name, name_of(scale.dtype()), scale.shape(), of,
        stored.shape(), expected);
}

/// A sequence's pages, as far as its length goes.
void check_sequence(const AttentionTensors& t, std::int64_t batch) {
  const std::int64_t length = t.kv_lengths[static_cast<std::size_t>(batch)];
  const std::int64_t page_len = t.k.dim(1), room = t.page_table.dim(1) * page_len;
  check(0 <= length && length <= room, kOp,
        "kv_lengths holds {}; page_table {} with pages of {} keys has room for {}", length,
        t.page_table.shape(), page_len, room);
  const auto* pages = t.page_table.as<std::int32_t>() + batch * t.page_table.stride(0);
  for (std::int64_t i = 0; i * page_len < length; ++i) {
    const std::int32_t page = pages[i * t.page_table.stride(1)];
    check(0 <= page && page < t.k.dim(0), kOp, "page_table[{}, {}] is {}; k {} has {} pages", batch,
          i, page, t.k.shape(), t.k.dim(0));
  }
}

void check_pages(const AttentionTensors& t) {
  if (!t.page_table) {
    check(t.kv_lengths.empty(), kOp, "kv_lengths are given without a page_table; use a mask");
    return;
  }
  check(t.page_table.rank() == 2 && t.page_table.dim(0) == t.q.dim(0) &&
            t.page_table.dtype() == DType::i32,
        kOp, "page_table is {} {}; for q {} it must be i32 [{}, pages of a sequence]",
        name_of(t.page_table.dtype()), t.page_table.shape(), t.q.shape(), t.q.dim(0));
  check(std::ssize(t.kv_lengths) == t.q.dim(0), kOp,
        "{} kv_lengths for q {}; give one for each of {}", t.kv_lengths.size(), t.q.shape(),
        t.q.dim(0));
  check(t.k.dim(0) == t.v.dim(0) && t.k.dim(1) >= 1, kOp,
        "k {} and v {} must hold as many pages, of 1 key or more", t.k.shape(), t.v.shape());
  for (std::int64_t b = 0; b < t.q.dim(0); ++b) check_sequence(t, b);
}

/// Keys of the longest batch entry.
std::int64_t kv_len_of(const AttentionTensors& t) {
  if (!t.page_table) return t.k.dim(1);
  return t.kv_lengths.empty() ? 0 : std::ranges::max(t.kv_lengths);
}

void check_heads(const AttentionTensors& t) {
  const std::int64_t n_heads = t.q.dim(2);
  const std::int64_t n_kv_heads = t.k.dim(2);
  check(n_heads >= 1 && n_kv_heads >= 1 && n_heads % n_kv_heads == 0, kOp,
        "n_kv_heads {} of k {} does not divide n_heads {} of q {}; each key/value head serves the "
        "same number of query heads",
        n_kv_heads, t.k.shape(), n_heads, t.q.shape());
}

/// A mask or bias: from the last one on, each extent is that of the scores, or 1.
void check_pairwise(std::string_view name, TensorView view, const AttentionTensors& t) {
  const Shape scores{t.q.dim(0), t.q.dim(2), t.q.dim(1), kv_len_of(t)};
  const std::size_t rank = view.rank();
  bool fits = 1 <= rank && rank <= 4;
  for (std::size_t i = 0; fits && i < rank; ++i)
    fits = view.dim(i) == scores[4 - rank + i] || view.dim(i) == 1;
  check(fits, kOp,
        "{} {} does not fit the scores [batch, n_heads, q_len, kv_len] {}; each extent must match "
        "or be 1, and those in front may be left out",
        name, view.shape(), scores);
}

void check_per_head(std::string_view name, std::span<const float> values, TensorView q) {
  check(values.empty() || static_cast<std::int64_t>(values.size()) == q.dim(2), kOp,
        "{} has {} values but q {} has {} heads", name, values.size(), q.shape(), q.dim(2));
}

void check_optional_tensors(const AttentionTensors& t) {
  if (t.mask) {
    check_pairwise("mask", t.mask, t);
    check(t.mask.dtype() == DType::boolean || t.mask.dtype() == DType::u8, kOp,
          "mask {} is {}; it must be bool or u8 (true = may attend), additive ones go in bias",
          t.mask.shape(), name_of(t.mask.dtype()));
  }
  if (t.bias) {
    check_pairwise("bias", t.bias, t);
    check(t.bias.dtype() == DType::f32, kOp, "bias {} is {}; it must be f32", t.bias.shape(),
          name_of(t.bias.dtype()));
  }
  check_per_head("alibi_slopes", t.alibi_slopes, t.q);
  check_per_head("sinks", t.sinks, t.q);
  check_per_head("head_gate", t.head_gate, t.q);
  for (const float gate : t.head_gate)
    check(gate >= 0 && gate <= 1, kOp, "head_gate holds {}; gates lie in [0, 1]", gate);
  if (t.lse) {
    const Shape expected{t.q.dim(0), t.q.dim(2), t.q.dim(1)};
    check(t.lse.shape() == expected && t.lse.dtype() == DType::f32, kOp,
          "lse is {} {}; for q {} it must be f32 {}", name_of(t.lse.dtype()), t.lse.shape(),
          t.q.shape(), expected);
  }
}

void check_options(const AttentionOptions& o) {
  if (o.scale) check(std::isfinite(*o.scale), kOp, "scale is {}; it must be finite", *o.scale);
  check(std::isfinite(o.softcap) && o.softcap >= 0, kOp,
        "softcap is {}; it must be finite and positive, or 0 for none", o.softcap);
  check(o.dropout.p >= 0 && o.dropout.p < 1, kOp, "dropout p is {}; it must lie in [0, 1)",
        o.dropout.p);
  check(o.window.left >= -1 && o.window.right >= -1, kOp,
        "window is ({}, {}); each side must be 0 or more, or -1 for unbounded", o.window.left,
        o.window.right);
}

std::uint8_t extras_of(const AttentionTensors& t) {
  std::uint8_t extras = 0;
  const auto add = [&](Extra e, bool present) {
    if (present) extras = static_cast<std::uint8_t>(extras | static_cast<std::uint8_t>(e));
  };
  add(Extra::mask, static_cast<bool>(t.mask));
  add(Extra::bias, static_cast<bool>(t.bias));
  add(Extra::alibi, !t.alibi_slopes.empty());
  add(Extra::sinks, !t.sinks.empty());
  add(Extra::head_gate, !t.head_gate.empty());
  add(Extra::lse, static_cast<bool>(t.lse));
  add(Extra::statistics, t.statistics != nullptr);
  return extras;
}

}  // namespace

AttentionProblem entry_problem(const AttentionProblem& problem, const AttentionTensors& tensors,
                               std::int64_t batch) {
  AttentionProblem entry = problem;
  if (!tensors.kv_lengths.empty())
    entry.kv_len = tensors.kv_lengths[static_cast<std::size_t>(batch)];
  return entry;
}

AttentionProblem attention_problem(const AttentionTensors& tensors,
                                   const AttentionOptions& options) {
  check_activations(tensors);
  check_storage(tensors);
  check_scale("k_scale", tensors.k_scale, "k", tensors.k);
  check_scale("v_scale", tensors.v_scale, "v", tensors.v);
  check_heads(tensors);
  check_pages(tensors);
  check_optional_tensors(tensors);
  if (tensors.statistics)
    check_statistics(*tensors.statistics, {.batch = tensors.q.dim(0),
                                           .n_heads = tensors.q.dim(2),
                                           .q_len = tensors.q.dim(1),
                                           .keys = kv_len_of(tensors),
                                           .columns = kv_len_of(tensors)});
  check_options(options);
  check(options.dropout.p == 0 || !tensors.statistics, kOp,
        "statistics are of the whole pattern, dropout p is {}; ask for them in a call of their own",
        options.dropout.p);
  AttentionProblem p;
  p.batch = tensors.q.dim(0);
  p.q_len = tensors.q.dim(1);
  p.kv_len = kv_len_of(tensors);
  p.page_len = tensors.page_table ? tensors.k.dim(1) : 0;
  p.n_heads = tensors.q.dim(2);
  p.n_kv_heads = tensors.k.dim(2);
  p.head_dim = tensors.q.dim(3);
  p.head_dim_v = tensors.v.dim(3);
  p.dtype = tensors.q.dtype();
  p.kv_dtype = tensors.k.dtype();
  p.scale = options.scale.value_or(1.0f / std::sqrt(static_cast<float>(p.head_dim)));
  p.softcap = options.softcap;
  p.causal = options.causal;
  p.window = options.window;
  p.dropout = options.dropout;
  p.extras = extras_of(tensors);
  return p;
}

}  // namespace headlight
