#include "model/tokenizer/json_components.h"

#include <algorithm>
#include <array>

#include "model/tokenizer/json_component_table.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr std::int64_t kMostStripped = 1 << 20;

/// One of the names of a table, or a refusal that lists them.
template <class T, std::size_t N>
T choose(const JsonObject& settings, std::string_view key, std::string_view name,
         const std::array<std::pair<std::string_view, T>, N>& choices) {
  std::vector<std::string_view> known;
  for (const auto& [choice, value] : choices) {
    if (choice == name) return value;
    known.push_back(choice);
  }
  fail(kOp, "{}: \"{}\" is \"{}\"; known: {}", settings.source(), key, printable(name),
       fmt::join(known, ", "));
}

BertOptions read_bert(const JsonObject& settings) {
  BertOptions options;
  options.clean_text = settings.boolean_or("clean_text", true);
  options.handle_chinese_chars = settings.boolean_or("handle_chinese_chars", true);
  options.lowercase = settings.boolean_or("lowercase", true);
  if (settings.has("strip_accents")) options.strip_accents = settings.boolean("strip_accents");
  return options;
}

constexpr ComponentReader<Normalizer> kNormalizers[] = {
    {"Sequence",
     [](const JsonObject& s) {
       return normalize_sequence(read_steps(s, "normalizers", read_normalizer));
     }},
    {"BertNormalizer", [](const JsonObject& s) { return normalize_bert(read_bert(s)); }},
    {"NFC", [](const JsonObject&) { return normalize_form(NormalForm::nfc); }},
    {"NFD", [](const JsonObject&) { return normalize_form(NormalForm::nfd); }},
    {"NFKC", [](const JsonObject&) { return normalize_form(NormalForm::nfkc); }},
    {"NFKD", [](const JsonObject&) { return normalize_form(NormalForm::nfkd); }},
    {"Lowercase", [](const JsonObject&) { return normalize_lowercase(); }},
    {"StripAccents", [](const JsonObject&) { return normalize_strip_accents(); }},
    {"Strip",
     [](const JsonObject& s) {
       return normalize_strip(s.boolean_or("strip_left", true), s.boolean_or("strip_right", true));
     }},
    {"Prepend", [](const JsonObject& s) { return normalize_prepend(s.string("prepend")); }},
    {"Replace",
     [](const JsonObject& s) { return normalize_replace(read_pattern(s), s.string("content")); }},
};

constexpr ComponentReader<PreTokenizer> kPreTokenizers[] = {
    {"Sequence",
     [](const JsonObject& s) {
       return pre_tokenize_sequence(read_steps(s, "pretokenizers", read_pre_tokenizer));
     }},
    {"ByteLevel",
     [](const JsonObject& s) {
       return pre_tokenize_byte_level(s.boolean_or("add_prefix_space", true),
                                      s.boolean_or("use_regex", true));
     }},
    {"BertPreTokenizer", [](const JsonObject&) { return pre_tokenize_bert(); }},
    {"Whitespace", [](const JsonObject&) { return pre_tokenize_whitespace(); }},
    {"WhitespaceSplit", [](const JsonObject&) { return pre_tokenize_whitespace_split(); }},
    {"CharDelimiterSplit",
     [](const JsonObject& s) { return pre_tokenize_delimiter(read_character(s, "delimiter")); }},
    {"Split",
     [](const JsonObject& s) {
       return pre_tokenize_split(read_pattern(s), read_behavior(s, "Isolated"),
                                 s.boolean_or("invert", false));
     }},
    {"Digits",
     [](const JsonObject& s) {
       return pre_tokenize_digits(s.boolean_or("individual_digits", false));
     }},
    {"Punctuation",
     [](const JsonObject& s) { return pre_tokenize_punctuation(read_behavior(s, "Isolated")); }},
    {"Metaspace",
     [](const JsonObject& s) {
       return pre_tokenize_metaspace(s.string_or("replacement", "\u2581"), read_prepend_scheme(s),
                                     s.boolean_or("split", true));
     }},
};

