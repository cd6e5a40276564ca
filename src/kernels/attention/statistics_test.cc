// Statistics of the tiled kernel against the reference, which reduces whole rows in double.
#include "kernels/attention/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "core/threads.h"
#include "kernels/attention/ref.h"
#include "kernels/attention/test_support.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;

std::uint8_t bit(Extra e) {
  return static_cast<std::uint8_t>(e);
}

constexpr std::int64_t kTop = 3;
const std::vector<std::int64_t> kOffsets{0,
                                         -1,
                                         2,
                                         -40,
                                         std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()};

/// Every output, for the heads and queries that are asked for.
struct Results {
  Results(const AttentionCase& c, std::vector<std::int64_t> chosen_heads,
          std::vector<std::int64_t> chosen_queries)
      : heads(std::move(chosen_heads)), queries(std::move(chosen_queries)) {
    const auto n = heads.empty() ? c.n_heads : static_cast<std::int64_t>(heads.size());
    const auto rows = queries.empty() ? c.q_len : static_cast<std::int64_t>(queries.size());
    const Shape per_row{c.batch, n, c.q_len};
    entropy = filled(per_row);
    distance = filled(per_row);
    offset_mass = filled({c.batch, n, c.q_len, static_cast<std::int64_t>(kOffsets.size())});
    column_mass = filled({c.batch, n, c.kv_len});
    top_mass = filled({c.batch, n, c.q_len, kTop});
    top_keys = Tensor(DType::i32, {c.batch, n, c.q_len, kTop});
    pattern = filled({c.batch, n, rows, c.kv_len});
  }

  AttentionStatistics request() {
    return {.heads = heads,
            .entropy = entropy,
            .distance = distance,
            .offsets = kOffsets,
            .offset_mass = offset_mass,
            .column_mass = column_mass,
            .top_mass = top_mass,
            .top_keys = top_keys,
            .pattern_queries = queries,
            .pattern = pattern};
  }

  /// A tensor that nobody has written.
  static Tensor filled(Shape shape) {
    Tensor t(shape);
    std::ranges::fill(t.span<float>(), 77.0f);
    return t;
  }

  std::vector<std::int64_t> heads, queries;
  Tensor entropy, distance, offset_mass, column_mass, top_mass, top_keys, pattern;
};

void run(const AttentionKernel& kernel, const AttentionData& data, Results& results) {
  const AttentionCase& c = data.shape;
  testing::ActivationBuffer z(c.stored_z(), {c.batch, c.q_len, c.n_heads, c.head_dim_v}, false);
  const AttentionStatistics request = results.request();
  AttentionTensors tensors = data.tensors();
  tensors.z = z.view();
  tensors.statistics = &request;
  AttentionOptions options = data.options();
  options.kernel = kernel.name;
  attention(tensors, options);
}

/// The textbook reductions in fp32, of a pattern made from fp32 scores and their fp32 log-sum-exp:
/// a difference is off by two last places of theirs, or by none. They have size 8; with ALiBi,
/// which reaches hundreds of keys back, 64.
struct Naive {
  Naive(const AttentionCase& c, std::span<const float> exact, std::int64_t heads)
      : pattern(exact.begin(), exact.end()) {
    const AttentionProblem p{.q_len = c.q_len, .kv_len = c.kv_len, .causal = c.causal};
    const auto kv_len = static_cast<std::size_t>(c.kv_len);
    column_mass.resize(static_cast<std::size_t>(c.batch * heads) * kv_len);
    const float size = c.has(Extra::alibi) ? 64 : 8;
    const float off = 2 * size * std::numeric_limits<float>::epsilon();
    for (std::size_t row = 0; row * kv_len < pattern.size(); ++row) {
      const auto q = static_cast<std::int64_t>(row) % c.q_len;
      const std::size_t columns = row / static_cast<std::size_t>(c.q_len) * kv_len;
      float h = 0, far = 0;
      for (std::size_t j = 0; j < kv_len; ++j) {
        float& w = pattern[row * kv_len + j];
        if (j % 2 == 0) w *= 1 + off;
        if (w > 0) h -= w * std::log(w);
        far += w * static_cast<float>(std::llabs(p.position(q) - static_cast<std::int64_t>(j)));
        column_mass[columns + j] += w;
      }
      entropy.push_back(h);
      distance.push_back(far);
    }
  }
  std::vector<float> pattern, entropy, distance, column_mass;
};

