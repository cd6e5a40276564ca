#include "train/emergence.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace headlight {
namespace {

TEST(Emergence, SpacesStepsLogarithmically) {
  EXPECT_EQ(log_spaced(100, 3), (std::vector<std::int64_t>{1, 10, 100}));
  EXPECT_EQ(log_spaced(4, 60), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(log_spaced(5, 1), (std::vector<std::int64_t>{5}));
}

TEST(Emergence, CharactersStandForWeights) {
  for (const double weight : {0.0, 0.001, 0.1, 0.5, 0.99, 1.0})
    EXPECT_NEAR(weight_of(weight_character(weight)), weight, 0.017) << weight;
  testing::expect_error([] { weight_of('!'); }, {"'!'"});
}

}  // namespace
}  // namespace headlight
