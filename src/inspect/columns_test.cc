#include "inspect/columns.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {

Transformer load(const testing::TinyModel& model) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder);
  return Transformer::load(folder);
}

Trace trace_of(const Transformer& model) {
  return record_trace(model, tokens_of_ids(std::vector<std::int64_t>{3, 16, 0, 7, 7, 1, 12}), "");
}

TEST(Columns, AreTheColumnsOfThePattern) {
  for (const auto& tiny : {testing::tiny_gpt2(), testing::tiny_llama(), testing::tiny_bert()}) {
    const Trace trace = trace_of(load(tiny));
    for (const std::int64_t key : {0, 3, 6}) {
      const Tensor columns = pattern_columns(trace, 1, key);
      ASSERT_EQ(columns.shape(), Shape({trace.config.n_heads, 7}));
      for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
        const Tensor rows = pattern_rows(trace, 1, h, 0, 7);
        for (std::int64_t i = 0; i < 7; ++i)
          EXPECT_EQ(columns.span<float>()[static_cast<std::size_t>(h * 7 + i)],
                    rows.span<float>()[static_cast<std::size_t>(i * 7 + key)]);
      }
    }
  }
}

TEST(Columns, NormsAreThoseOfEachValueTimesTheHeadsRowsOfWO) {
  for (const auto& tiny : {testing::tiny_gpt2(), testing::tiny_llama()}) {
    const Transformer model = load(tiny);
    const Trace trace = trace_of(model);
    const ModelConfig& c = trace.config;
    const Tensor norms = value_norms(model, trace, 0);
    ASSERT_EQ(norms.shape(), Shape({c.n_heads, 7}));
    const auto v = trace.layers[0].v.span<float>();
    const float* w_o = model.w_o(0).as<float>();
    for (std::int64_t h = 0; h < c.n_heads; ++h)
      for (std::int64_t j = 0; j < 7; ++j) {
        double squares = 0;
        for (std::int64_t to = 0; to < c.d_model; ++to) {
          double sum = 0;
          for (std::int64_t d = 0; d < c.head_dim; ++d) {
            const std::int64_t at = (j * c.n_kv_heads + h * c.n_kv_heads / c.n_heads) * c.head_dim;
            sum += static_cast<double>(v[static_cast<std::size_t>(at + d)]) *
                   w_o[(h * c.head_dim + d) * c.d_model + to];
          }
          squares += sum * sum;
        }
        EXPECT_NEAR(norms.span<float>()[static_cast<std::size_t>(h * 7 + j)], std::sqrt(squares),
                    1e-5);
      }
  }
}

TEST(Columns, WhatIsNotThereIsRefused) {
  const Transformer model = load(testing::tiny_gpt2());
  const Trace trace = trace_of(model);
  testing::expect_error([&] { pattern_columns(trace, 2, 0); }, {"layer 2", "[0, 2)"});
  testing::expect_error([&] { pattern_columns(trace, 0, 7); }, {"key 7", "[0, 7)"});
  testing::expect_error([&] { value_norms(model, trace, -1); }, {"layer -1"});
  testing::expect_error([&] { value_norms(load(testing::tiny_llama()), trace, 0); },
                        {"another model"});
}

}  // namespace
}  // namespace headlight
