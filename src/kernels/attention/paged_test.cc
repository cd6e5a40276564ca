// Keys in pages give what the same keys give in one piece, whichever kernel reads them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "core/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/statistics.h"
#include "kernels/attention/test_support.h"
#include "support/expect_error.h"
#include "support/tolerance.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;
using testing::expect_error;

constexpr std::int32_t kUnused = -7;

/// Rows [kv_len] of `from` [B, Tkv, ...] scattered over pages [P, page_len, ...] as a table says.
Tensor scattered(TensorView from, TensorView table, std::int64_t page_len, std::int64_t pages) {
  Shape shape = from.shape();
  shape[0] = pages;
  shape[1] = page_len;
  Tensor to(from.dtype(), shape);
  const std::int64_t row = from.stride(1) * static_cast<std::int64_t>(size_of(from.dtype()));
  for (std::int64_t b = 0; b < from.dim(0); ++b)
    for (std::int64_t j = 0; j < from.dim(1); ++j) {
      const std::int32_t page = table.as<std::int32_t>()[b * table.stride(0) + j / page_len];
      if (page == kUnused) continue;
      std::memcpy(
          static_cast<std::byte*>(to.view().data()) + (page * page_len + j % page_len) * row,
          static_cast<const std::byte*>(from.data()) + (b * from.dim(1) + j) * row,
          static_cast<std::size_t>(row));
    }
  return to;
}

/// The data of a case with each batch entry cut to a length of its own, and moved into pages.
struct Paged {
  AttentionData data;
  std::vector<std::int64_t> lengths;
  Tensor table, k, v, k_scale, v_scale;

  Paged(const AttentionCase& c, std::vector<std::int64_t> lens, std::int64_t page_len)
      : data(c), lengths(std::move(lens)) {
    const std::int64_t columns = (c.kv_len + page_len - 1) / page_len;
    table = Tensor(DType::i32, {c.batch, columns});
    std::vector<std::int32_t> free(static_cast<std::size_t>(c.batch * columns));
    std::iota(free.begin(), free.end(), 0);
    std::mt19937 random(c.seed);
    std::shuffle(free.begin(), free.end(), random);
    for (std::int64_t i = 0; i < c.batch * columns; ++i)
      table.span<std::int32_t>()[static_cast<std::size_t>(i)] =
          i % columns * page_len < lengths[static_cast<std::size_t>(i / columns)]
              ? free[static_cast<std::size_t>(i)]
              : kUnused;
    const AttentionTensors t = data.tensors();
    const auto pages = static_cast<std::int64_t>(free.size());
    k = scattered(t.k, table, page_len, pages);
    v = scattered(t.v, table, page_len, pages);
    if (t.k_scale) k_scale = scattered(t.k_scale, table, page_len, pages);
    if (t.v_scale) v_scale = scattered(t.v_scale, table, page_len, pages);
  }

  AttentionTensors tensors() const {
    AttentionTensors t = data.tensors();
    t.k = k;
    t.v = v;
    if (k_scale) t.k_scale = k_scale;
    if (v_scale) t.v_scale = v_scale;
    t.page_table = table;
    t.kv_lengths = lengths;
    return t;
  }

  /// Batch entry b in one piece.
  AttentionTensors entry(std::int64_t b) const {
    AttentionTensors t = data.tensors();
    const auto cut = [&](TensorView& view, std::int64_t length) {
      if (!view) return;
      Shape shape = view.shape();
      shape[0] = 1;
      shape[1] = length;
      const auto* bytes = static_cast<const std::byte*>(view.data());
      view =
          TensorView(bytes + b * view.stride(0) * static_cast<std::int64_t>(size_of(view.dtype())),
                     view.dtype(), shape, view.strides());
    };
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    cut(t.q, t.q.dim(1));
    for (TensorView* view : {&t.k, &t.v, &t.k_scale, &t.v_scale}) cut(*view, length);
    return t;
  }
};

struct Result {
  Tensor z, lse;
};

