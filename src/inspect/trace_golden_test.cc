// What a trace of a real checkpoint shows, against other implementations' attention patterns.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "inspect/trace.h"
#include "model/transformer.h"
#include "support/golden.h"
#include "support/shared.h"

namespace headlight {
namespace {
using testing::integers;
using testing::largest_difference;

struct Golden {
  const char* model;
  const char* name;
};

void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

class TraceGoldenTest : public ::testing::TestWithParam<Golden> {
 protected:
  static Trace record(const Transformer& model, const SafetensorsFile& golden,
                      std::string_view kernel = {}) {
    std::vector<Token> tokens = tokens_of_ids(integers(golden, "input_ids"));
    if (golden.contains("token_type_ids")) {
      const auto types = integers(golden, "token_type_ids");
      for (std::size_t t = 0; t < tokens.size(); ++t)
        tokens[t].type_id = static_cast<int>(types[t]);
    }
    TraceOptions options;
    options.kernel = kernel;
    return record_trace(model, std::move(tokens), "", options);
  }
};

TEST_P(TraceGoldenTest, PatternRows) {
  HEADLIGHT_SHARED_OR_SKIP(folder, std::string("models/") + GetParam().model);
  HEADLIGHT_SHARED_OR_SKIP(path, std::string("goldens/") + GetParam().name + ".safetensors");
  const Transformer& model = testing::loaded_model(folder);
  const SafetensorsFile golden(path);
  const std::int64_t length = std::ssize(integers(golden, "input_ids"));
  for (std::string_view kernel : testing::kernels_for(model.config(), length)) {
    SCOPED_TRACE(kernel);
    const Trace trace = record(model, golden, kernel);
    ASSERT_EQ(trace.length(), length);
    for (std::int64_t l = 0; l < trace.config.n_layers; ++l) {
      const TensorView all = golden.tensor("attentions." + std::to_string(l));  // [H, T, T]
      for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
        const TensorView expected(all.as<float>() + h * length * length, Shape({length, length}));
        EXPECT_LT(largest_difference(pattern_rows(trace, l, h, 0, length), expected), 2e-4)
            << "head " << l << "." << h;
      }
    }
  }
}

/// A pattern row, and how far fp32 scores may move its weights, in parts of them: the roundings of
/// a score's D products add up like a random walk, to sqrt(D) of one of sum |q_d k_d| / sqrt(D); a
/// weight follows its own score and those it is normalised by; and as much again for slack.
struct PlainRow {
  std::vector<double> p;
  double slack = 0;
};

/// By its definition, in double.
PlainRow plain_row(const Trace& trace, std::int64_t l, std::int64_t h, std::int64_t i) {
  const ModelConfig& c = trace.config;
  const TracedLayer& layer = trace.layers[static_cast<std::size_t>(l)];
  const float* q = layer.q.span<float>().data() + (i * c.n_heads + h) * c.head_dim;
  const std::int64_t g = h / (c.n_heads / c.n_kv_heads);
  std::vector<double> row(static_cast<std::size_t>(trace.length()), -INFINITY);
  double slack = 0;
  for (std::int64_t j = 0; j < (c.causal() ? i + 1 : trace.length()); ++j) {
    const float* k = layer.k.span<float>().data() + (j * c.n_kv_heads + g) * c.head_dim;
    double score = 0, size = 0;
    for (std::int64_t d = 0; d < c.head_dim; ++d) {
      score += static_cast<double>(q[d]) * k[d];
      size += std::abs(static_cast<double>(q[d]) * k[d]);
    }
    slack = std::max(slack, 4 * 0x1p-24 * size);
    row[static_cast<std::size_t>(j)] = score / std::sqrt(static_cast<double>(c.head_dim));
  }
  const double top = *std::ranges::max_element(row);
  double sum = 0;
  for (double& x : row) sum += x = std::exp(x - top);
  for (double& x : row) x /= sum;
  return {std::move(row), slack};
}

TEST_P(TraceGoldenTest, RowsAreAsExactAsTheirScoresAndSumToOne) {
  HEADLIGHT_SHARED_OR_SKIP(folder, std::string("models/") + GetParam().model);
  HEADLIGHT_SHARED_OR_SKIP(path, std::string("goldens/") + GetParam().name + ".safetensors");
  const Transformer& model = testing::loaded_model(folder);
  const Trace trace = record(model, SafetensorsFile(path));
  for (std::int64_t l = 0; l < trace.config.n_layers; ++l)
    for (std::int64_t i = 0; i < trace.length(); i += 3) {
      const Tensor rows = query_rows(trace, l, i);
      for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
        const auto [expected, slack] = plain_row(trace, l, h, i);
        double sum = 0;
        for (std::int64_t j = 0; j < trace.length(); ++j) {
          const double p = rows.span<float>()[static_cast<std::size_t>(h * trace.length() + j)];
          const double want = expected[static_cast<std::size_t>(j)];
          ASSERT_NEAR(p, want, want * slack + 1e-7);
          sum += p;
        }
        ASSERT_NEAR(sum, 1, 1e-6);
      }
    }
}

TEST_P(TraceGoldenTest, HeadsAddUpToTheBlocksAttentionOutput) {
  HEADLIGHT_SHARED_OR_SKIP(folder, std::string("models/") + GetParam().model);
  HEADLIGHT_SHARED_OR_SKIP(path, std::string("goldens/") + GetParam().name + ".safetensors");
  const Transformer& model = testing::loaded_model(folder);
  const Trace trace = record(model, SafetensorsFile(path));
  const std::int64_t d = trace.config.d_model;
  for (std::int64_t l = 0; l < trace.config.n_layers; ++l) {
    const TensorView b_o = model.b_o(l);
    const auto out = trace.layers[static_cast<std::size_t>(l)].out.span<float>();
    for (std::int64_t t = 0; t < trace.length(); ++t) {
      const Tensor heads = head_contributions(model, trace, l, t);
      double worst = 0, largest = 0;
      for (std::int64_t j = 0; j < d; ++j) {
        double sum = b_o ? b_o.as<float>()[j] : 0;
        for (std::int64_t h = 0; h < trace.config.n_heads; ++h)
          sum += heads.span<float>()[static_cast<std::size_t>(h * d + j)];
        const double actual = out[static_cast<std::size_t>(t * d + j)];
        worst = std::max(worst, std::abs(sum - actual));
        largest = std::max(largest, std::abs(actual));
      }
      ASSERT_LT(worst, 1e-5 * largest) << "layer " << l << " token " << t;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, TraceGoldenTest,
                         ::testing::Values(Golden{"stories260K", "stories260K_once"},
                                           Golden{"stories260K", "stories260K_story"},
                                           Golden{"stories15M", "stories15M_once"},
                                           Golden{"gpt2-basic", "gpt2-basic_real"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_animal"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_coref"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_pair"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_unicode"}));

}  // namespace
}  // namespace headlight
