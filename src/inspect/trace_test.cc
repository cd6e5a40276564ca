#include "inspect/trace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/error.h"
#include "io/safetensors.h"
#include "support/golden.h"
#include "support/plain_forward.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
using testing::PlainResult;
using testing::TinyModel;

const std::vector<std::int64_t> kIds = {3, 16, 0, 7, 7, 1, 12};

Transformer load(const TinyModel& model) {
  const auto folder = testing::scratch_folder();
  testing::write_model(model, folder);
  return Transformer::load(folder);
}

Trace trace_of(const Transformer& model, const TraceOptions& options = {}) {
  return record_trace(model, tokens_of_ids(kIds), "", options);
}

float at(const Tensor& rows, std::int64_t i, std::int64_t j) {
  return rows.span<float>()[static_cast<std::size_t>(i * rows.dim(1) + j)];
}

/// Runs `action` and returns the message it throws; empty when it does not.
template <class Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

TEST(Trace, PatternsAreThoseOfAnIndependentForwardPass) {
  for (const TinyModel& tiny : {testing::tiny_gpt2({{"scale_attn_by_inverse_layer_idx", true}}),
                                testing::tiny_llama(), testing::tiny_bert()}) {
    const Transformer model = load(tiny);
    const Trace trace = trace_of(model);
    const PlainResult plain = testing::plain_forward(tiny, kIds);
    for (std::int64_t l = 0; l < trace.config.n_layers; ++l)
      for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
        const Tensor rows = pattern_rows(trace, l, h, 2, 7);
        ASSERT_EQ(rows.shape(), Shape({5, 7}));
        const auto& expected =
            plain.layers[static_cast<std::size_t>(l)].patterns[static_cast<std::size_t>(h)];
        for (std::int64_t i = 2; i < 7; ++i)
          for (std::int64_t j = 0; j < 7; ++j)
            EXPECT_NEAR(at(rows, i - 2, j),
                        expected[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)], 2e-5);
      }
  }
}

TEST(Trace, QueryRowsAreTheRowsOfEveryHead) {
  const Trace trace = trace_of(load(testing::tiny_llama()));
  const Tensor rows = query_rows(trace, 1, 4);
  ASSERT_EQ(rows.shape(), Shape({4, 7}));
  const Tensor average = average_of_heads(rows);
  ASSERT_EQ(average.shape(), Shape({7}));
  for (std::int64_t j = 0; j < 7; ++j) {
    double sum = 0;
    for (std::int64_t h = 0; h < 4; ++h) {
      EXPECT_EQ(at(rows, h, j), at(pattern_rows(trace, 1, h, 4, 5), 0, j));
      sum += at(rows, h, j);
    }
    EXPECT_NEAR(average.span<float>()[static_cast<std::size_t>(j)], sum / 4, 1e-7);
  }
}

TEST(Trace, LseNormalisesTheScores) {
  const Trace trace = trace_of(load(testing::tiny_llama()));
  const TracedLayer& layer = trace.layers[1];
  const Tensor row = pattern_rows(trace, 1, 3, 6, 7);
  for (std::int64_t j = 0; j < 7; ++j) {
    double score = 0;
    for (std::int64_t d = 0; d < 6; ++d)
      score += static_cast<double>(
                   layer.q.span<float>()[static_cast<std::size_t>((6 * 4 + 3) * 6 + d)]) *
               layer.k.span<float>()[static_cast<std::size_t>((j * 2 + 1) * 6 + d)];
    EXPECT_NEAR(std::exp(score / std::sqrt(6.0) - at(layer.lse, 3, 6)), at(row, 0, j), 2e-6);
  }
}

TEST(Trace, HeadsAddUpToTheOutputWithAndWithoutGates) {
  for (const TinyModel& tiny :
       {testing::tiny_gpt2(), testing::tiny_llama({{"attention_bias", true}}),
        testing::tiny_llama(), testing::tiny_bert()}) {
    const Transformer model = load(tiny);
    HeadGates gates(model.config());
    gates.set(0, 1, 0.25f);
    TraceOptions gated;
    gated.head_gates = &gates;
    for (const TraceOptions& options : {TraceOptions(), gated}) {
      const Trace trace = trace_of(model, options);
      const Tensor heads = head_contributions(model, trace, 0, 5);
      const TensorView b_o = model.b_o(0);
      for (std::int64_t j = 0; j < trace.config.d_model; ++j) {
        double sum = b_o ? b_o.as<float>()[j] : 0;
        for (std::int64_t h = 0; h < trace.config.n_heads; ++h) sum += at(heads, h, j);
        EXPECT_NEAR(sum, at(trace.layers[0].out, 5, j), 1e-5);
      }
    }
    const Tensor open = head_contributions(model, trace_of(model), 0, 5);
    const Tensor quarter = head_contributions(model, trace_of(model, gated), 0, 5);
    for (std::int64_t j = 0; j < 12; ++j)
      EXPECT_NEAR(at(quarter, 1, j), 0.25f * at(open, 1, j), 1e-6);
  }
}