/// A forced kernel's outputs over tensors of this batch.
Result result_of(AttentionTensors t, const AttentionOptions& options, std::string_view kernel) {
  Result r{Tensor({t.q.dim(0), t.q.dim(1), t.q.dim(2), t.v.dim(3)}),
           Tensor({t.q.dim(0), t.q.dim(2), t.q.dim(1)})};
  t.z = r.z;
  t.lse = r.lse;
  AttentionOptions forced = options;
  forced.kernel = kernel;
  attention(t, forced);
  return r;
}

AttentionCase three_sequences(std::int64_t q_len) {
  AttentionCase c{.batch = 3,
                  .q_len = q_len,
                  .kv_len = 700,
                  .n_heads = 4,
                  .n_kv_heads = 2,
                  .head_dim = 24,
                  .head_dim_v = 16,
                  .causal = Causal::bottom_right};
  c.extras = static_cast<std::uint8_t>(Extra::alibi) | static_cast<std::uint8_t>(Extra::sinks);
  return c;
}

/// Holds a kernel on pages to `plain` on each sequence in one piece, bit for bit.
void expect_same_bits(const Paged& paged, std::string_view kernel, std::string_view plain) {
  const AttentionOptions options = paged.data.options();
  const Result all = result_of(paged.tensors(), options, kernel);
  const auto part = [](const Tensor& of, std::int64_t b) {
    const std::int64_t size = of.numel() / of.dim(0);
    return of.span<float>().subspan(static_cast<std::size_t>(b * size),
                                    static_cast<std::size_t>(size));
  };
  for (std::int64_t b = 0; b < paged.data.shape.batch; ++b) {
    const Result one = result_of(paged.entry(b), options, plain);
    EXPECT_TRUE(std::ranges::equal(part(all.z, b), one.z.span<float>())) << kernel << " of " << b;
    EXPECT_TRUE(std::ranges::equal(part(all.lse, b), one.lse.span<float>())) << kernel;
  }
}

TEST(AttentionPages, AreReadInPlaceBitForBit) {
  for (const DType kv : {DType::f32, DType::bf16, DType::f16, DType::i8})
    for (const std::int64_t page_len : {64, 128}) {
      AttentionCase c = three_sequences(2);
      c.kv_dtype = kv;
      expect_same_bits(Paged(c, {700, 65, 1}, page_len), "decode", "decode");
      expect_same_bits(Paged(c, {0, 512, 699}, page_len), "decode", "decode");
    }
}

TEST(AttentionPages, AreGatheredForManyQueries) {
  const Paged paged(three_sequences(20), {700, 65, 20}, 64);
  expect_same_bits(paged, "gather", "flash");
  expect_same_bits(paged, "ref", "ref");
}

TEST(AttentionPages, OfAnyLengthAgreeWithTheReference) {
  for (const std::int64_t page_len : {1, 7, 100}) {
    const Paged paged(three_sequences(3), {700, 65, 3}, page_len);
    const Result fast = result_of(paged.tensors(), paged.data.options(), "decode");
    const Result want = result_of(paged.tensors(), paged.data.options(), "ref");
    EXPECT_LT(testing::largest_error(fast.z.span<float>(), want.z.span<float>()), 1e-6);
    EXPECT_LT(testing::largest_error(fast.lse.span<float>(), want.lse.span<float>()), 2e-6);
  }
}

TEST(AttentionPages, AreReadByTheFirstKernelThatCan) {
  const auto ran = [](std::int64_t q_len) {
    const Paged paged(three_sequences(q_len), {700, 65, 30}, 64);
    Tensor z({3, q_len, 4, 16});
    AttentionTensors t = paged.tensors();
    t.z = z;
    return attention(t, paged.data.options()).kernel;
  };
  EXPECT_EQ(ran(1), "decode");
  EXPECT_EQ(ran(20), "gather");
}

