// The choice of a kernel, the shape checks, and small sums done by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels/attention/attention.h"
#include "kernels/attention/pattern.h"
#include "kernels/attention/ref.h"
#include "kernels/attention/test_support.h"
#include "support/expect_error.h"
#include "support/tolerance.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;
using testing::expect_error;

constexpr AttentionCase kSmall{.q_len = 3, .kv_len = 4, .n_heads = 2, .n_kv_heads = 1};

/// Writes 42 everywhere: nobody mistakes it for another kernel.
AttentionKernel marker() {
  return {.name = "marker",
          .declines =
              [](const AttentionProblem& p) {
                return p.q_len > 3
                           ? std::optional<std::string>(fmt::format("q_len {} > 3", p.q_len))
                           : std::nullopt;
              },
          .run =
              [](const AttentionProblem& p, const AttentionTensors& t) {
                std::fill_n(t.z.as<float>(), p.batch * p.q_len * p.n_heads * p.head_dim_v, 42.0f);
              },
          .isa = [] { return std::string_view("none"); }};
}

/// Runs a case through the choice of kernels; z is all 42 when the marker ran.
struct Chosen {
  AttentionReport report;
  bool marked;
};
Chosen choose(const AttentionCase& c, std::string_view forced, bool marker_first = true) {
  const AttentionKernel first[] = {marker(), attention_ref()};
  const AttentionKernel last[] = {attention_ref(), marker()};
  const AttentionData data(c);
  Tensor z(Shape{c.batch, c.q_len, c.n_heads, c.head_dim_v});
  AttentionTensors t = data.tensors();
  t.z = z;
  AttentionOptions options = data.options();
  options.kernel = forced;
  const std::span<const AttentionKernel> list = marker_first ? first : last;
  AttentionReport report = attention(list, t, options);
  return {std::move(report), z.span<float>()[0] == 42.0f};
}

TEST(AttentionSeam, TheFirstThatAcceptsRuns) {
  const Chosen chosen = choose(kSmall, "");
  EXPECT_TRUE(chosen.marked);
  EXPECT_EQ(to_string(chosen.report), "ran marker/none");
}

TEST(AttentionSeam, ADeclinedKernelIsPassedOverWithItsReason) {
  AttentionCase longer = kSmall;
  longer.q_len = 4;
  const Chosen chosen = choose(longer, "");
  EXPECT_FALSE(chosen.marked);
  EXPECT_EQ(to_string(chosen.report), "ran ref/scalar; marker declined: q_len 4 > 3");
  expect_error([&] { choose(longer, "marker"); }, {"[attention]", "marker", "q_len 4 > 3"});
}

TEST(AttentionSeam, AKernelThatIsSlowHereRunsOnlyWhenForced) {
  AttentionKernel slow = marker();
  slow.slower = [](const AttentionProblem&) { return std::optional<std::string>("slow here"); };
  const AttentionKernel list[] = {slow, attention_ref()};
  const AttentionData data(kSmall);
  Tensor z(Shape{kSmall.batch, kSmall.q_len, kSmall.n_heads, kSmall.head_dim_v});
  AttentionTensors t = data.tensors();
  t.z = z;
  EXPECT_EQ(to_string(attention(list, t, {})), "ran ref/scalar; marker declined: slow here");
  EXPECT_EQ(to_string(attention(list, t, {.kernel = "marker"})), "ran marker/none");
}

TEST(AttentionSeam, TheForcedKernelIsTheOneThatRan) {
  EXPECT_TRUE(choose(kSmall, "marker", false).marked);
  EXPECT_FALSE(choose(kSmall, "ref", true).marked);
  ASSERT_EQ(setenv("HEADLIGHT_KERNEL", "marker", 1), 0);
  const bool marked = choose(kSmall, "", false).marked;
  const bool option_wins = !choose(kSmall, "ref", false).marked;
  unsetenv("HEADLIGHT_KERNEL");
  EXPECT_TRUE(marked);
  EXPECT_TRUE(option_wins);
  expect_error([] { choose(kSmall, "fastest"); }, {"fastest", "marker, ref"});
}

TEST(AttentionSeam, DecodeComesFirstAndTheReferenceLast) {
  EXPECT_EQ(attention_kernels().front().name, "decode");
  EXPECT_EQ(attention_kernels().back().name, "ref");
}

/// The tensors of a [1, T, H, D] call on zeros.
struct Blank {
  Blank(Shape q_shape, Shape k_shape, Shape v_shape, Shape z_shape)
      : q(q_shape), k(k_shape), v(v_shape), z(z_shape), t{.q = q, .k = k, .v = v, .z = z} {}
  Tensor q, k, v, z;
  AttentionTensors t;
};

