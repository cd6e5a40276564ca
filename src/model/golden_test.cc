// Real checkpoints against other implementations' outputs: hidden states, logits, greedy text.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/transformer.h"
#include "support/golden.h"
#include "support/shared.h"

namespace headlight {
namespace {
using testing::integers;
using testing::largest_difference;

constexpr double kTolerance = 2e-4;

struct Golden {
  const char* model;
  const char* name;
};

/// gtest prints a failing case by its golden's name.
void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

class GoldenTest : public ::testing::TestWithParam<Golden> {};

/// Index into hidden_states of an activation; -1 for others. The last state is the one after the
/// final norm, so the last block's own output is not among them (bert has no final norm).
std::int64_t state_of(const Recorded& r, const ModelConfig& config) {
  if (r.name == "embed") return 0;
  if (r.name == "final") return config.n_layers;
  const bool inner = r.name.ends_with(".resid_post") && r.layer + 1 < config.n_layers;
  return inner ? r.layer + 1 : -1;
}

TEST_P(GoldenTest, HiddenStatesAndLogits) {
  HEADLIGHT_SHARED_OR_SKIP(folder, std::string("models/") + GetParam().model);
  HEADLIGHT_SHARED_OR_SKIP(path, std::string("goldens/") + GetParam().name + ".safetensors");
  const Transformer& model = testing::loaded_model(folder);
  const SafetensorsFile golden(path);
  const auto ids = integers(golden, "input_ids");
  std::vector<std::int64_t> types;
  if (golden.contains("token_type_ids")) types = integers(golden, "token_type_ids");
  const auto kernels = testing::kernels_for(model.config(), std::ssize(ids));
  ASSERT_GE(kernels.size(), 1u);
  for (std::string_view kernel : kernels) {
    SCOPED_TRACE(kernel);
    std::int64_t compared = 0;
    ForwardOptions options;
    options.kernel = kernel;
    options.token_type_ids = types;
    options.observer = [&](const Recorded& r) {
      const std::int64_t state = state_of(r, model.config());
      if (state < 0 || !golden.contains("hidden_states.0")) return;
      const TensorView expected = golden.tensor("hidden_states." + std::to_string(state));
      EXPECT_LT(largest_difference(r.value, expected), kTolerance) << r.name;
      ++compared;
    };
    const ForwardResult result = model.forward(ids, options);
    EXPECT_EQ(result.attention.kernel, kernel);
    if (golden.contains("hidden_states.0")) {
      EXPECT_EQ(compared, model.config().n_layers + 1);
    }
    if (!golden.contains("logits")) continue;
    const TensorView logits = golden.tensor("logits");
    EXPECT_LT(largest_difference(result.logits, logits), kTolerance);
    EXPECT_EQ(testing::argmax_rows(result.logits), testing::argmax_rows(logits));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest,
                         ::testing::Values(Golden{"stories260K", "stories260K_lily"},
                                           Golden{"stories260K", "stories260K_once"},
                                           Golden{"stories260K", "stories260K_story"},
                                           Golden{"stories15M", "stories15M_lily"},
                                           Golden{"stories15M", "stories15M_once"},
                                           Golden{"gpt2-basic", "gpt2-basic_real"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_animal"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_coref"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_pair"},
                                           Golden{"all-MiniLM-L6-v2", "all-MiniLM-L6-v2_unicode"}));

class GreedyTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GreedyTest, ContinuesAsTheGoldenDid) {
  HEADLIGHT_SHARED_OR_SKIP(folder, std::string("models/") + GetParam().model);
  HEADLIGHT_SHARED_OR_SKIP(path, std::string("goldens/") + GetParam().name + ".safetensors");
  const Transformer& model = testing::loaded_model(folder);
  const SafetensorsFile golden(path);
  const auto expected = integers(golden, "greedy_ids");
  auto ids = integers(golden, "input_ids");
  ASSERT_LT(ids.size(), expected.size());
  ASSERT_TRUE(std::equal(ids.begin(), ids.end(), expected.begin()));
  while (ids.size() < expected.size())
    ids.push_back(testing::argmax_rows(model.forward(ids).logits).back());
  EXPECT_EQ(ids, expected);
}

INSTANTIATE_TEST_SUITE_P(Models, GreedyTest,
                         ::testing::Values(Golden{"stories260K", "stories260K_once"},
                                           Golden{"stories260K", "stories260K_story"},
                                           Golden{"stories15M", "stories15M_once"}));

TEST(Golden, ParametersOfKnownModels) {
  HEADLIGHT_SHARED_OR_SKIP(minilm, "models/all-MiniLM-L6-v2");
  EXPECT_EQ(testing::loaded_model(minilm).n_parameters(), 22'713'216);  // its model card: 22.7M
  HEADLIGHT_SHARED_OR_SKIP(stories, "models/stories15M");
  EXPECT_EQ(testing::loaded_model(stories).n_parameters(), 15'191'712);
}

}  // namespace
}  // namespace headlight
