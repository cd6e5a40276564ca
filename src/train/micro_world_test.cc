#include "train/micro_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include "core/utf8.h"
#include "support/expect_error.h"

namespace headlight {
namespace {

constexpr std::uint64_t kMany = 20000;

std::string_view covered(const MicroSentence& s, ByteRange range) {
  return std::string_view(s.text).substr(range.begin, range.end - range.begin);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// A sentence as one line, with everything that is said about it.
std::string written_out(const MicroSentence& s) {
  std::string out = fmt::format("{} {} {}", name_of(s.language), s.rule, s.text);
  for (const RelationLabel& r : s.relations)
    out += fmt::format(" {}:{}>{}", name_of(r.relation), r.from.begin, r.to.begin);
  for (const MaskedWord& m : s.masks)
    out += fmt::format(" {}={}/{}", m.word.begin, m.answer, fmt::join(m.decoys, ","));
  return out;
}

std::vector<MicroSentence> sentences(const MicroWorldConfig& config, std::uint64_t count = kMany) {
  const MicroWorld world(config);
  std::vector<MicroSentence> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(world.sentence(i));
  return out;
}

TEST(MicroWorld, IsAFunctionOfSeedAndIndex) {
  const MicroWorld world({.seed = 7});
  std::vector<std::string> forward(200), again(200);
  std::thread thread([&] {
    for (std::size_t i = 200; i-- > 0;) again[i] = written_out(world.sentence(i));
  });
  for (std::size_t i = 0; i < 200; ++i) forward[i] = written_out(world.sentence(i));
  thread.join();
  EXPECT_EQ(forward, again);
  EXPECT_NE(written_out(MicroWorld({.seed = 8}).sentence(0)), forward[0]);
}

// A change of generator or lexicon must not go unseen, as
// models say which sentences they were trained on.
TEST(MicroWorld, FirstSentencesOfSeedOne) {
  std::string text;
  for (const Language language : kLanguages) {
    const MicroWorld world({.seed = 1, .languages = {language}});
    for (std::uint64_t i = 0; i < 4; ++i) text += world.sentence(i).text + "\n";
  }
  EXPECT_EQ(text, R"(Something was icy and something was brave. The icy valley was near the house.
Something was icy and something was brave. The brave animal was near the house.
What was tasty and what was hungry? The pig in the station was hungry.
What was tasty and what was hungry? The sandwich in the station was tasty.
一个很拥挤，一个很勇敢。拥挤的山谷在房子旁边。
一个很拥挤，一个很勇敢。勇敢的动物在房子旁边。
豹子从蛇身边跑走了。
蛇从豹子身边爬走了。
)");
}

TEST(MicroWorld, SpansAreWholeWordsOfTheLexicon) {
  std::map<Language, std::set<std::string>> words;
  for (const Language language : kLanguages)
    for (const std::string& word : micro_world_words(language))
      words[language].insert(lowered(word));
  for (const Split split : {Split::train, Split::heldout})
    for (const MicroSentence& s : sentences({.split = split}, 5000)) {
      ASSERT_TRUE(is_utf8(s.text));
      ASSERT_FALSE(s.relations.empty()) << s.text;
      ASSERT_FALSE(s.masks.empty()) << s.text;
      const auto& known = words[s.language];
      for (const RelationLabel& r : s.relations) {
        ASSERT_TRUE(known.contains(lowered(covered(s, r.from)))) << s.text;
        ASSERT_TRUE(known.contains(lowered(covered(s, r.to)))) << s.text;
        ASSERT_NE(r.from, r.to);
      }
      for (const MaskedWord& m : s.masks) {
        ASSERT_TRUE(known.contains(lowered(covered(s, m.word)))) << s.text;
        ASSERT_TRUE(known.contains(lowered(m.answer))) << m.answer;
        if (!m.keep) {
          ASSERT_EQ(lowered(covered(s, m.word)), lowered(m.answer)) << s.text;
        }
        ASSERT_EQ(std::ranges::count(m.decoys, m.answer), 0) << s.text;
      }
    }
}

// The answer cannot be had from the sentence without its relation: the same rule, with the partner
// swapped, asks at the same place in the same kind of sentence and wants another word.
TEST(MicroWorld, PairsDifferInTheAnswer) {
  std::size_t same_words = 0, pairs = 0;
  const auto all = sentences({});
  for (std::size_t i = 0; i < all.size(); i += 2) {
    const MicroSentence &a = all[i], &b = all[i + 1];
    ASSERT_EQ(a.rule, b.rule);
    ASSERT_TRUE(std::ranges::is_permutation(a.keys, b.keys)) << a.text << b.text;
    ASSERT_EQ(a.masks.front().relation, b.masks.front().relation);
    ASSERT_NE(lowered(a.masks.front().answer), lowered(b.masks.front().answer)) << a.text << b.text;
    ++pairs;
    const auto sorted = [](const MicroSentence& s) {
      std::string text = lowered(s.text);
      std::ranges::sort(text);
      return text;
    };
    same_words += sorted(a) == sorted(b);
  }
  EXPECT_GT(same_words * 20, pairs) << "no rule whose pairs are of the same words";
}

TEST(MicroWorld, EveryRelationIsAskedForInBothLanguages) {
  std::map<std::pair<Language, Relation>, std::size_t> asked, labelled;
  for (const MicroSentence& s : sentences({})) {
    for (const MaskedWord& m : s.masks) ++asked[{s.language, m.relation}];
    for (const RelationLabel& r : s.relations) ++labelled[{s.language, r.relation}];
  }
  for (const Language language : kLanguages)
    for (const Relation relation : kRelations) {
      EXPECT_GT((asked[{language, relation}]), 200u) << name_of(language) << name_of(relation);
      EXPECT_GT((labelled[{language, relation}]), 200u) << name_of(language) << name_of(relation);
    }
}

/// Pairs of key words that the sentences hold.
std::set<std::pair<std::string, std::string>> key_pairs(const std::vector<MicroSentence>& all) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const MicroSentence& s : all)
    for (const std::string& a : s.keys)
      for (const std::string& b : s.keys)
        if (a < b) pairs.insert({a, b});
  return pairs;
}

TEST(MicroWorld, HeldOutCombinationsNeverOccurInTraining) {
  const auto train = key_pairs(sentences({.seed = 1}));
  const auto other_seed = key_pairs(sentences({.seed = 99}));
  for (const auto* pairs : {&train, &other_seed})
    for (const auto& [a, b] : *pairs) ASSERT_FALSE(is_heldout_pair(a, b)) << a << " " << b;
  for (const MicroSentence& s : sentences({.split = Split::heldout}, 5000)) {
    bool unseen = false;
    for (const std::string& a : s.keys)
      for (const std::string& b : s.keys)
        unseen |= a < b && !train.contains({a, b}) && is_heldout_pair(a, b);
    ASSERT_TRUE(unseen) << s.text;
  }
}

// The same, read off the text: an adjective and the noun it is labelled with.
TEST(MicroWorld, HeldOutAdjectivesNeverDescribeTheirNounsInTraining) {
  std::size_t described = 0, heldout_described = 0;
  const auto count = [](const std::vector<MicroSentence>& all, std::size_t& seen,
                        std::size_t& held) {
    for (const MicroSentence& s : all)
      for (const RelationLabel& r : s.relations) {
        const std::string noun(covered(s, r.to));
        if (r.relation != Relation::attribute || !std::ranges::count(s.keys, noun)) continue;
        ++seen;
        held += is_heldout_pair(covered(s, r.from), noun);
      }
  };
  std::size_t held_in_training = 0, unused = 0;
  count(sentences({}), described, held_in_training);
  count(sentences({.split = Split::heldout}, 5000), unused, heldout_described);
  EXPECT_GT(described, 5000u);
  EXPECT_EQ(held_in_training, 0u);
  EXPECT_GT(heldout_described, 500u);
}

TEST(MicroWorld, WellKnownSentencesAreHeldOut) {
  for (const auto& [a, b] :
       {std::pair{"animal", "street"}, std::pair{"road", "horse"}, std::pair{"black", "cat"},
        std::pair{"机器人", "积木"}, std::pair{"动物", "马路"}})
    EXPECT_TRUE(is_heldout_pair(a, b)) << a << b;
}

// Sentences of their form are made, with words of the same kinds.
TEST(MicroWorld, WellKnownSentencesAreOfTheGrammar) {
  std::map<std::string, std::regex> forms;
  for (const std::string form :
       {"The [a-z]+ didn't cross the [a-z]+ because it was too [a-z]+[.]",
        "The [a-z]+ crossed the [a-z]+ because it was [a-z]+[.]",
        "The [a-z]+ [a-z]+ sat on the [a-z]+[.]",
        "When [A-Z][a-z]+ and [A-Z][a-z]+ went to the [a-z]+, [A-Z][a-z]+ gave a [a-z]+ to "
        "[A-Z][a-z]+[.]",
        ".*拿起.*色的.*，因为它很(轻|重)。", ".*拿起.*，因为它很(强壮|有力)。",
        ".*没有过.*，因为它太.*了。"})
    forms[form] = std::regex(form);
  const MicroWorld world({.split = Split::heldout});
  for (std::uint64_t i = 0; i < 10 * kMany && !forms.empty(); ++i) {
    const MicroSentence s = world.sentence(i);
    std::erase_if(forms, [&](const auto& form) { return std::regex_match(s.text, form.second); });
  }
  EXPECT_TRUE(forms.empty()) << forms.begin()->first;
}

// Neither the distance nor the order of the two nouns gives the referent away.
TEST(MicroWorld, NoOffsetFindsTheReferent) {
  for (const Language language : kLanguages) {
    std::map<std::int64_t, std::size_t> at_offset;
    std::size_t total = 0, first_noun = 0;
    for (const MicroSentence& s :
         sentences({.languages = {language}, .relations = {Relation::coreference}})) {
      std::int64_t subject = -1, object = -1;
      for (const RelationLabel& r : s.relations) {
        if (r.relation == Relation::subject_verb) subject = static_cast<std::int64_t>(r.to.begin);
        if (r.relation == Relation::verb_object) object = static_cast<std::int64_t>(r.to.begin);
      }
      for (const RelationLabel& r : s.relations) {
        if (r.relation != Relation::coreference) continue;
        const auto from = static_cast<std::int64_t>(r.from.begin),
                   to = static_cast<std::int64_t>(r.to.begin);
        ++total;
        ++at_offset[to - from];
        first_noun += to == std::min(subject, object);
      }
    }
    std::size_t best = 0;
    for (const auto& [offset, count] : at_offset) best = std::max(best, count);
    EXPECT_LT(best * 3, total);
    EXPECT_NEAR(static_cast<double>(first_noun) / static_cast<double>(total), 0.5, 0.02);
  }
}

TEST(MicroWorld, NamesAreReadBack) {
  for (const Relation relation : kRelations) EXPECT_EQ(relation_named(name_of(relation)), relation);
  for (const Language language : kLanguages) EXPECT_EQ(language_named(name_of(language)), language);
  EXPECT_EQ(relation_named("synonymy"), std::nullopt);
}

TEST(MicroWorld, RefusesToMakeNothing) {
  testing::expect_error([] { MicroWorld({.languages = {}}); }, {"[micro-world]", "0 languages"});
}

}  // namespace
}  // namespace headlight