TEST(Trace, ThumbnailAveragesBlocksOfThePattern) {
  const Trace trace = trace_of(load(testing::tiny_bert()));
  const Tensor all = pattern_rows(trace, 1, 2, 0, 7);
  EXPECT_EQ(testing::largest_difference(pattern_thumbnail(trace, 1, 2, 64), all), 0);
  const Tensor small = pattern_thumbnail(trace, 1, 2, 3);
  ASSERT_EQ(small.shape(), Shape({3, 3}));
  // 7 tokens in 3 cells: [0, 2), [2, 4), [4, 7).
  double mass = 0;
  for (std::int64_t i = 4; i < 7; ++i)
    for (std::int64_t j = 2; j < 4; ++j) mass += at(all, i, j);
  EXPECT_NEAR(at(small, 2, 1), mass / 3, 1e-6);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_NEAR(at(small, i, 0) + at(small, i, 1) + at(small, i, 2), 1, 1e-6);
}

TEST(Trace, EntropiesInNats) {
  Tensor rows({3, 4});
  const std::array<float, 12> values = {0.25f, 0.25f, 0.25f, 0.25f, 0, 1, 0, 0, 0, 0, 0, 0};
  std::ranges::copy(values, rows.span<float>().begin());
  const auto entropies = row_entropies(rows);
  EXPECT_NEAR(entropies[0], std::log(4.0), 1e-12);
  EXPECT_EQ(entropies[1], 0);
  EXPECT_EQ(entropies[2], 0);
}

TEST(Trace, OutOfRangeNamesTheRange) {
  const Transformer model = load(testing::tiny_llama());
  const Trace trace = trace_of(model);
  EXPECT_EQ(refusal([&] { pattern_rows(trace, 2, 0, 0, 1); }), "[trace] layer 2 is not in [0, 2)");
  EXPECT_EQ(refusal([&] { pattern_rows(trace, 0, 4, 0, 1); }), "[trace] head 4 is not in [0, 4)");
  EXPECT_EQ(refusal([&] { pattern_rows(trace, 0, 0, 3, 8); }), "[trace] rows 3:8 are not in 0:7");
  EXPECT_EQ(refusal([&] { pattern_rows(trace, 0, 0, 3, 2); }), "[trace] rows 3:2 are not in 0:7");
  EXPECT_EQ(refusal([&] { query_rows(trace, 0, -1); }), "[trace] query -1 is not in [0, 7)");
  EXPECT_NE(refusal([&] { pattern_thumbnail(trace, 0, 0, 0); }), "");
  EXPECT_NE(refusal([&] { head_contributions(model, trace, 0, 7); }), "");
  const Transformer other = load(testing::tiny_gpt2());
  EXPECT_NE(refusal([&] { head_contributions(other, trace, 0, 0); }).find("another model"),
            std::string::npos);
}

/// A trace with a text, as a tokenizer would give it.
Trace trace_with_text(const Transformer& model) {
  std::vector<Token> tokens = tokens_of_ids(kIds);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    tokens[t].begin = t;
    tokens[t].end = t + 1;
  }
  tokens[0].special = true;
  tokens[6].piece = "caf\xc3\xa9 \"\n";
  return record_trace(model, std::move(tokens), "na\xc3\xafve a b");
}

TEST(TraceFile, RoundTrip) {
  for (const TinyModel& tiny :
       {testing::tiny_gpt2(), testing::tiny_llama(), testing::tiny_bert()}) {
    const Trace saved = trace_with_text(load(tiny));
    const auto path = testing::scratch_folder() / "trace.safetensors";
    save_trace(saved, path);
    const Trace loaded = load_trace(path);
    EXPECT_EQ(loaded.config, saved.config);
    EXPECT_EQ(loaded.ids, saved.ids);
    EXPECT_EQ(loaded.text, saved.text);
    ASSERT_EQ(loaded.tokens.size(), saved.tokens.size());
    for (std::size_t t = 0; t < saved.tokens.size(); ++t) {
      EXPECT_EQ(loaded.tokens[t].piece, saved.tokens[t].piece);
      EXPECT_EQ(loaded.tokens[t].begin, saved.tokens[t].begin);
      EXPECT_EQ(loaded.tokens[t].end, saved.tokens[t].end);
      EXPECT_EQ(loaded.tokens[t].special, saved.tokens[t].special);
    }
    EXPECT_EQ(testing::largest_difference(pattern_rows(loaded, 1, 2, 0, 7),
                                          pattern_rows(saved, 1, 2, 0, 7)),
              0);
    EXPECT_EQ(testing::largest_difference(loaded.layers[1].out, saved.layers[1].out), 0);
    EXPECT_EQ(testing::largest_difference(loaded.layers[0].lse, saved.layers[0].lse), 0);
    EXPECT_EQ(testing::largest_difference(loaded.layers[0].resid_post, saved.layers[0].resid_post),
              0);
  }
}