constexpr ComponentReader<Decoder> kDecoders[] = {
    {"Sequence",
     [](const JsonObject& s) { return decode_sequence(read_steps(s, "decoders", read_decoder)); }},
    {"ByteLevel", [](const JsonObject&) { return decode_byte_level(); }},
    {"ByteFallback", [](const JsonObject&) { return decode_byte_fallback(); }},
    {"Fuse", [](const JsonObject&) { return decode_fuse(); }},
    {"WordPiece",
     [](const JsonObject& s) {
       return decode_word_piece(s.string_or("prefix", "##"), s.boolean_or("cleanup", true));
     }},
    {"Metaspace",
     [](const JsonObject& s) {
       return decode_metaspace(s.string_or("replacement", "\u2581"), read_prepend_scheme(s));
     }},
    {"BPEDecoder", [](const JsonObject& s) { return decode_bpe(s.string_or("suffix", "</w>")); }},
    {"Replace",
     [](const JsonObject& s) { return decode_replace(read_pattern(s), s.string("content")); }},
    {"Strip",
     [](const JsonObject& s) {
       const auto most = [&](std::string_view key) {
         return static_cast<std::size_t>(s.integer_or(key, 0, 0, kMostStripped));
       };
       return decode_strip(read_character(s, "content"), most("start"), most("stop"));
     }},
};

}  // namespace

Pattern read_pattern(const JsonObject& settings) {
  const JsonObject pattern(settings.at("pattern"), settings.source() + ": pattern");
  if (pattern.has("String")) return Pattern::literal(pattern.string("String"));
  return Pattern::regex(pattern.string("Regex"), settings.source());
}

SplitBehavior read_behavior(const JsonObject& settings, std::string_view fallback) {
  static constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  return choose(settings, "behavior", settings.string_or("behavior", fallback), kBehaviors);
}

PrependScheme read_prepend_scheme(const JsonObject& settings) {
  static constexpr std::array<std::pair<std::string_view, PrependScheme>, 3> kSchemes = {{
      {"always", PrependScheme::always},
      {"first", PrependScheme::first},
      {"never", PrependScheme::never},
  }};
  // Files older than prepend_scheme say add_prefix_space.
  const bool prefix = settings.boolean_or("add_prefix_space", true);
  const std::string scheme = settings.string_or("prepend_scheme", prefix ? "always" : "never");
  return choose(settings, "prepend_scheme", scheme, kSchemes);
}

char32_t read_character(const JsonObject& settings, std::string_view key) {
  const std::string text = settings.string(key);
  check(count_code_points(text) == 1, kOp, "{}: \"{}\" must be one character, got \"{}\"",
        settings.source(), key, printable(text));
  std::size_t at = 0;
  return next_code_point(text, at);
}

Normalizer read_normalizer(const Json& value, const std::string& source) {
  return read_by_type<Normalizer>(value, source, "normalizer", kNormalizers);
}

PreTokenizer read_pre_tokenizer(const Json& value, const std::string& source) {
  return read_by_type<PreTokenizer>(value, source, "pre_tokenizer", kPreTokenizers);
}

Decoder read_decoder(const Json& value, const std::string& source) {
  return read_by_type<Decoder>(value, source, "decoder", kDecoders);
}

std::vector<VocabularyEntry> read_vocabulary_entries(const Json& value, const std::string& source) {
  check(value.is_object(), kOp, "{}: must be an object of pieces and ids, got {}", source,
        describe(value));
  std::vector<VocabularyEntry> entries;
  entries.reserve(value.size());
  for (const auto& [piece, id] : value.items()) {
    if (!id.is_number_integer())
      fail(kOp, "{}: the id of \"{}\" must be an integer, got {}", source, printable(piece),
           describe(id));
    entries.push_back({piece, id.get<std::int64_t>()});
  }
  return entries;
}

bool names_type(const Json& value, std::string_view type) {
  if (value.is_array())
    return std::any_of(value.begin(), value.end(),
                       [&](const Json& step) { return names_type(step, type); });
  if (!value.is_object()) return false;
  const auto own = value.find("type");
  if (own != value.end() && own->is_string() && own->get_ref<const std::string&>() == type)
    return true;
  return std::any_of(value.begin(), value.end(), [&](const Json& setting) {
    return setting.is_array() && names_type(setting, type);
  });
}

}  // namespace headlight
