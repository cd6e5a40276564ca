#include "train/emergence.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "inspect/trace.h"
#include "train/measure_abilities.h"

namespace headlight {
namespace {

constexpr std::int64_t kSentences = 300;  // of each snapshot's relation scores
constexpr std::string_view kCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<std::string_view, 6> kKept = {
    "The animal didn't cross the street because it was too tired.",
    "The animal didn't cross the street because it was too wide.",
    "机器人拿起红色的积木，因为它很轻。",
    "The horse crossed the road because it was tired.",
    "The black cat sat on the mat.",
    "When Mary and John went to the shop, John gave a drink to Mary."};

Json relations_of(const Transformer& model, const Tokenizer& tokenizer) {
  Json out = Json::array();
  const Abilities abilities =
      measure_abilities(model, tokenizer, {.sentences = kSentences, .removals = false});
  for (const RelationAbility& each : abilities.relations) {
    Json heads = Json::array();
    for (std::size_t h = 0; h < each.looks.size(); ++h)
      heads.push_back(std::lround(100 * each.look_share(h)));
    out.push_back({{"language", each.language},
                   {"relation", each.relation},
                   {"asked", each.asked},
                   {"right", std::lround(100 * each.accuracy())},
                   {"pairs", each.pairs},
                   {"offset", std::lround(100 * each.offset_share())},
                   {"heads", std::move(heads)}});
  }
  return out;
}

Json patterns_of(std::string_view text, const Transformer& model, const Tokenizer& tokenizer) {
  const Trace trace = record_trace(model, tokenizer.encode(text), std::string(text));
  Json tokens = Json::array();
  for (const Token& token : trace.tokens) tokens.push_back(token.piece);
  std::string patterns;
  for (std::int64_t l = 0; l < trace.config.n_layers; ++l)
    for (std::int64_t h = 0; h < trace.config.n_heads; ++h) {
      const Tensor pattern = pattern_rows(trace, l, h, 0, trace.length());
      for (const float weight : pattern.span<float>())
        patterns += weight_character(static_cast<double>(weight));
    }
  return {{"text", text}, {"tokens", std::move(tokens)}, {"patterns", std::move(patterns)}};
}

}  // namespace

std::vector<std::int64_t> log_spaced(std::int64_t steps, std::int64_t count) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < count; ++i) {
    const double part = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 1;
    const auto step =
        static_cast<std::int64_t>(std::llround(std::pow(static_cast<double>(steps), part)));
    if (out.empty() || step > out.back()) out.push_back(step);
  }
  return out;
}

std::vector<std::string_view> emergence_sentences() {
  return {kKept.begin(), kKept.end()};
}

char weight_character(double weight) {
  const double root = std::sqrt(std::clamp(weight, 0.0, 1.0));
  return kCharacters[static_cast<std::size_t>(std::lround(63 * root))];
}

double weight_of(char character) {
  const auto at = kCharacters.find(character);
  check(at != std::string_view::npos, "emergence", "'{}' stands for no weight",
        printable(std::string(1, character)));
  const double root = static_cast<double>(at) / 63;
  return root * root;
}

Json emergence_snapshot(std::int64_t step, const Transformer& model, const Tokenizer& tokenizer) {
  Json sentences = Json::array();
  for (const std::string_view text : kKept)
    sentences.push_back(patterns_of(text, model, tokenizer));
  return {{"step", step},
          {"relations", relations_of(model, tokenizer)},
          {"sentences", std::move(sentences)}};
}

}  // namespace headlight