TEST(TraceFile, SpellsDesignNames) {
  const auto path = testing::scratch_folder() / "trace.safetensors";
  save_trace(trace_of(load(testing::tiny_llama())), path);
  const SafetensorsFile file(path);
  EXPECT_EQ(file.tensor("blocks.1.attn.k").shape(), Shape({7, 2, 6}));
  EXPECT_EQ(file.tensor("blocks.0.attn.lse").shape(), Shape({4, 7}));
  EXPECT_EQ(file.tensor("blocks.0.resid_pre").shape(), Shape({7, 12}));
  EXPECT_EQ(file.names().size(), 16u);
}

/// A saved trace, to be written again with one thing wrong.
class DamagedTrace : public ::testing::Test {
 protected:
  void SetUp() override {
    model_ = std::make_unique<Transformer>(load(testing::tiny_llama()));
    path_ = testing::scratch_folder() / "trace.safetensors";
    save_trace(trace_with_text(*model_), path_);
    const SafetensorsFile file(path_);
    metadata_ = file.metadata();
    for (const std::string& name : file.names()) tensors_[name] = to_f32(file.tensor(name));
  }

  /// What loading the file as it is now in `metadata_` and `tensors_` is refused with.
  std::string refused() const {
    std::vector<NamedTensor> list;
    for (const auto& [name, tensor] : tensors_) list.push_back({name, tensor});
    write_safetensors(path_, list, metadata_);
    return refusal([&] { load_trace(path_); });
  }
  void expect_refused(const std::string& part) const {
    const std::string message = refused();
    EXPECT_NE(message.find("trace.safetensors"), std::string::npos) << message;
    EXPECT_NE(message.find(part), std::string::npos) << "no " << part << " in: " << message;
  }
  void replace(const std::string& key, const std::string& from, const std::string& to) {
    const auto found = metadata_.at(key).find(from);
    ASSERT_NE(found, std::string::npos) << metadata_.at(key);
    metadata_.at(key).replace(found, from.size(), to);
  }

  std::unique_ptr<Transformer> model_;
  std::filesystem::path path_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Tensor> tensors_;
};

TEST_F(DamagedTrace, IntactLoads) {
  EXPECT_EQ(refused(), "");
}

TEST_F(DamagedTrace, MissingTensor) {
  tensors_.erase("blocks.1.attn.v");
  expect_refused("blocks.1.attn.v");
}

TEST_F(DamagedTrace, UnknownTensor) {
  tensors_["blocks.7.attn.q"] = Tensor({1});
  expect_refused("17 tensors");
}

TEST_F(DamagedTrace, WrongShape) {
  tensors_["blocks.0.attn.k"] = Tensor({7, 4, 6});
  expect_refused(
      "blocks.0.attn.k has shape [7, 4, 6], its configuration and tokens ask for [7, 2, 6]");
}

TEST_F(DamagedTrace, NotFinite) {
  tensors_["blocks.0.attn.q"].span<float>()[5] = NAN;
  expect_refused("blocks.0.attn.q holds nan at index 5");
}

TEST_F(DamagedTrace, ForeignFormat) {
  metadata_.at("format") = "headlight trace 9";
  expect_refused("headlight trace 9");
}

TEST_F(DamagedTrace, NoMetadata) {
  metadata_.clear();
  expect_refused("\"format\"");
}

TEST_F(DamagedTrace, ConfigOfAnotherModel) {
  replace("config", "\"n_layers\":2", "\"n_layers\":3");
  expect_refused("blocks.2.attn.q");
}

TEST_F(DamagedTrace, ConfigThatFitsNoModel) {
  replace("config", "\"n_kv_heads\":2", "\"n_kv_heads\":3");
  expect_refused("n_kv_heads");
}

TEST_F(DamagedTrace, TokenOutsideTheVocabulary) {
  replace("tokens", "\"id\":16", "\"id\":17");
  expect_refused("id");
}

TEST_F(DamagedTrace, OffsetPastTheText) {
  replace("tokens", "\"end\":7", "\"end\":99");
  expect_refused("end");
}

TEST_F(DamagedTrace, NoTokens) {
  metadata_.at("tokens") = "[]";
  expect_refused("tokens");
}

TEST_F(DamagedTrace, TokensThatAreNotJson) {
  metadata_.at("tokens") = "[{";
  expect_refused("tokens");
}

}  // namespace
}  // namespace headlight