/// Keys in falling order of mass, each at most once, each with the mass that stands beside it.
void expect_top_keys(const Results& fast, const Results& whole, const AttentionCase& c) {
  const auto mass = fast.top_mass.span<float>();
  const auto keys = fast.top_keys.span<std::int32_t>();
  const auto pattern = whole.pattern.span<float>();
  for (std::size_t row = 0; row < mass.size() / kTop; ++row) {
    std::set<std::int32_t> seen;
    for (std::size_t i = 0; i < kTop; ++i) {
      const std::size_t at = row * kTop + i;
      if (i > 0) {
        EXPECT_LE(mass[at], mass[at - 1]);
      }
      if (keys[at] < 0) {
        EXPECT_EQ(mass[at], 0.0f);
        continue;
      }
      EXPECT_TRUE(seen.insert(keys[at]).second);
      ASSERT_LT(keys[at], c.kv_len);
      const std::size_t key =
          row * static_cast<std::size_t>(c.kv_len) + static_cast<std::size_t>(keys[at]);
      EXPECT_NEAR(mass[at], pattern[key], 1e-5f * (1 + c.spread));
    }
  }
}

void expect_same(const Results& fast, const Results& whole, const AttentionCase& c) {
  const auto heads = whole.entropy.shape()[1];
  const Naive naive(c, whole.pattern.span<float>(), heads);
  const auto compare = [](const char* what, const Tensor& a, std::span<const float> close,
                          const Tensor& b) {
    EXPECT_TRUE(testing::agrees(a.span<float>(), close, b.span<float>())) << what;
  };
  compare("entropy", fast.entropy, naive.entropy, whole.entropy);
  compare("distance", fast.distance, naive.distance, whole.distance);
  compare("columns", fast.column_mass, naive.column_mass, whole.column_mass);
  if (fast.queries.empty()) compare("pattern", fast.pattern, naive.pattern, whole.pattern);
  // The rest are single elements of the pattern.
  const double slip = 2 * testing::largest_error(naive.pattern, whole.pattern.span<float>()) + 1e-7;
  EXPECT_LE(testing::largest_error(fast.offset_mass.span<float>(), whole.offset_mass.span<float>()),
            slip);
  EXPECT_LE(testing::largest_error(fast.top_mass.span<float>(), whole.top_mass.span<float>()),
            slip);
  expect_top_keys(fast, whole, c);
}

/// The kernel that makes statistics from its tiles.
const AttentionKernel& tiled() {
  return *std::ranges::find(attention_kernels(), std::string_view("flash"), &AttentionKernel::name);
}

/// Every kernel that accepts the case against the reference, on every instruction set.
void check_case(const AttentionCase& c, const std::vector<std::int64_t>& heads = {}) {
  SCOPED_TRACE(c.describe());
  const AttentionData data(c);
  Results whole(c, heads, {});
  run(attention_ref(), data, whole);
  AttentionProblem problem{.q_len = c.q_len, .kv_len = c.kv_len, .dtype = c.dtype};
  problem.kv_dtype = c.stored_kv();
  problem.extras = static_cast<std::uint8_t>(c.extras | bit(Extra::statistics));
  for (const AttentionKernel& kernel : attention_kernels()) {
    if (kernel.name == "ref" || kernel.declines(problem)) continue;
    for (const VectorTarget& target : vector_targets()) {
      const TargetOverride override(target);
      SCOPED_TRACE(std::string(kernel.name) + " on " + std::string(target.name));
      Results fast(c, heads, {});
      run(kernel, data, fast);
      expect_same(fast, whole, c);
    }
  }
}

AttentionCase plain() {
  return {
      .q_len = 100, .kv_len = 300, .n_heads = 2, .n_kv_heads = 2, .head_dim = 16, .head_dim_v = 16};
}

TEST(AttentionStatistics, TailsOfEveryLength) {
  set_threads(1);
  for (std::int64_t q_len = 1; q_len <= 100; q_len += 7)
    for (std::int64_t kv_len = 1; kv_len <= 270; kv_len += 13) {
      AttentionCase c = plain();
      c.q_len = q_len;
      c.kv_len = kv_len;
      c.n_heads = c.n_kv_heads = 1;
      c.causal = static_cast<Causal>((q_len + kv_len) % 3);
      check_case(c);
      if (HasFailure()) return;
    }
  set_threads(0);
}

