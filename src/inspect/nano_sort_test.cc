// nano-sort, a model small enough to check completely: every activation of block 0 against
// llm-viz's own run, and every head's ablation over all of its 729 inputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "inspect/ablation.h"
#include "inspect/trace.h"
#include "io/json.h"
#include "model/transformer.h"
#include "support/golden.h"
#include "support/shared.h"

namespace headlight {
namespace {
using testing::largest_difference;

constexpr std::int64_t kBatch = 3, kLength = 11, kHeads = 3, kHeadDim = 16, kWidth = 48;

int sextet(char c) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return static_cast<int>(kAlphabet.find(c));
}

/// Tensors stored as base64 fp32, one input of the batch at a time.
class Activations {
 public:
  explicit Activations(const std::filesystem::path& path) : json_(read_json_file(path)) {}

  /// Item `b` of tensor `name`, whose extents after the batch are `shape`.
  Tensor item(const std::string& name, std::int64_t b, Shape shape) const {
    const std::vector<float> all = decode(json_.at(name).at("data").get<std::string>());
    EXPECT_EQ(std::ssize(all), kBatch * shape.numel()) << name;
    Tensor out(shape);
    std::copy_n(all.begin() + b * shape.numel(), shape.numel(), out.span<float>().begin());
    return out;
  }

 private:
  static std::vector<float> decode(const std::string& text) {
    std::string bytes;
    std::uint32_t bits = 0;
    int n = 0;
    for (char c : text) {
      if (c == '=') break;
      bits = (bits << 6) | static_cast<std::uint32_t>(sextet(c));
      n += 6;
      if (n >= 8) bytes.push_back(static_cast<char>((bits >> (n -= 8)) & 0xFF));
    }
    std::vector<float> out(bytes.size() / sizeof(float));
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(float));
    return out;
  }

  Json json_;
};

/// [T, H, D] reordered to llm-viz's [H, T, D].
Tensor heads_first(const Tensor& from) {
  Tensor to({from.dim(1), from.dim(0), from.dim(2)});
  for (std::int64_t t = 0; t < from.dim(0); ++t)
    for (std::int64_t h = 0; h < from.dim(1); ++h)
      std::copy_n(from.span<float>().begin() + (t * from.dim(1) + h) * from.dim(2), from.dim(2),
                  to.span<float>().begin() + (h * from.dim(0) + t) * from.dim(2));
  return to;
}

Tensor sum(const Tensor& a, const Tensor& b) {
  Tensor out = a.clone();
  for (std::size_t i = 0; i < out.span<float>().size(); ++i)
    out.span<float>()[i] += b.span<float>()[i];
  return out;
}

/// Scaled scores q k^T / sqrt(D) with the future at -inf, as llm-viz stores them: [H, T, T].
Tensor masked_scores(const TracedLayer& layer) {
  Tensor out({kHeads, kLength, kLength});
  const auto q = layer.q.span<float>(), k = layer.k.span<float>();
  for (std::int64_t h = 0; h < kHeads; ++h)
    for (std::int64_t i = 0; i < kLength; ++i)
      for (std::int64_t j = 0; j < kLength; ++j) {
        double score = 0;
        for (std::int64_t d = 0; d < kHeadDim; ++d)
          score += static_cast<double>(q[static_cast<std::size_t>(i * kWidth + h * kHeadDim + d)]) *
                   k[static_cast<std::size_t>(j * kWidth + h * kHeadDim + d)];
        out.span<float>()[static_cast<std::size_t>((h * kLength + i) * kLength + j)] =
            j > i ? -INFINITY : static_cast<float>(score / 4);
      }
  return out;
}

void replace_infinities(Tensor& t) {
  for (float& x : t.span<float>())
    if (std::isinf(x)) x = -1e30f;  // so that equal ones subtract to 0
}

class NanoSort : public ::testing::Test {
 protected:
  static std::vector<std::int64_t> ids_of(const Activations& golden, std::int64_t b) {
    std::vector<std::int64_t> ids;
    const Tensor stored = golden.item("idx", b, {kLength});
    for (float x : stored.span<float>()) ids.push_back(static_cast<std::int64_t>(x));
    return ids;
  }
};

TEST_F(NanoSort, ActivationsMatchLlmViz) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/nano-sort");
  HEADLIGHT_SHARED_OR_SKIP(path, "goldens/nano-sort_activations.json");
  const Transformer& model = testing::loaded_model(folder);
  const Activations golden(path);
  constexpr double kTolerance = 1e-5;
  const Shape by_head = {kHeads, kLength, kHeadDim}, stream = {kLength, kWidth};
  for (std::string_view kernel : testing::kernels_for(model.config(), kLength)) {
    for (std::int64_t b = 0; b < kBatch; ++b) {
      SCOPED_TRACE(fmt::format("{}, input {}", kernel, b));
      const auto ids = ids_of(golden, b);
      TraceOptions options;
      options.kernel = kernel;
      const Trace trace = record_trace(model, tokens_of_ids(ids), "", options);
      EXPECT_EQ(trace.attention.kernel, kernel);
      const TracedLayer& block = trace.layers[0];
      const auto expect_near = [&](const Tensor& actual, const char* name, Shape shape) {
        EXPECT_LT(largest_difference(actual, golden.item(name, b, shape)), kTolerance) << name;
      };
      expect_near(block.resid_pre, "x", stream);
      expect_near(heads_first(block.q), "q", by_head);
      expect_near(heads_first(block.k), "k", by_head);
      expect_near(heads_first(block.v), "v", by_head);
      expect_near(block.z, "y", stream);
      expect_near(block.out, "yProj", stream);
      expect_near(sum(block.resid_pre, block.out), "attnResid", stream);
      expect_near(block.resid_post, "block0", stream);
      Tensor scores = masked_scores(block);
      Tensor expected = golden.item("att", b, {kHeads, kLength, kLength});
      replace_infinities(scores);
      replace_infinities(expected);
      EXPECT_LT(largest_difference(scores, expected), kTolerance) << "att";
      const Tensor patterns = golden.item("attSm", b, {kHeads, kLength, kLength});
      for (std::int64_t h = 0; h < kHeads; ++h) {
        const TensorView head(patterns.span<float>().data() + h * kLength * kLength,
                              Shape({kLength, kLength}));
        EXPECT_LT(largest_difference(pattern_rows(trace, 0, h, 0, kLength), head), kTolerance);
      }
    }
  }
}