TEST(AttentionSeam, ShapesThatDoNotFitAreNamed) {
  const auto refuse = [](const AttentionTensors& t, std::initializer_list<std::string_view> parts) {
    expect_error([&] { attention(t); }, parts);
  };
  refuse(Blank({1, 2, 4, 8}, {1, 3, 4, 9}, {1, 3, 4, 8}, {1, 2, 4, 8}).t,
         {"[attention]", "head_dim", "[1, 2, 4, 8]", "[1, 3, 4, 9]"});
  refuse(Blank({1, 2, 4, 8}, {1, 3, 3, 8}, {1, 3, 3, 8}, {1, 2, 4, 8}).t,
         {"n_kv_heads 3", "n_heads 4", "[1, 3, 3, 8]"});
  refuse(Blank({1, 2, 4, 8}, {1, 3, 4, 8}, {1, 2, 4, 8}, {1, 2, 4, 8}).t,
         {"kv_len", "[1, 2, 4, 8]"});
  refuse(Blank({1, 2, 4, 8}, {2, 3, 4, 8}, {1, 3, 4, 8}, {1, 2, 4, 8}).t,
         {"batch", "[2, 3, 4, 8]"});
  refuse(Blank({1, 2, 4, 8}, {1, 3, 4, 8}, {1, 3, 4, 8}, {1, 2, 4, 7}).t,
         {"head_dim_v", "[1, 2, 4, 7]"});
  refuse(Blank({2, 4, 8}, {1, 3, 4, 8}, {1, 3, 4, 8}, {1, 2, 4, 8}).t, {"q", "[2, 4, 8]"});
  Blank good({1, 2, 4, 8}, {1, 3, 4, 8}, {1, 3, 4, 8}, {1, 2, 4, 8});
  Tensor bias(Shape{1, 1, 2, 5});
  good.t.bias = bias;
  refuse(good.t, {"bias [1, 1, 2, 5]", "[1, 4, 2, 3]"});
  good.t.bias = {};
  const std::vector<float> gate{1, 1, 1, 2};
  good.t.head_gate = gate;
  refuse(good.t, {"head_gate", "[0, 1]"});
  good.t.head_gate = {};
  expect_error([&] { attention(good.t, {.softcap = -1}); }, {"softcap"});
  expect_error([&] { attention(good.t, {.window = {-2, 0}}); }, {"window"});
}

TEST(AttentionSeam, MasksAndBiasesMayLeaveOutExtentsInFront) {
  AttentionCase c{.batch = 2, .q_len = 3, .kv_len = 5, .n_heads = 2, .n_kv_heads = 2};
  const AttentionData data(c);
  const float bias[] = {0, 1, -2, 3, 0.5f};
  const bool mask[] = {true, false, true, true, true,  true, true, true,
                       true, false, true, true, false, true, true};
  AttentionTensors four = data.tensors(), fewer = data.tensors();
  four.bias = TensorView(bias, {1, 1, 1, 5});
  four.mask = TensorView(mask, {1, 1, 3, 5});
  fewer.bias = TensorView(bias, {5});
  fewer.mask = TensorView(mask, {3, 5});
  Tensor z4({2, 3, 2, 8}), z({2, 3, 2, 8}), rows4({3, 5}), rows({3, 5});
  four.z = z4;
  fewer.z = z;
  for (const AttentionKernel& kernel : attention_kernels()) {
    if (kernel.declines(attention_problem(four, {}))) continue;
    attention(four, {.kernel = kernel.name});
    attention(fewer, {.kernel = kernel.name});
    EXPECT_TRUE(std::ranges::equal(z.span<float>(), z4.span<float>())) << kernel.name;
  }
  const PatternRows all{.batch = 1, .head = 1, .row_end = 3};
  for (const auto pattern : {attention_pattern, attention_pattern_ref}) {
    pattern(attention_problem(four, {}), four, all, rows4);
    pattern(attention_problem(fewer, {}), fewer, all, rows);
    EXPECT_TRUE(std::ranges::equal(rows.span<float>(), rows4.span<float>()));
    EXPECT_EQ(rows.span<float>()[1], 0);
  }
  fewer.mask = TensorView(mask, {5, 3});
  expect_error([&] { attention(fewer); }, {"mask [5, 3]", "[2, 2, 3, 5]", "left out"});
}

