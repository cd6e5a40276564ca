#include "kernels/attention/decode/decode.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>

#include "core/threads.h"
#include "kernels/attention/decode/plan.h"
#include "kernels/attention/rows.h"
#include "kernels/flush_denormals.h"
#include "kernels/target_override.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/decode/decode.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "kernels/attention/decode/product-inl.h"
#include "kernels/attention/decode/scores-inl.h"

HWY_BEFORE_NAMESPACE();
namespace headlight {
namespace HWY_NAMESPACE {
namespace {

/// Keys [begin, end) of some heads of one batch entry.
struct DecodeUnit {
  std::int64_t batch, split, head_begin, head_end;
  AttentionProblem::KeyRange keys;
};

/// Working memory of one thread.
struct DecodeScratch {
  Tensor storage;
  float* q = nullptr;       ///< [heads of a unit, rows, head_dim], scaled, as Place<T> puts it
  float* scores = nullptr;  ///< [heads of a unit, rows, kDecodeBlock]
  float* pairs = nullptr;   ///< [kDecodeBlock], or a widened query
  float* shrink = nullptr;  ///< [rows]
  std::vector<float> row;
};

DecodeRow RowOf(const DecodeCall& call, std::int64_t batch, std::int64_t kv_head,
                std::int64_t row) {
  return {batch, kv_head * call.group + row % call.group, row / call.group};
}

void Reserve(const DecodeCall& call, DecodeScratch& scratch) {
  const auto rows = static_cast<size_t>(call.rows), heads = static_cast<size_t>(call.heads);
  const std::pair<float**, size_t> parts[] = {
      {&scratch.q, heads * rows * call.head_dim},
      {&scratch.scores, heads * rows * static_cast<size_t>(kDecodeBlock)},
      {&scratch.pairs, std::max(static_cast<size_t>(kDecodeBlock), call.head_dim)},
      {&scratch.shrink, rows},
  };
  lay_out(parts, scratch.storage);
}

/// The rows of a head times `scale`, and their states before any key.
template <class T>
void StartHead(const DecodeCall& call, const DecodeUnit& unit, std::int64_t head, Rows q,
               DecodeScratch& scratch) {
  for (std::int64_t r = 0; r < call.rows; ++r) {
    const DecodeRow row = RowOf(call, unit.batch, head, r);
    const auto from = head_vector(call.tensors.q, unit.batch, row.query, row.head, scratch.row);
    std::ranges::copy(from, scratch.pairs);
    std::fill(scratch.pairs + from.size(), scratch.pairs + call.head_dim, 0.0f);
    Place<T>(D(), scratch.pairs, call.head_dim, call.problem.scale, q[static_cast<size_t>(r)]);
    const RowState state = call.state(unit.batch, head, unit.split, r);
    std::fill_n(state.z, call.head_dim_v, 0.0f);
    state.max() = kMinusInfinity;
    state.sum() = 0;
  }
}

/// Calls f with the number of rows that go together, as a constant, for the rows at hand.
template <size_t kRows, class F>
HWY_INLINE void ForRowGroups(size_t rows, size_t from, const F& f) {
  for (; from + kRows <= rows; from += kRows) f(std::integral_constant<size_t, kRows>(), from);
  if constexpr (kRows > 1) ForRowGroups<kRows / 2>(rows, from, f);
}

/// Scores of the head's rows to weights; returns whether a key may have been masked.
bool WeighRows(const DecodeCall& call, const DecodeUnit& unit, std::int64_t head, const KeyRun& run,
               Rows scores, DecodeScratch& scratch) {
  const D d;
  bool masked = false;
  for (std::int64_t r = 0; r < call.rows; ++r) {
    const DecodeRow row = RowOf(call, unit.batch, head, r);
    float* s = scores[static_cast<size_t>(r)];
    masked |= AdjustRow(d, call, row, run, s, scratch.pairs);
    scratch.shrink[r] = WeighRow(d, run.count, s, call.state(unit.batch, head, unit.split, r));
    if (run.v_scale) ScaleWeights(d, run, s, scratch.pairs);
  }
  return masked;
}

/// A unit's scores of head `head`.
Rows ScoresOf(const DecodeCall& call, const DecodeUnit& unit, std::int64_t head,
              const DecodeScratch& scratch) {
  const std::int64_t at = (head - unit.head_begin) * call.rows * kDecodeBlock;
  return {scratch.scores + at, static_cast<size_t>(kDecodeBlock)};
}

/// Scores of a head's rows against a run of keys.
template <class T>
void ScoreHead(const DecodeCall& call, const DecodeUnit& unit, std::int64_t head, const KeyRun& run,
               Ahead& ahead, DecodeScratch& scratch) {
  const auto rows = static_cast<size_t>(call.rows);
  const Rows q{scratch.q + static_cast<size_t>(head - unit.head_begin) * rows * call.head_dim,
               call.head_dim};
  const Rows scores = ScoresOf(call, unit, head, scratch);
  ForRowGroups<kRowsAtOnce>(rows, 0, [&](auto count, size_t from) {
    ScoreRun<T, count()>(D(), run, {q[from], q.stride}, static_cast<size_t>(call.problem.head_dim),
                         {scores[from], scores.stride}, from == 0 ? &ahead : nullptr);
  });
}

/// Folds a run of keys, which has been scored, into the states of a head's rows.
template <class T>
void AttendRun(const DecodeCall& call, const DecodeUnit& unit, std::int64_t head, const KeyRun& run,
               Ahead& ahead, DecodeScratch& scratch) {
  const D d;
  const auto rows = static_cast<size_t>(call.rows);
  const auto head_dim_v = static_cast<size_t>(call.problem.head_dim_v);
  const Rows scores = ScoresOf(call, unit, head, scratch);
  const Rows z{call.state(unit.batch, head, unit.split, 0).z, call.row_floats()};
  const bool masked = WeighRows(call, unit, head, run, scores, scratch);
  const auto weights = [&](size_t from) {
    return RunWeights{{scores[from], scores.stride}, scratch.shrink + from};
  };
  if (masked && HasNonFinite<T>(d, run, head_dim_v)) {
    for (size_t r = 0; r < rows; ++r) AddRunCarefully<T>(d, run, weights(r), z[r], head_dim_v);
    return;
  }
  ForRowGroups<kRowsAtOnce>(rows, 0, [&](auto count, size_t from) {
    AddRun<T, count()>(d, run, weights(from), {z[from], z.stride}, head_dim_v,
                       from == 0 ? &ahead : nullptr);
  });
}

double GateOf(const AttentionTensors& t, std::int64_t head) {
  return t.head_gate.empty() ? 1.0 : t.head_gate[static_cast<size_t>(head)];
}

/// What a row's z is multiplied by for each split (into `factors`); returns its log-sum-exp.
float MergeFactors(const DecodeCall& call, const DecodeRow& row, std::int64_t r, float* factors) {
  const AttentionTensors& t = call.tensors;
  const auto head = static_cast<size_t>(row.head);
  const std::int64_t kv_head = row.head / call.group;
  const auto splits = static_cast<size_t>(call.splits);
  const auto state = [&](size_t s) {
    return call.state(row.batch, kv_head, static_cast<std::int64_t>(s), r);
  };
  const double sink = t.sinks.empty() ? kMinusInfinity : t.sinks[head] * std::numbers::log2e;
  double shift = sink;
  bool dead = true;  // a sum may be NaN where no maximum is
  for (size_t s = 0; s < splits; ++s) {
    shift = std::fmax(shift, state(s).max());
    dead &= state(s).sum() == 0;
  }
  std::fill_n(factors, splits, 0.0f);
  if (dead) return kMinusInfinity;
  const auto weight = [&](double max) { return max == shift ? 1.0 : std::exp2(max - shift); };
  double sum = t.sinks.empty() ? 0.0 : weight(sink);
  for (size_t s = 0; s < splits; ++s) {
    if (state(s).sum() == 0) continue;
    const double factor = weight(state(s).max());
    factors[s] = static_cast<float>(factor);
    sum += state(s).sum() * factor;
  }
  const double gate = GateOf(t, row.head);
  for (size_t s = 0; s < splits; ++s) factors[s] = static_cast<float>(factors[s] * (gate / sum));
  return t.lse ? static_cast<float>((shift + std::log2(sum)) * std::numbers::ln2) : 0.0f;
}

/// The sum of the splits' z times their factors, in order, at `z`, which may be the first of them.
void MergeRow(const DecodeCall& call, const DecodeRow& row, std::int64_t r, const float* factors,
              float* z) {
  const D d;
  if (GateOf(call.tensors, row.head) == 0) {  // whatever its values hold
    std::fill_n(z, call.head_dim_v, 0.0f);
    return;
  }
  const auto part = [&](std::int64_t split) {
    return call.state(row.batch, row.head / call.group, split, r).z;
  };
  for (size_t e = 0; e < call.head_dim_v; e += hn::Lanes(d)) {
    V sum = hn::Mul(hn::Load(d, part(0) + e), hn::Set(d, factors[0]));
    for (std::int64_t s = 1; s < call.splits; ++s)
      sum = hn::MulAdd(hn::Load(d, part(s) + e), hn::Set(d, factors[s]), sum);
    hn::Store(sum, d, z + e);
  }
}

/// Row r of a head from its splits, in order, to z and lse. `buffer` holds a padded row.
template <class T>
void FinishRow(const DecodeCall& call, std::int64_t batch, std::int64_t kv_head, std::int64_t r,
               float* factors, float* buffer) {
  const DecodeRow row = RowOf(call, batch, kv_head, r);
  const float lse = MergeFactors(call, row, r, factors);
  float* z = call.state(batch, kv_head, 0, r).z;
  MergeRow(call, row, r, factors, z);
  const MutableTensorView& out = call.tensors.z;
  const std::int64_t at =
      batch * out.stride(0) + row.query * out.stride(1) + row.head * out.stride(2);
  const auto n = static_cast<size_t>(call.problem.head_dim_v);
  TakeOut<T>(D(), z, n, buffer);
  if (out.dtype() == DType::bf16)
    StoreNarrow(D(), buffer, n, out.as<BFloat16>() + at);
  else if (out.dtype() == DType::f16)
    std::transform(buffer, buffer + n, out.as<Float16>() + at, to_float16);
  else
    std::copy_n(buffer, n, out.as<float>() + at);
  const MutableTensorView& to = call.tensors.lse;
  if (to)
    to.as<float>()[batch * to.stride(0) + row.head * to.stride(1) + row.query * to.stride(2)] = lse;
}

template <class T>
void FinishHead(const DecodeCall& call, std::int64_t batch, std::int64_t head) {
  static thread_local std::vector<float> memory;
  memory.resize(call.head_dim_v + static_cast<size_t>(call.splits));
  for (std::int64_t r = 0; r < call.rows; ++r)
    FinishRow<T>(call, batch, head, r, memory.data() + call.head_dim_v, memory.data());
}

/// True when nobody will read what a head's rows would come to.
bool IsClosed(const DecodeCall& call, std::int64_t kv_head) {
  const AttentionTensors& t = call.tensors;
  if (t.head_gate.empty() || t.lse) return false;
  const auto gates = t.head_gate.subspan(static_cast<size_t>(kv_head * call.group),
                                         static_cast<size_t>(call.group));
  return std::ranges::all_of(gates, [](float gate) { return gate == 0; });
}

/// What all heads of a unit read of `view`, from the first head's row at `first` on.
Ahead RowsOfHeads(const TensorView& view, const DecodeUnit& unit, const std::byte* first,
                  size_t rows) {
  const auto element = static_cast<std::int64_t>(size_of(view.dtype()));
  const std::int64_t heads = unit.head_end - unit.head_begin;
  return {first, rows, ((heads - 1) * view.stride(2) + view.dim(3)) * element,
          view.stride(1) * element};
}

/// The keys of the block after [.., begin), in whichever unit that is.
Ahead KeysAfter(const DecodeCall& call, const DecodeUnit& unit, std::int64_t begin) {
  const std::int64_t last = call.keys_of(unit.batch, call.problem.q_len - 1).last;
  if (begin >= last) return {};
  const std::int64_t count = std::min(call.block_end(begin), last) - begin;
  const KeyRun run = key_run(call.tensors, unit.batch, unit.head_begin, begin, count);
  return RowsOfHeads(call.tensors.k, unit, run.k, run.count);
}

/// One unit: its keys a block at a time, each block for all of its heads, whose keys lie beside
/// each other where the heads of a position do. While all heads score a block, its values are asked
/// for; while they sum them, the keys of the next block.
template <class T>
void RunUnit(const DecodeCall& call, const DecodeUnit& unit) {
  static thread_local DecodeScratch scratch;
  Reserve(call, scratch);
  const size_t head_floats = static_cast<size_t>(call.rows) * call.head_dim;
  for (std::int64_t head = unit.head_begin; head < unit.head_end; ++head) {
    float* q = scratch.q + static_cast<size_t>(head - unit.head_begin) * head_floats;
    StartHead<T>(call, unit, head, {q, call.head_dim}, scratch);
  }
  for (std::int64_t begin = unit.keys.first; begin < unit.keys.last;) {
    const std::int64_t end = std::min(call.block_end(begin), unit.keys.last);
    const auto run_of = [&](std::int64_t head) {
      return key_run(call.tensors, unit.batch, head, begin, end - begin);
    };
    const KeyRun first = run_of(unit.head_begin);
    Ahead values = RowsOfHeads(call.tensors.v, unit, first.v, first.count);
    for (std::int64_t head = unit.head_begin; head < unit.head_end; ++head)
      if (!IsClosed(call, head)) ScoreHead<T>(call, unit, head, run_of(head), values, scratch);
    Ahead keys = KeysAfter(call, unit, end);
    for (std::int64_t head = unit.head_begin; head < unit.head_end; ++head)
      if (!IsClosed(call, head)) AttendRun<T>(call, unit, head, run_of(head), keys, scratch);
    begin = end;
  }
}

/// The units of a call in order: splits fastest, as they lie in memory.
DecodeUnit UnitAt(const DecodeCall& call, std::int64_t index) {
  const AttentionProblem& p = call.problem;
  DecodeUnit unit{};
  const std::int64_t head_block = index / call.splits % call.head_blocks();
  unit.split = index % call.splits;
  unit.batch = index / call.splits / call.head_blocks();
  unit.head_begin = head_block * call.heads;
  unit.head_end = std::min(unit.head_begin + call.heads, p.n_kv_heads);
  // Both ends move right from query to query.
  unit.keys.first = std::max(unit.split * kDecodeSplit, call.keys_of(unit.batch, 0).first);
  unit.keys.last =
      std::min((unit.split + 1) * kDecodeSplit, call.keys_of(unit.batch, p.q_len - 1).last);
  return unit;
}

template <class T>
void RunCall(const DecodeCall& call) {
  const AttentionProblem& p = call.problem;
  parallel_for(p.batch * call.splits * call.head_blocks(), [&](std::int64_t index) {
    const FlushDenormals flush;
    const DecodeUnit unit = UnitAt(call, index);
    RunUnit<T>(call, unit);
    for (std::int64_t head = unit.head_begin; call.splits == 1 && head < unit.head_end; ++head)
      FinishHead<T>(call, unit.batch, head);
  });
  if (call.splits == 1) return;
  parallel_for(p.batch * p.n_kv_heads, [&](std::int64_t index) {
    const FlushDenormals flush;
    FinishHead<T>(call, index / p.n_kv_heads, index % p.n_kv_heads);
  });
}

void RunDecode(const AttentionProblem& p, const AttentionTensors& tensors) {
  if (p.batch == 0 || p.q_len == 0) return;
  static thread_local Tensor storage;
  DecodeCall call{.problem = p, .tensors = tensors};
  call.group = p.n_heads / p.n_kv_heads;
  call.rows = p.q_len * call.group;
  call.splits = std::max<std::int64_t>((p.kv_len + kDecodeSplit - 1) / kDecodeSplit, 1);
  call.head_dim = round_up(static_cast<size_t>(p.head_dim), kDecodePad);
  call.head_dim_v = round_up(static_cast<size_t>(p.head_dim_v), kDecodePad);
  call.heads = heads_of_unit(call);
  const auto rows = static_cast<size_t>(p.batch * p.n_kv_heads * call.splits * call.rows);
  const std::pair<float**, size_t> parts[] = {{&call.states, rows * call.row_floats()}};
  lay_out(parts, storage);
  std::optional<ThreadLimit> alone;
  if (threads() > 1 && is_small(p)) alone.emplace(1);
  switch (p.kv_dtype) {
    case DType::bf16:
      return RunCall<BFloat16>(call);
    case DType::f16:
      return RunCall<Float16>(call);
    case DType::i8:
      return RunCall<std::int8_t>(call);
    default:
      return RunCall<float>(call);
  }
}

std::string_view DecodeIsa() {
  return vector_target_name(HWY_TARGET);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace headlight
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace headlight {

HWY_EXPORT(RunDecode);
HWY_EXPORT(DecodeIsa);
namespace {

std::optional<std::string> decode_declines(const AttentionProblem& p) {
  const std::int64_t rows = p.q_len * p.n_heads / p.n_kv_heads;
  if (p.has(Extra::statistics)) return "statistics";
  if (p.dropout.p > 0) return "dropout";
  if (p.q_len > kDecodeQueries) return fmt::format("q_len {} > {}", p.q_len, kDecodeQueries);
  if (rows > kDecodeRows) return fmt::format("{} rows > {}", rows, kDecodeRows);
  return std::nullopt;
}

}  // namespace

AttentionKernel attention_decode() {
  return {.name = "decode",
          .declines = decode_declines,
          .run =
              [](const AttentionProblem& p, const AttentionTensors& t) {
                HWY_DYNAMIC_DISPATCH(RunDecode)
                (p, t);
              },
          .isa = []() { return HWY_DYNAMIC_DISPATCH(DecodeIsa)(); }};
}

}  // namespace headlight
#endif  // HWY_ONCE