/// Every output of three sequences, of which one has no key; with room for one of them alone, too.
struct Statistics {
  Statistics(std::int64_t batch, std::int64_t q_len, std::int64_t kv_len)
      : entropy({batch, 4, q_len}),
        distance({batch, 4, q_len}),
        column_mass({batch, 4, kv_len}),
        top_mass({batch, 4, q_len, 2}),
        top_keys(DType::i32, {batch, 4, q_len, 2}),
        pattern({batch, 4, q_len, kv_len}) {
    for (Tensor* t : floats()) std::ranges::fill(t->span<float>(), 77.0f);
  }
  AttentionStatistics request() {
    return {.entropy = entropy,
            .distance = distance,
            .column_mass = column_mass,
            .top_mass = top_mass,
            .top_keys = top_keys,
            .pattern = pattern};
  }
  std::vector<Tensor*> floats() { return {&entropy, &distance, &column_mass, &top_mass, &pattern}; }
  Tensor entropy, distance, column_mass, top_mass, top_keys, pattern;
};

void run_with(Statistics& to, AttentionTensors t, AttentionOptions options,
              std::string_view kernel) {
  const AttentionStatistics request = to.request();
  t.statistics = &request;
  options.kernel = kernel;
  Tensor z({t.q.dim(0), t.q.dim(1), t.q.dim(2), t.v.dim(3)});
  t.z = z;
  attention(t, options);
}

TEST(AttentionPages, StatisticsAreThoseOfEachSequenceInOnePiece) {
  constexpr std::int64_t kQueries = 20, kLongest = 700;
  const Paged paged(three_sequences(kQueries), {kLongest, 65, 0}, 64);
  for (const auto& [kernel, plain] : {std::pair{"gather", "flash"}, {"ref", "ref"}}) {
    Statistics all(3, kQueries, kLongest);
    run_with(all, paged.tensors(), paged.data.options(), kernel);
    for (std::int64_t b = 0; b < 2; ++b) {
      const std::int64_t keys = paged.lengths[static_cast<std::size_t>(b)];
      Statistics one(1, kQueries, keys);
      run_with(one, paged.entry(b), paged.data.options(), plain);
      for (std::size_t i = 0; i < all.floats().size(); ++i) {
        const Tensor &whole = *all.floats()[i], &part = *one.floats()[i];
        const bool by_key = whole.shape()[whole.shape().rank() - 1] == kLongest;
        const std::int64_t width = by_key ? kLongest : part.numel(), own = by_key ? keys : width;
        const float* to = part.span<float>().data();
        const float* from = whole.span<float>().data() + b * (whole.numel() / 3);
        for (; to != part.span<float>().data() + part.numel(); to += own, from += width) {
          EXPECT_TRUE(std::equal(to, to + own, from)) << kernel << " " << i;
          EXPECT_TRUE(std::all_of(from + own, from + width, [](float x) { return x == 0; }));
        }
      }
    }
    for (Tensor* t : all.floats())
      for (const float x : t->span<float>().last(static_cast<std::size_t>(t->numel() / 3)))
        EXPECT_EQ(x, 0.0f);
  }
}

TEST(AttentionPages, ThatDoNotFitAreNamed) {
  const Paged paged(three_sequences(2), {700, 65, 1}, 64);
  Tensor z({3, 2, 4, 16});
  AttentionTensors good = paged.tensors();
  good.z = z;
  const auto refuse = [&](const AttentionTensors& t,
                          std::initializer_list<std::string_view> parts) {
    expect_error([&] { attention(t); }, parts);
  };
  AttentionTensors t = good;
  const std::vector<std::int64_t> longer{800, 65, 1}, two{700, 65};
  t.kv_lengths = longer;
  refuse(t, {"[attention]", "kv_lengths holds 800", "704"});
  t.kv_lengths = two;
  refuse(t, {"2 kv_lengths", "each of 3"});
  t = good;
  t.page_table = {};
  refuse(t, {"batch", "[33, 64, 2, 24]"});
  Tensor table = paged.table.clone();
  table.span<std::int32_t>()[3] = 33;
  t = good;
  t.page_table = table;
  refuse(t, {"page_table[0, 3] is 33", "33 pages"});
}

}  // namespace
}  // namespace headlight
