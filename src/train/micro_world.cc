#include "train/micro_world.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "train/micro_world/random.h"
#include "train/micro_world/rules.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "micro-world";
constexpr std::array<std::string_view, 2> kLanguageNames = {"en", "zh"};
constexpr std::array<std::string_view, std::size(kRelations)> kRelationNames = {
    "coreference", "attribute", "subject-verb", "verb-object",     "verb-place",
    "negation",    "tense",     "collocation",  "indirect-object", "reference",
};

template <class Value, std::size_t N>
std::optional<Value> value_named(std::string_view name,
                                 const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Value>(found - names.begin());
}

/// FNV-1a.
std::uint64_t hash_word(std::string_view word) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : word) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

constexpr std::uint64_t kHeldoutShare = 16;  // one pair of so many is held out

// The sentences that people will try first are not to be learned by heart.
constexpr std::pair<std::string_view, std::string_view> kAlwaysHeldOut[] = {
    {"animal", "street"}, {"horse", "road"},  {"black", "cat"}, {"Mary", "John"},
    {"动物", "马路"},     {"机器人", "积木"}, {"红色", "积木"}, {"玛丽", "约翰"},
};

/// Symmetric in the two words.
std::uint64_t hash_pair(std::uint64_t a, std::uint64_t b) {
  return mix64(mix64(a) + mix64(b));
}

bool is_heldout(std::uint64_t pair) {
  static const std::set<std::uint64_t> always = [] {
    std::set<std::uint64_t> hashes;
    for (const auto& [a, b] : kAlwaysHeldOut) hashes.insert(hash_pair(hash_word(a), hash_word(b)));
    return hashes;
  }();
  return pair % kHeldoutShare == 0 || always.contains(pair);
}

/// Who has never met two opposites together cannot know what a negated one means, so they are never
/// held out from each other.
bool are_opposites(std::string_view a, std::string_view b) {
  for (const Language language : kLanguages)
    for (const Word& word : word_lists(language)[static_cast<std::size_t>(Kind::antonyms)])
      if (word.forms[0] == a && word.forms[1] == b) return true;
  return false;
}

bool holds_heldout_pair(const std::vector<std::string_view>& keys) {
  std::vector<std::uint64_t> hashes;
  for (const std::string_view key : keys) hashes.push_back(hash_word(key));
  for (std::size_t i = 0; i < hashes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (keys[i] != keys[j] && is_heldout(hash_pair(hashes[i], hashes[j])) &&
          !are_opposites(keys[i], keys[j]))
        return true;
  return false;
}

/// The shapes of a language, by rule.
using Shapes = std::vector<std::vector<SentenceShape>>;

Shapes read_shapes(std::span<const GrammarLine> lines) {
  const auto rules = micro_world_rules();
  Shapes shapes(rules.size());
  for (const GrammarLine& line : lines) {
    const auto rule = std::ranges::find(rules, line.rule, &Rule::name);
    check(rule != rules.end(), kOp, "the grammar names a rule \"{}\" that there is not", line.rule);
    shapes[static_cast<std::size_t>(rule - rules.begin())].emplace_back(line.shape);
  }
  return shapes;
}

const Shapes& shapes_of(Language language) {
  static const Shapes english = read_shapes(english_grammar());
  static const Shapes chinese = read_shapes(chinese_grammar());
  return language == Language::english ? english : chinese;
}

bool is_wanted(const MicroWorldConfig& config, Relation relation) {
  return config.relations.empty() ||
         std::ranges::find(config.relations, relation) != config.relations.end();
}

}  // namespace

std::string_view name_of(Language language) {
  return kLanguageNames[static_cast<std::size_t>(language)];
}

std::string_view name_of(Relation relation) {
  return kRelationNames[static_cast<std::size_t>(relation)];
}

std::optional<Language> language_named(std::string_view name) {
  return value_named<Language>(name, kLanguageNames);
}

std::optional<Relation> relation_named(std::string_view name) {
  return value_named<Relation>(name, kRelationNames);
}

bool is_heldout_pair(std::string_view a, std::string_view b) {
  return a != b && is_heldout(hash_pair(hash_word(a), hash_word(b))) && !are_opposites(a, b);
}

MicroWorld::MicroWorld(MicroWorldConfig config) : config_(std::move(config)) {
  const auto rules = micro_world_rules();
  for (const Language language : config_.languages)
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
      if (!shapes_of(language)[rule].empty() && is_wanted(config_, rules[rule].relation))
        choices_.insert(choices_.end(), static_cast<std::size_t>(rules[rule].weight),
                        {language, rule});
  check(!choices_.empty(), kOp, "there is nothing to make sentences of: {} languages, {} relations",
        config_.languages.size(), config_.relations.size());
}

MicroSentence MicroWorld::sentence(std::uint64_t index) const {
  SplitMix random(mix64(mix64(config_.seed) + index / 2));
  const Choice choice = choices_[random.below(choices_.size())];
  const Rule& rule = micro_world_rules()[choice.rule];
  const auto& shapes = shapes_of(choice.language)[choice.rule];
  for (;;) {
    Draw draw{SplitMix(random.next()), choice.language, index % 2 == 1};
    Plan plan(shapes[draw.below(shapes.size())]);
    const bool with_stop = !draw.chance(10);
    rule.fill(draw, plan);
    if (holds_heldout_pair(plan.keys()) != (config_.split == Split::heldout)) continue;
    MicroSentence out;
    out.language = choice.language;
    out.relation = rule.relation;
    out.rule = rule.name;
    plan.render(with_stop, out);
    return out;
  }
}

std::vector<std::string> micro_world_words(Language language) {
  std::set<std::string> words;
  const auto add = [&](std::string_view phrase) {
    for_each_word(phrase, [&](std::string_view word) { words.emplace(word); });
  };
  for (const auto& list : word_lists(language))
    for (const Word& word : list)
      for (const std::string_view form : word.forms) add(form);
  for (const auto& shapes : shapes_of(language))
    for (const SentenceShape& shape : shapes)
      for (const auto& part : shape.parts()) add(part.word);
  return {words.begin(), words.end()};
}

}  // namespace headlight