TEST(AttentionStatistics, EverythingThatCanHappenToAScore) {
  for (const Extra e : {Extra::mask, Extra::bias, Extra::alibi, Extra::sinks, Extra::head_gate}) {
    AttentionCase c = plain();
    c.extras = bit(e);
    check_case(c);
    c.causal = Causal::bottom_right;
    c.broadcast = true;
    check_case(c);
  }
  AttentionCase windowed = plain();
  windowed.window = {20, 5};
  check_case(windowed);
  AttentionCase capped = plain();
  capped.softcap = 2;
  check_case(capped);
  AttentionCase dead = plain();
  dead.kv_len = 30;  // the first 70 queries see no key
  dead.causal = Causal::bottom_right;
  check_case(dead);
  AttentionCase narrow = plain();
  narrow.dtype = DType::bf16;
  check_case(narrow);
}

TEST(AttentionStatistics, ChosenHeadsOfGroups) {
  AttentionCase c = plain();
  c.batch = 2;
  c.n_heads = 6;
  c.n_kv_heads = 2;
  c.causal = Causal::bottom_right;
  check_case(c, {5, 0, 2});
}

TEST(AttentionStatistics, LongSequencesPassSeveralSpans) {
  AttentionCase c = plain();
  c.kv_len = 1500;
  c.head_dim = c.head_dim_v = 128;
  c.n_heads = c.n_kv_heads = 1;
  check_case(c);
}

TEST(AttentionStatistics, ChosenRowsAreThoseOfTheWholePattern) {
  AttentionCase c = plain();
  c.causal = Causal::bottom_right;
  const AttentionData data(c);
  const std::vector<std::int64_t> queries{0, 3, 47, 48, 99};
  Results whole(c, {1}, {}), some(c, {1}, queries);
  run(tiled(), data, whole);
  for (const AttentionKernel& kernel : {tiled(), attention_ref()}) {
    run(kernel, data, some);
    const auto kv_len = static_cast<std::size_t>(c.kv_len);
    for (std::size_t i = 0; i < queries.size(); ++i)
      for (std::size_t j = 0; j < kv_len; ++j)
        EXPECT_NEAR(some.pattern.span<float>()[i * kv_len + j],
                    whole.pattern.span<float>()[static_cast<std::size_t>(queries[i]) * kv_len + j],
                    1e-5f);
  }
}

TEST(AttentionStatistics, AreTheSameOnAnyNumberOfThreads) {
  AttentionCase c = plain();
  c.q_len = 500;
  c.n_kv_heads = 1;
  const AttentionData data(c);
  set_threads(1);
  Results one(c, {}, {}), three(c, {}, {});
  run(tiled(), data, one);
  set_threads(3);
  run(tiled(), data, three);
  set_threads(0);
  EXPECT_TRUE(std::ranges::equal(one.column_mass.span<float>(), three.column_mass.span<float>()));
  EXPECT_TRUE(std::ranges::equal(one.entropy.span<float>(), three.entropy.span<float>()));
}

TEST(AttentionStatistics, LeaveTheOutputAlone) {
  AttentionCase c = plain();
  c.extras = bit(Extra::lse);
  const AttentionData data(c);
  Tensor z(Shape{1, c.q_len, c.n_heads, c.head_dim_v}), same(z.shape());
  AttentionTensors tensors = data.tensors();
  tensors.z = z;
  attention(tensors);
  Results results(c, {}, {});
  const AttentionStatistics request = results.request();
  tensors.statistics = &request;
  tensors.z = same;
  attention(tensors);
  EXPECT_TRUE(std::ranges::equal(z.span<float>(), same.span<float>()));
}

TEST(AttentionStatistics, OutputsThatDoNotFitAreNamed) {
  const AttentionCase c = plain();
  const AttentionData data(c);
  Tensor z(Shape{1, c.q_len, c.n_heads, c.head_dim_v}), small(Shape{1, 2, 3});
  const auto message = [&](const AttentionStatistics& request) {
    AttentionTensors tensors = data.tensors();
    tensors.z = z;
    tensors.statistics = &request;
    try {
      attention(tensors);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::vector<std::int64_t> twice{1, 1}, beyond{2}, falling{4, 3};
  EXPECT_NE(message({.heads = twice}).find("twice"), std::string::npos);
  EXPECT_NE(message({.heads = beyond}).find("head 2"), std::string::npos);
  EXPECT_NE(message({.entropy = small}).find("entropy is f32 [1, 2, 3]"), std::string::npos);
  EXPECT_NE(message({.pattern_queries = falling}).find("rise"), std::string::npos);
  EXPECT_NE(message({.top_mass = small}).find("top_keys"), std::string::npos);
}

}  // namespace
}  // namespace headlight