TEST_F(NanoSort, LaterBlocksAndProbabilitiesMatchLlmViz) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/nano-sort");
  HEADLIGHT_SHARED_OR_SKIP(path, "goldens/nano-sort_activations.json");
  const Transformer& model = testing::loaded_model(folder);
  const Activations golden(path);
  for (std::int64_t b = 0; b < kBatch; ++b) {
    const auto ids = ids_of(golden, b);
    ForwardOptions options;
    options.observer = [&](const Recorded& r) {
      if (!r.name.ends_with("resid_post")) return;
      const Tensor expected = golden.item(fmt::format("block{}", r.layer), b, {kLength, kWidth});
      EXPECT_LT(largest_difference(r.value, expected), 5e-5) << r.name;
    };
    const ForwardResult result = model.forward(ids, options);
    EXPECT_LT(largest_difference(result.last_hidden, golden.item("ln_f", b, {kLength, kWidth})),
              1e-4);
    EXPECT_LT(largest_difference(result.logits, golden.item("lm_head", b, {kLength, 3})), 2e-4);
  }
}

/// Right answers over all inputs of six letters: tokens, and whole sequences. `logits_of` runs the
/// model on the ids of one.
template <class Logits>
std::pair<int, int> score(const Logits& logits_of) {
  int tokens = 0, sequences = 0;
  for (int input = 0; input < 729; ++input) {
    std::vector<std::int64_t> ids, sorted;
    for (int rest = input, i = 0; i < 6; ++i, rest /= 3) ids.push_back(rest % 3);
    sorted = ids;
    std::ranges::sort(sorted);
    ids.insert(ids.end(), sorted.begin(), sorted.end() - 1);
    const auto predicted = testing::argmax_rows(logits_of(ids));
    int right = 0;
    for (std::size_t i = 0; i < 6; ++i) right += predicted[5 + i] == sorted[i];
    tokens += right;
    sequences += right == 6;
  }
  return {tokens, sequences};
}

std::pair<int, int> score(const Transformer& model, const HeadGates& gates) {
  return score([&](const std::vector<std::int64_t>& ids) {
    return model.forward(ids, {.head_gates = &gates}).logits;
  });
}

TEST_F(NanoSort, AblationsOfRunsGiveTheTableToo) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/nano-sort");
  HEADLIGHT_SHARED_OR_SKIP(path, "goldens/nano-sort_ablation.json");
  const Transformer& model = testing::loaded_model(folder);
  const Json golden = read_json_file(path);
  for (const auto& [l, h] : {std::pair(0, 1), std::pair(1, 0), std::pair(2, 2)}) {
    const Ablation ablation{.heads = {{l, h}}};
    const auto got = score([&](const std::vector<std::int64_t>& ids) {
      const ModelRun intact = record_run(model, tokens_of_ids(ids), "");
      return model.logits(run_ablated(model, intact, ablation).last_hidden);
    });
    const std::string key = fmt::format("{}.{}", l, h);
    const Json& row = golden.at("single_head").at(key);
    EXPECT_EQ(got, std::pair(row.at(0).get<int>(), row.at(1).get<int>())) << key;
  }
}

TEST_F(NanoSort, AblationTable) {
  HEADLIGHT_SHARED_OR_SKIP(folder, "models/nano-sort");
  HEADLIGHT_SHARED_OR_SKIP(path, "goldens/nano-sort_ablation.json");
  const Transformer& model = testing::loaded_model(folder);
  const Json golden = read_json_file(path);
  const auto expected = [](const Json& row) {
    return std::pair(row.at(0).get<int>(), row.at(1).get<int>());
  };
  EXPECT_EQ(score(model, HeadGates(model.config())),
            std::pair(golden["baseline"]["tokens_right"].get<int>(),
                      golden["baseline"]["sequences_right"].get<int>()));
  for (std::int64_t l = 0; l < 3; ++l) {
    HeadGates layer_off(model.config());
    for (std::int64_t h = 0; h < kHeads; ++h) {
      HeadGates head_off(model.config());
      head_off.set(l, h, 0);
      layer_off.set(l, h, 0);
      const std::string key = fmt::format("{}.{}", l, h);
      EXPECT_EQ(score(model, head_off), expected(golden.at("single_head").at(key))) << key;
    }
    EXPECT_EQ(score(model, layer_off), expected(golden.at("whole_layer").at(std::to_string(l))))
        << l;
  }
}

}  // namespace
}  // namespace headlight