TEST(AttentionSeam, StorageThatDoesNotFitIsNamed) {
  const Tensor f32(Shape{1, 3, 4, 8}), i8(DType::i8, {1, 3, 4, 8}), bf16(DType::bf16, {1, 3, 4, 8});
  const Tensor scale(Shape{1, 3, 4}), short_scale(Shape{1, 2, 4});
  Tensor z(Shape{1, 3, 4, 8}), narrow_z(DType::f16, {1, 3, 4, 8});
  const auto refuse = [](const AttentionTensors& t, std::initializer_list<std::string_view> parts) {
    expect_error([&] { attention(t); }, parts);
  };
  refuse({.q = i8, .k = i8, .v = i8, .z = z}, {"[attention]", "q [1, 3, 4, 8] is i8"});
  refuse({.q = f32, .k = i8, .v = bf16, .z = z},
         {"k [1, 3, 4, 8] is i8", "v [1, 3, 4, 8] is bf16"});
  refuse({.q = bf16, .k = f32, .v = f32, .z = narrow_z}, {"is bf16", "is f16"});
  refuse({.q = f32, .k = bf16, .v = bf16, .k_scale = scale, .z = z}, {"k_scale", "is bf16"});
  refuse({.q = f32, .k = i8, .v = i8, .v_scale = short_scale, .z = z},
         {"v_scale", "[1, 2, 4]", "f32 [1, 3, 4]"});
  EXPECT_NO_THROW(attention({.q = bf16, .k = i8, .v = i8, .k_scale = scale, .z = z}));
}

