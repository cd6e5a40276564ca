// What gemm offers beyond matmul: outputs in blocks of columns, and regions handed out when done.
#include "kernels/matmul/gemm.h"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "core/tensor.h"
#include "core/threads.h"
#include "kernels/matmul/matmul.h"
#include "support/vector_targets.h"

namespace headlight {
namespace {

using testing::normal_values;
using testing::on_every_target;

struct Product {
  std::int64_t m, k, n;
  std::vector<float> a, b;
  Tensor panels;

  Product(std::int64_t rows, std::int64_t steps, std::int64_t columns)
      : m(rows),
        k(steps),
        n(columns),
        a(normal_values(static_cast<std::size_t>(m * k), 0, 1, 1)),
        b(normal_values(static_cast<std::size_t>(k * n), 0, 1, 2)),
        panels({panels_of(n) * kPanelColumns * k}) {
    pack_panels({b.data(), k, n, n, 1}, panels.span<float>().data());
  }

  void run(const GemmOutput& c) {
    gemm({a.data(), m, k, k, 1}, {panels.span<float>().data(), k, n}, c);
  }
  std::vector<float> plain() {
    std::vector<float> c(static_cast<std::size_t>(m * n));
    run({.data = c.data(), .row_stride = n});
    return c;
  }
};

// Heads of 32 or 48 columns, each with its own matrix [m, width].
TEST(Gemm, BlocksOfColumnsLieWhereTheyWereAsked) {
  on_every_target([] {
    for (const std::int64_t width : {16, 32, 48})
      for (const std::int64_t m : {1, 5, 40}) {
        Product p(m, 20, 3 * width);
        const std::vector<float> plain = p.plain();
        std::vector<float> heads(plain.size());
        p.run({.data = heads.data(),
               .row_stride = width,
               .block_width = width,
               .block_stride = m * width});
        for (std::int64_t i = 0; i < m; ++i)
          for (std::int64_t j = 0; j < p.n; ++j)
            ASSERT_EQ(
                heads[static_cast<std::size_t>(j / width * m * width + i * width + j % width)],
                plain[static_cast<std::size_t>(i * p.n + j)])
                << width << ": " << i << "," << j;
      }
  });
}

// Panels of more than 8 MiB go range by range of columns through all blocks of rows; a single block
// takes them at once.
TEST(Gemm, WideWeightsInRangesGiveTheSame) {
  constexpr std::int64_t kRows = 100;
  Product p(3 * kRows, 1100, 2064);
  const std::vector<float> all = p.plain();
  for (std::int64_t first = 0; first < p.m; first += kRows) {
    std::vector<float> c(static_cast<std::size_t>(kRows * p.n));
    gemm({p.a.data() + first * p.k, kRows, p.k, p.k, 1}, {p.panels.span<float>().data(), p.k, p.n},
         {.data = c.data(), .row_stride = p.n});
    for (std::size_t i = 0; i < c.size(); ++i)
      ASSERT_EQ(c[i], all[static_cast<std::size_t>(first * p.n) + i]) << first << ": " << i;
  }
}

// Every value is handed out once, in whole heads, when it will not change any more.
TEST(Gemm, RegionsAreHandedOutOnceAndComplete) {
  for (const int count : {1, 3}) {
    set_threads(count);
    for (const std::int64_t head : {16, 24, 40, 64}) {
      Product p(300, 1100, 5 * head);
      std::vector<float> c(static_cast<std::size_t>(p.m * p.n));
      std::vector<float> seen(c.size());
      std::vector<int> times(c.size());
      std::mutex mutex;
      const auto finish = [&](const GemmRegion& r) {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(r.column_begin % head, 0);
        EXPECT_EQ(r.column_end % head, 0);
        for (std::int64_t i = r.row_begin; i < r.row_end; ++i)
          for (std::int64_t j = r.column_begin; j < r.column_end; ++j) {
            const auto at = static_cast<std::size_t>(i * p.n + j);
            seen[at] = c[at];
            ++times[at];
          }
      };
      p.run({.data = c.data(), .row_stride = p.n, .finish = finish, .finish_width = head});
      EXPECT_EQ(seen, c) << head;
      EXPECT_EQ(times, std::vector<int>(c.size(), 1)) << head;
    }
  }
  set_threads(0);
}

}  // namespace
}  // namespace headlight
