// Caches hold what they were given, up to the rounding of their storage,
// however it came in.
#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention/attention.h"
#include "model/layer_test_support.h"
#include "model/paged_kv_cache.h"
#include "support/expect_error.h"
#include "support/tolerance.h"

namespace headlight {
namespace {

using testing::expect_error;
using testing::random_layer;
using testing::random_tensor;

constexpr std::int64_t kHeads = 2, kDim = 24, kDimV = 16;
constexpr DType kStorages[] = {DType::f32, DType::bf16, DType::f16, DType::i8};

KvCacheShape shape_of(DType dtype, std::int64_t batch, std::int64_t capacity) {
  return {.batch = batch,
          .capacity = capacity,
          .n_kv_heads = kHeads,
          .head_dim = kDim,
          .head_dim_v = kDimV,
          .dtype = dtype};
}

/// Rows [from, to) of the second dimension.
TensorView rows(const Tensor& t, std::int64_t from, std::int64_t to) {
  Shape shape = t.shape();
  shape[1] = to - from;
  const TensorView all = t;
  return {all.as<float>() + from * all.stride(1), DType::f32, shape, all.strides()};
}

/// One batch entry without its batch dimension.
TensorView sequence(TensorView t, std::int64_t b) {
  return {t.as<float>() + b * t.stride(0),
          DType::f32,
          {t.dim(1), t.dim(2), t.dim(3)},
          {t.stride(1), t.stride(2), t.stride(3)}};
}

/// One query of each batch entry against `given`; z, and lse behind it.
std::vector<float> decoded(const AttentionTensors& given, const Tensor& q) {
  Tensor z({q.dim(0), q.dim(1), q.dim(2), kDimV}), lse({q.dim(0), q.dim(2), q.dim(1)});
  AttentionTensors t = given;
  t.q = q;
  t.z = z;
  t.lse = lse;
  attention(t, {.causal = Causal::bottom_right});
  std::vector<float> out(z.span<float>().begin(), z.span<float>().end());
  out.insert(out.end(), lse.span<float>().begin(), lse.span<float>().end());
  return out;
}

AttentionTensors tensors_of(const KvCache& cache) {
  return {.k = cache.keys(),
          .v = cache.values(),
          .k_scale = cache.key_scales(),
          .v_scale = cache.value_scales()};
}

TEST(KvCache, GivesTheSameBitsInPiecesAndWhole) {
  const Tensor k = random_tensor({2, 600, kHeads, kDim}, 1),
               v = random_tensor({2, 600, kHeads, kDimV}, 2);
  const Tensor q = random_tensor({2, 1, 4, kDim}, 3);
  for (const DType dtype : kStorages) {
    KvCache whole(shape_of(dtype, 2, 600)), pieces(shape_of(dtype, 2, 700));
    whole.append(k, v);
    for (std::int64_t from = 0, next = 1; from < 600;
         from = next, next = std::min<std::int64_t>(2 * from + 3, 600))
      pieces.append(rows(k, from, next), rows(v, from, next));
    EXPECT_EQ(decoded(tensors_of(whole), q), decoded(tensors_of(pieces), q)) << name_of(dtype);
  }
}

TEST(KvCache, RoundsByNoMoreThanItsStorage) {
  const Tensor k = random_tensor({1, 40, kHeads, kDim}, 1),
               v = random_tensor({1, 40, kHeads, kDimV}, 2);
  // Half a unit in the last place: of 8 and 11 bits, and of max / 127.
  const std::pair<DType, double> bounds[] = {
      {DType::f32, 0}, {DType::bf16, 0x1p-8}, {DType::f16, 0x1p-11}, {DType::i8, 0.5 / 127}};
  for (const auto& [dtype, bound] : bounds) {
    KvCache cache(shape_of(dtype, 1, 40));
    cache.append(k, v);
    const TensorView stored = cache.keys(), scales = cache.key_scales(), given = k.view();
    double worst = 0;
    for (std::int64_t t = 0; t < 40; ++t)
      for (std::int64_t h = 0; h < kHeads; ++h) {
        const float* row = given.as<float>() + t * given.stride(1) + h * given.stride(2);
        const float largest = std::fabs(*std::max_element(
            row, row + kDim, [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
        for (std::int64_t e = 0; e < kDim; ++e) {
          const std::int64_t at = t * stored.stride(1) + h * stored.stride(2) + e;
          float x = 0;
          if (dtype == DType::i8)
            x = static_cast<float>(stored.as<std::int8_t>()[at]) *
                scales.as<float>()[t * scales.stride(1) + h * scales.stride(2)];
          else
            widen(dtype,
                  static_cast<const std::byte*>(stored.data()) +
                      at * static_cast<std::int64_t>(size_of(dtype)),
                  {&x, 1});
          worst = std::max(worst, static_cast<double>(std::fabs(x - row[e])) / largest);
        }
      }
    EXPECT_LE(worst, bound * 1.0001) << name_of(dtype);
    EXPECT_GE(worst, bound / 4) << name_of(dtype) << " is not rounded at all";
  }
}

TEST(KvCache, AttentionOverItStaysCloseInEveryStorage) {
  const Tensor k = random_tensor({1, 500, kHeads, kDim}, 1),
               v = random_tensor({1, 500, kHeads, kDimV}, 2);
  const Tensor q = random_tensor({1, 2, 4, kDim}, 3);
  KvCache exact(shape_of(DType::f32, 1, 500));
  exact.append(k, v);
  const auto want = decoded(tensors_of(exact), q);
  const std::pair<DType, double> bounds[] = {
      {DType::bf16, 4e-3}, {DType::f16, 5e-4}, {DType::i8, 6e-3}};
  for (const auto& [dtype, bound] : bounds) {
    KvCache cache(shape_of(dtype, 1, 500));
    cache.append(k, v);
    const double error = testing::largest_error(decoded(tensors_of(cache), q), want);
    RecordProperty(std::string(name_of(dtype)) + "_error", std::to_string(error));
    EXPECT_LT(error, bound) << name_of(dtype);
    EXPECT_GT(error, 0) << name_of(dtype);
  }
}

TEST(KvCache, RefusesWhatItCannotStore) {
  expect_error([] { KvCache(shape_of(DType::i16, 1, 4)); }, {"[kv_cache]", "i16", "i8"});
  KvCache cache(shape_of(DType::i8, 1, 4));
  Tensor k = random_tensor({1, 2, kHeads, kDim}, 1);
  const Tensor v = random_tensor({1, 2, kHeads, kDimV}, 2);
  k.span<float>()[7] = std::numeric_limits<float>::infinity();
  expect_error([&] { cache.append(k, v); }, {"inf", "i8 cannot"});
  EXPECT_EQ(cache.length(), 0);
  const Tensor zeros({1, 2, kHeads, kDim});
  cache.append(zeros, v);
  EXPECT_EQ(cache.key_scales().as<float>()[0], 0.0f);
  EXPECT_EQ(KvCache(shape_of(DType::bf16, 1, 4)).key_scales().data(), nullptr);
}

PagedKvCacheShape pages_of(DType dtype, std::int64_t pages) {
  return {.pages = pages,
          .page_len = 64,
          .n_kv_heads = kHeads,
          .head_dim = kDim,
          .head_dim_v = kDimV,
          .dtype = dtype};
}

TEST(PagedKvCache, GivesTheBitsOfAContiguousOne) {
  const Tensor k = random_tensor({3, 300, kHeads, kDim}, 1),
               v = random_tensor({3, 300, kHeads, kDimV}, 2);
  const Tensor q = random_tensor({3, 1, 4, kDim}, 3);
  const std::int64_t lengths[] = {300, 1, 130};
  for (const DType dtype : kStorages) {
    PagedKvCache paged(pages_of(dtype, 10));
    const std::int64_t ids[] = {paged.start(), paged.start(), paged.start()};
    // In turns, so that the pages of one do not follow each other.
    for (std::int64_t from = 0; from < 300; from += 50)
      for (std::size_t b = 0; b < 3; ++b) {
        const std::int64_t to = std::min(from + 50, lengths[b]);
        if (from < to)
          paged.append(ids[b], sequence(rows(k, from, to), static_cast<std::int64_t>(b)),
                       sequence(rows(v, from, to), static_cast<std::int64_t>(b)));
      }
    EXPECT_EQ(paged.free_pages(), 10 - 5 - 1 - 3);
    AttentionTensors t;
    paged.give(ids, t);
    const std::vector<float> all = decoded(t, q);
    for (std::int64_t b = 0; b < 3; ++b) {
      KvCache one(shape_of(dtype, 3, 300));
      one.append(rows(k, 0, lengths[b]), rows(v, 0, lengths[b]));
      const std::vector<float> want = decoded(tensors_of(one), q);
      const auto z = [&](const std::vector<float>& of) { return of.begin() + b * 4 * kDimV; };
      EXPECT_TRUE(std::equal(z(all), z(all) + 4 * kDimV, z(want))) << name_of(dtype) << " " << b;
    }
  }
}

TEST(PagedKvCache, TakesPagesBackAndGivesThemAgain) {
  PagedKvCache cache(pages_of(DType::f32, 3));
  const Tensor k = random_tensor({100, kHeads, kDim}, 1),
               v = random_tensor({100, kHeads, kDimV}, 2);
  const std::int64_t first = cache.start();
  cache.append(first, k, v);
  EXPECT_EQ(cache.free_pages(), 1);
  const std::int64_t second = cache.start();
  expect_error([&] { cache.append(second, k, v); },
               {"[paged_kv_cache]", "100 more keys", "2 more pages", "1 of 3"});
  EXPECT_EQ(cache.length(second), 0);
  EXPECT_EQ(cache.free_pages(), 1);
  cache.truncate(first, 64);
  EXPECT_EQ(cache.free_pages(), 2);
  cache.append(second, k, v);
  EXPECT_EQ(cache.free_pages(), 0);
  cache.end(first);
  EXPECT_EQ(cache.free_pages(), 1);
  expect_error([&] { cache.end(first); }, {"no sequence 0", "has ended"});
  expect_error([&] { cache.append(9, k, v); }, {"no sequence 9", "never started"});
  EXPECT_NE(cache.start(), first);
  const Tensor other = random_tensor({100, kHeads, kDim + 1}, 1);
  expect_error([&] { cache.append(second, other, v); }, {"[100, 2, 25]", "2, 24"});
}

TEST(LayerCache, OfEveryStorageStaysClose) {
  MultiHeadAttention layer =
      random_layer({.d_model = 64, .n_heads = 4, .n_kv_heads = 2, .causal = Causal::bottom_right});
  const Tensor x = random_tensor({1, 40, 64}, 5);
  Tensor want({1, 40, 64});
  layer.forward(x, want);
  double largest = 0;
  for (const float value : want.span<float>()) largest = std::fmax(largest, std::fabs(value));
  for (const auto& [dtype, bound] :
       {std::pair{DType::f32, 1e-5}, {DType::bf16, 1e-2}, {DType::f16, 2e-3}, {DType::i8, 2e-2}}) {
    KvCache cache = layer.make_cache(1, 40, dtype);
    EXPECT_EQ(cache.shape().dtype, dtype);
    Tensor out({1, 40, 64});
    for (const auto& [from, to] : {std::pair{0, 30}, {30, 31}, {31, 40}}) {
      MutableTensorView part(out.span<float>().data() + from * 64, {1, to - from, 64});
      layer.forward(rows(x, from, to), cache, part);
    }
    const double error = testing::largest_error(out.span<float>(), want.span<float>());
    EXPECT_LT(error, bound * largest) << name_of(dtype);
  }
}

}  // namespace
}  // namespace headlight
