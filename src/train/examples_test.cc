// What the sources of examples ask, and that they ask the same again.
#include "train/examples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/mapped_file.h"
#include "model/transformer.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/shared.h"
#include "train/trainer.h"

namespace headlight {
namespace {

TrainSettings preset_settings(std::string_view name) {
  return train_parts(find_preset(name).settings, name).front();
}

bool same(const Example& a, const Example& b) {
  return a.ids == b.ids && a.targets == b.targets;
}

std::size_t asked(const Example& example) {
  return example.targets.size() -
         static_cast<std::size_t>(std::ranges::count(example.targets, kIgnoredTarget));
}

TEST(SortExamples, AskForTheLettersInOrder) {
  const auto source = make_examples(preset_settings("nano-sort"), {});
  std::set<std::vector<std::int64_t>> inputs;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const Example example = source->example(i);
    ASSERT_EQ(example.ids.size(), 11u);
    std::vector<std::int64_t> letters(example.ids.begin(), example.ids.begin() + 6);
    inputs.insert(letters);
    std::ranges::sort(letters);
    EXPECT_EQ(std::vector(example.targets.begin() + 5, example.targets.end()), letters);
    EXPECT_TRUE(std::equal(letters.begin(), letters.end() - 1, example.ids.begin() + 6));
    EXPECT_EQ(asked(example), 6u);
  }
  EXPECT_GT(inputs.size(), 700u) << "of 729";
}

/// Sequences of the 729 inputs that come out right.
int sorted_right(const Transformer& model) {
  int right = 0;
  for (int input = 0; input < 729; ++input) {
    std::vector<std::int64_t> ids;
    for (int rest = input, i = 0; i < 6; ++i, rest /= 3) ids.push_back(rest % 3);
    std::vector<std::int64_t> sorted = ids;
    std::ranges::sort(sorted);
    // The model's own letters go in again, not the right ones.
    for (std::size_t i = 0; i < 6; ++i)
      ids.push_back(testing::argmax_rows(model.forward(ids).logits).back());
    right += std::equal(sorted.begin(), sorted.end(), ids.begin() + 6);
  }
  return right;
}

TEST(SortExamples, TeachAModelToSortEveryInput) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a whole training takes minutes with sanitizers; the others cover its parts";
#endif
  const TrainSettings settings = preset_settings("nano-sort");
  const auto source = make_examples(settings, {});
  Trainer trainer(settings, *source);
  while (trainer.steps_done() < settings.steps) trainer.step();
  const auto folder = testing::scratch_folder();
  trainer.write_model(folder);
  EXPECT_EQ(sorted_right(Transformer::load(folder)), 729);
}

TEST(MicroWorldExamples, AskForWordsOfTheLexicon) {
  const auto source = make_examples(preset_settings("lumen"), {});
  std::size_t hidden = 0, shown = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Example example = source->example(i);
    EXPECT_TRUE(same(example, source->example(i)));
    ASSERT_GE(asked(example), 1u) << i;
    for (std::size_t t = 0; t < example.ids.size(); ++t) {
      if (example.targets[t] == kIgnoredTarget) continue;
      EXPECT_LT(example.targets[t], source->vocab_size());
      const bool masked = example.ids[t] == 4;  // [MASK], the fifth special token
      hidden += masked;
      shown += !masked;
    }
  }
  EXPECT_GT(hidden, 500u);
  EXPECT_GT(shown, 500u);
}

/// Words that stand there name a word that stands there; what is hidden, shown and asked otherwise
/// stays as it was.
TEST(MicroWorldExamples, AskWordsForTheirPartners) {
  TrainSettings settings = preset_settings("nano-world");
  const auto plain = make_examples(settings, {});
  settings.data.partner_share = 1;
  const auto source = make_examples(settings, {});
  std::size_t named = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Example without = plain->example(i), with = source->example(i);
    ASSERT_EQ(with.ids, without.ids);
    for (std::size_t t = 0; t < with.ids.size(); ++t) {
      if (with.targets[t] == without.targets[t]) continue;
      ASSERT_EQ(without.targets[t], kIgnoredTarget);
      ++named;
      EXPECT_NE(with.targets[t], with.ids[t]);
      EXPECT_NE(std::ranges::find(with.ids, with.targets[t]), with.ids.end()) << i;
    }
  }
  EXPECT_GT(named, 2000u);
}

TEST(MicroWorldExamples, MeasureEveryRelationInBothLanguages) {
  const auto parts = make_examples(preset_settings("lumen"), {})->heldout();
  std::set<std::string> names;
  for (const HeldOut& part : parts) {
    names.insert(part.name);
    EXPECT_GE(part.examples.size(), 50u) << part.name;
    for (const Example& example : part.examples) EXPECT_EQ(asked(example), 1u);
  }
  for (const char* name : {"en coreference", "zh coreference", "en tense", "zh reference"})
    EXPECT_TRUE(names.contains(name)) << name;
}

class TextExamples : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int i = 0; i < 4000; ++i) text += fmt::format("word{} follows word{}. ", i % 97, i % 31);
    file_ = testing::scratch_folder() / "text.txt";
    write_text_file(file_, text);
  }
  std::filesystem::path file_;
};

TEST_F(TextExamples, AskForTheNextToken) {
  const auto source = make_examples(preset_settings("nano"), {file_});
  EXPECT_GT(source->vocab_size(), 257);  // all bytes, and what was worth merging
  EXPECT_LE(source->vocab_size(), 512);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Example example = source->example(i);
    ASSERT_EQ(example.ids.size(), 64u);
    EXPECT_TRUE(std::equal(example.ids.begin() + 1, example.ids.end(), example.targets.begin()));
    EXPECT_TRUE(same(example, source->example(i)));
    EXPECT_FALSE(same(example, source->example(i + 1)));
  }
  ASSERT_EQ(source->heldout().size(), 1u);
  EXPECT_EQ(source->heldout()[0].examples.size(), 64u);
}

TEST_F(TextExamples, HideASeventhOfTheTokens) {
  TrainSettings settings = preset_settings("text-bert");
  settings.data.vocab_size = 400;
  const auto source = make_examples(settings, {file_});
  std::size_t all = 0, questions = 0, hidden = 0, changed = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Example example = source->example(i);
    all += example.ids.size();
    questions += asked(example);
    for (std::size_t t = 0; t < example.ids.size(); ++t) {
      if (example.targets[t] == kIgnoredTarget) continue;
      hidden += example.ids[t] == 4;
      changed += example.ids[t] != 4 && example.ids[t] != example.targets[t];
    }
  }
  const auto share = [](std::size_t part, std::size_t of) {
    return static_cast<double>(part) / static_cast<double>(of);
  };
  EXPECT_NEAR(share(questions, all), 0.15, 0.02);
  EXPECT_NEAR(share(hidden, questions), 0.8, 0.03);
  EXPECT_NEAR(share(changed, questions), 0.1, 0.03);
}

TEST_F(TextExamples, RefuseTextThatIsTooShort) {
  write_text_file(file_, "a few words, a few words");
  testing::expect_error([&] { make_examples(preset_settings("nano"), {file_}); },
                        {"[train]", "too few", "length"});
  testing::expect_error([] { make_examples(preset_settings("nano"), {}); }, {"--data"});
}

}  // namespace
}  // namespace headlight
