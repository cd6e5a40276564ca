// A small world of sentences whose relations are known: data for models whose heads are to be
// judged. docs/micro-world.md describes the grammar and what each relation asks of a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headlight {

enum class Language { english, chinese };
inline constexpr Language kLanguages[] = {Language::english, Language::chinese};

/// What two words have to do with each other; `from` and `to` of a label, in this order.
enum class Relation {
  coreference,      ///< pronoun, the noun it stands for
  attribute,        ///< adjective, noun or pronoun it describes
  subject_verb,     ///< verb or auxiliary, its subject
  verb_object,      ///< verb, its object
  verb_place,       ///< verb, the noun it reaches through a preposition
  negation,         ///< negating word, what it negates
  tense,            ///< time word, the auxiliary whose tense it sets
  collocation,      ///< first word, the neighbour it always goes with
  indirect_object,  ///< receiver's name, its earlier mention
  reference,        ///< later mention of a name or noun, its earlier mention
};
inline constexpr Relation kRelations[] = {
    Relation::coreference,     Relation::attribute, Relation::subject_verb, Relation::verb_object,
    Relation::verb_place,      Relation::negation,  Relation::tense,        Relation::collocation,
    Relation::indirect_object, Relation::reference,
};

std::string_view name_of(Language language);  ///< "en", "zh"
std::string_view name_of(Relation relation);  ///< "coreference", "subject-verb" ...
std::optional<Language> language_named(std::string_view name);
std::optional<Relation> relation_named(std::string_view name);

/// Bytes [begin, end) of a text; a whole word.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

struct RelationLabel {
  Relation relation;
  ByteRange from, to;
};

/// A word that a model is to predict.
struct MaskedWord {
  Relation relation;  ///< the one that the answer rests on
  ByteRange word;
  std::string answer;  ///< one word of the lexicon
  /// Words that could stand there if the relation were not known. A model that is shown the answer
  /// and the decoys equally often learns to look for the partner of a word that it can see.
  std::vector<std::string> decoys;
  /// The word stays visible and is not the answer: a pronoun, whose noun is to be named.
  bool keep = false;
  /// Words of one group may be hidden at the same time; hiding words of two groups may take away
  /// what an answer rests on.
  int group = 0;
};

struct MicroSentence {
  Language language = Language::english;
  Relation relation = Relation::coreference;  ///< what the sentence was made to ask for
  std::string_view rule;                      ///< what made it, e.g. "agreement"
  std::string text;
  std::vector<RelationLabel> relations;  ///< every one that holds, not only the one asked for
  std::vector<MaskedWord> masks;         ///< at least one, in order of group
  std::vector<std::string> keys;         ///< the words whose pairs decide the split, as the lexicon
                                         ///< lists them; some belong to the other of a minimal pair
};

enum class Split {
  train,    ///< no two key words of a sentence are a held-out pair
  heldout,  ///< at least two key words never met in a training sentence
};

struct MicroWorldConfig {
  std::uint64_t seed = 1;
  Split split = Split::train;
  std::vector<Language> languages = {Language::english, Language::chinese};
  std::vector<Relation> relations = {};  ///< empty: all
};

/// An endless list of sentences, each a function of configuration and index alone: the same on
/// every machine, in any order, from any thread.
class MicroWorld {
 public:
  /// Throws when nothing can be made: no language, or none of the relations in these languages.
  explicit MicroWorld(MicroWorldConfig config);
  /// Sentences 2k and 2k + 1 are a minimal pair: of the same words but for what swaps the
  /// relation's partner, and the first masked word of one has another answer than that of the
  /// other.
  MicroSentence sentence(std::uint64_t index) const;

 private:
  struct Choice {
    Language language;
    std::size_t rule;
  };

  MicroWorldConfig config_;
  std::vector<Choice> choices_;  // each as often as its weight
};

/// Every word that sentences of a language are made of, punctuation included, without repetition,
/// in order of their bytes. Case is as in the middle of a sentence.
std::vector<std::string> micro_world_words(Language language);

/// Whether two words, in either order, never meet as key words in training. It is the same for
/// every seed.
bool is_heldout_pair(std::string_view a, std::string_view b);

}  // namespace headlight