TEST(AttentionProblemTest, KeysThatCausalAndWindowLeave) {
  AttentionProblem p{.q_len = 3, .kv_len = 5};
  const auto keys = [&](std::int64_t i) {
    const auto range = p.keys_of(i);
    return std::pair(range.first, range.last);
  };
  EXPECT_EQ(keys(0), std::pair(std::int64_t{0}, std::int64_t{5}));
  p.causal = Causal::bottom_right;  // the last query stands at the last key
  EXPECT_EQ(keys(0), std::pair(std::int64_t{0}, std::int64_t{3}));
  EXPECT_EQ(keys(2), std::pair(std::int64_t{0}, std::int64_t{5}));
  p.window = {1, -1};
  EXPECT_EQ(keys(2), std::pair(std::int64_t{3}, std::int64_t{5}));
  p.causal = Causal::top_left;
  EXPECT_EQ(keys(2), std::pair(std::int64_t{1}, std::int64_t{3}));
  p.causal = Causal::none;
  p.window = {0, std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(keys(0), std::pair(std::int64_t{2}, std::int64_t{5}));
}

TEST(AttentionRef, ASumDoneByHand) {
  // Scores ln 1, ln 3 (scale 1): weights 1/4 and 3/4; with a sink of ln 4, 1/8 and 3/8.
  const float q[] = {1.0f}, k[] = {0.0f, std::log(3.0f)}, v[] = {8.0f, 16.0f};
  float z[1] = {}, lse[1] = {};
  const float sink[] = {std::log(4.0f)}, gate[] = {0.5f};
  AttentionTensors t{.q = TensorView(q, {1, 1, 1, 1}),
                     .k = TensorView(k, {1, 2, 1, 1}),
                     .v = TensorView(v, {1, 2, 1, 1}),
                     .z = MutableTensorView(z, {1, 1, 1, 1}),
                     .lse = MutableTensorView(lse, {1, 1, 1})};
  const AttentionOptions options{.scale = 1.0f, .kernel = "ref"};
  attention(t, options);
  EXPECT_FLOAT_EQ(z[0], 14.0f);
  EXPECT_FLOAT_EQ(lse[0], std::log(4.0f));
  t.sinks = sink;
  t.head_gate = gate;
  attention(t, options);
  EXPECT_FLOAT_EQ(z[0], 3.5f);
  EXPECT_FLOAT_EQ(lse[0], std::log(8.0f));
}

TEST(AttentionPattern, RowsAreWhatTheKernelWeighsWith) {
  AttentionCase c{.batch = 2, .q_len = 9, .kv_len = 13, .n_heads = 4, .n_kv_heads = 2};
  c.causal = Causal::bottom_right;
  c.extras = 7;  // mask, bias, alibi
  const AttentionData data(c);
  const auto z = testing::run_reference(data).z;
  const auto v = data.v.values();
  AttentionTensors t = data.tensors();
  Tensor zt(Shape{2, 9, 4, 8});
  t.z = zt;
  const AttentionProblem problem = attention_problem(t, data.options());
  Tensor rows(Shape{4, 13});
  attention_pattern(problem, t, {.batch = 1, .head = 3, .row_begin = 5, .row_end = 9}, rows);
  for (std::int64_t r = 0; r < 4; ++r)
    for (std::int64_t e = 0; e < 8; ++e) {
      double sum = 0;
      for (std::int64_t j = 0; j < 13; ++j)
        sum += static_cast<double>(rows.span<float>()[static_cast<std::size_t>(r * 13 + j)]) *
               v[static_cast<std::size_t>(((13 + j) * 2 + 1) * 8 + e)];
      EXPECT_NEAR(sum, z[static_cast<std::size_t>(((9 + 5 + r) * 4 + 3) * 8 + e)], 1e-6);
    }
}

TEST(AttentionPattern, RowsSumToOneHoweverLargeTheScores) {
  for (const float spread : {1.0f, 1000.0f}) {
    const AttentionCase c{.q_len = 20, .kv_len = 300, .head_dim = 16, .spread = spread};
    const AttentionData data(c);
    AttentionTensors t = data.tensors();
    Tensor z(Shape{1, 20, 1, 8});
    t.z = z;
    Tensor rows(Shape{20, 300});
    attention_pattern(attention_problem(t, data.options()), t, {.row_end = 20}, rows);
    for (std::size_t r = 0; r < 20; ++r) {
      double sum = 0;
      for (const float x : rows.span<float>().subspan(r * 300, 300)) sum += x;
      EXPECT_NEAR(sum, 1, 1e-6);
    }
  }
}

/// Rows of one head, a few and a tile's full, from the tiled kernel against the reference's; and
/// how far fp32 weights may be off: as the textbook's in fp32, twice.
void check_pattern(const AttentionCase& c, PatternRows rows) {
  SCOPED_TRACE(c.describe());
  const AttentionData data(c);
  AttentionTensors t = data.tensors();
  Tensor z(Shape{c.batch, c.q_len, c.n_heads, c.head_dim_v});
  t.z = z;
  const AttentionProblem problem = attention_problem(t, data.options());
  const Shape shape{rows.row_end - rows.row_begin, c.kv_len};
  Tensor fast(shape), exact(shape);
  attention_pattern_ref(problem, t, rows, exact);
  std::vector<float> naive(exact.span<float>().begin(), exact.span<float>().end());
  // A score of size 8 (with ALiBi 64) is known to two last places, and so is its weight.
  const float off =
      2 * (c.has(Extra::alibi) ? 64.0f : 8.0f) * c.spread * std::numeric_limits<float>::epsilon();
  for (std::size_t j = 0; j < naive.size(); j += 2) naive[j] *= 1 + off;
  for (const VectorTarget& target : vector_targets()) {
    const TargetOverride override(target);
    attention_pattern(problem, t, rows, fast);
    EXPECT_TRUE(testing::agrees(fast.span<float>(), naive, exact.span<float>())) << target.name;
  }
  for (std::int64_t r = 0; r < shape[0]; ++r) {
    double ours = 0, theirs = 0;
    for (std::int64_t j = 0; j < c.kv_len; ++j) {
      ours += fast.span<float>()[static_cast<std::size_t>(r * c.kv_len + j)];
      theirs += exact.span<float>()[static_cast<std::size_t>(r * c.kv_len + j)];
    }
    EXPECT_NEAR(ours, theirs, 1e-6);
  }
}

TEST(AttentionPattern, OfSomeRowsIsTheReferences) {
  AttentionCase plain{
      .batch = 2, .q_len = 120, .kv_len = 150, .n_heads = 4, .n_kv_heads = 2, .head_dim = 16};
  for (const auto& [first, last] :
       {std::pair<std::int64_t, std::int64_t>{0, 120}, {77, 78}, {40, 99}})
    for (const Causal causal : {Causal::none, Causal::bottom_right, Causal::top_left})
      for (const Window window : {Window{}, Window{20, 5}})
        for (const Extra e : {Extra::lse, Extra::mask, Extra::bias, Extra::alibi, Extra::sinks}) {
          AttentionCase c = plain;
          c.causal = causal;
          c.window = window;
          c.extras = static_cast<std::uint8_t>(e);
          c.broadcast = causal == Causal::none;
          check_pattern(c, {.batch = 1, .head = 3, .row_begin = first, .row_end = last});
        }
  for (const DType dtype : {DType::bf16, DType::f16}) {
    AttentionCase c = plain;
    c.dtype = dtype;
    check_pattern(c, {.batch = 0, .head = 2, .row_begin = 3, .row_end = 60});
  }
  AttentionCase integers = plain;
  integers.kv_dtype = DType::i8;
  integers.softcap = 3;
  check_pattern(integers, {.batch = 1, .head = 1, .row_begin = 100, .row_end = 120});
}

TEST(AttentionPattern, RefusesRowsThatAreNotThere) {
  const AttentionData data(kSmall);
  AttentionTensors t = data.tensors();
  Tensor z(Shape{1, 3, 2, 8});
  t.z = z;
  const AttentionProblem p = attention_problem(t, data.options());
  Tensor rows(Shape{1, 4});
  expect_error([&] { attention_pattern(p, t, {.head = 2, .row_end = 1}, rows); }, {"head 2 of 2"});
  expect_error([&] { attention_pattern(p, t, {.row_begin = 3, .row_end = 4}, rows); }, {"3:4"});
  expect_error([&] { attention_pattern(p, t, {.row_end = 2}, rows); }, {"[1, 4]", "[2, 4]"});
}

}  // namespace
}  // namespace headlight
