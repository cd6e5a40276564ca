// A model in memory with its tokenizer, and the tokens that a request means.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/model_catalog.h"
#include "model/tokenizer.h"
#include "model/transformer.h"

namespace headlight::app {

struct LoadedModel {
  ModelInfo info;
  Transformer transformer;
  std::unique_ptr<Tokenizer> tokenizer;  ///< null when the folder has none
};

LoadedModel load_model(const ModelFolder& model);

/// What is to be run: a text, two texts, or ids.
struct Input {
  std::string text;
  std::string pair;               ///< second text; empty: none
  std::vector<std::int64_t> ids;  ///< used when not empty, instead of the text
};

/// Tokens of an input, at most `most` (as many as the model takes unless given) and all in its
/// vocabulary. Throws RequestError naming both numbers when they are not.
std::vector<Token> tokens_of(const LoadedModel& model, const Input& input,
                             std::optional<std::int64_t> most = std::nullopt);

/// How an id of the vocabulary reads: the tokenizer's piece, or "#17" where there is none.
std::string piece_of(const LoadedModel& model, std::int64_t id);

/// The layer and head that "layer.head" names; throws RequestError naming the range there is.
std::pair<std::int64_t, std::int64_t> named_head(const ModelConfig& config, std::string_view name);

/// Sets one gate from its name "layer.head"; throws RequestError naming the range there is.
void set_gate(HeadGates& gates, const ModelConfig& config, std::string_view name, double value);

/// The last token that the user's text made, or the last one when there is none.
std::int64_t default_query(const std::vector<Token>& tokens);

}  // namespace headlight::app
