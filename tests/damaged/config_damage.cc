// Damage to config.json: not JSON, keys missing, values that no model can have.
#include "damage.h"

namespace headlight::testing {
namespace {

constexpr const char* kConfig = "config.json";

DamagedModel broken(std::string name, Family base, Damage damage, std::string cause) {
  return {std::move(name), base, std::move(damage), kConfig, std::move(cause)};
}

/// A test name out of a key: "n_head" gives "NHead".
std::string camel(std::string_view key) {
  std::string out;
  bool upper = true;
  for (const char c : key) {
    if (c != '_') out += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '_';
  }
  return out;
}

void add_text_cases(std::vector<DamagedModel>& cases) {
  const auto add = [&](std::string name, std::string text, std::string cause) {
    cases.push_back(broken("Config" + name, Family::gpt2, with_file(kConfig, std::move(text)),
                           std::move(cause)));
  };
  const std::string good = R"({"model_type": "gpt2", "n_embd": 12})";
  add("Empty", "", "line 1");
  add("Blank", " \n\n", "line 3");
  add("NotJson", "n_embd = 12\n", "line 1");
  add("CutOff", good.substr(0, 20), "line 1");
  add("TrailingText", good + "}", "line 1");
  add("TrailingComma", R"({"model_type": "gpt2",})", "line 1");
  add("NotUtf8", "{\"model_type\": \"gpt\xff\"}", "UTF-8");
  add("Utf16", std::string("\xff\xfe{\0}\0", 6), "line 1");
  add("ControlCharacters", "{\"model_type\": \"a\r\n\x1b[31m\"}", "control character");
  add("NulBytes", std::string(64, '\0'), "line 1");
  add("DuplicateKey", R"({"model_type": "gpt2", "n_embd": 12, "n_embd": 13})",
      "duplicate key \"n_embd\"");
  add("NestedDeep", std::string(100'000, '['), "nested deeper");
  add(
      "NestedObjects",
      [] {
        std::string text;
        for (int i = 0; i < 1000; ++i) text += "{\"a\":";
        return text;
      }(),
      "nested deeper");
  add("IsArray", "[1, 2, 3]", "must be an object");
  add("IsNull", "null", "must be an object");
  add("IsString", "\"gpt2\"", "must be an object");
  add("EmptyObject", "{}", "\"model_type\" is missing");
  add("NumberTooLarge", R"({"model_type": "gpt2", "n_embd": 1e400})", "number overflow");
  add("NotANumberLiteral", R"({"model_type": "gpt2", "layer_norm_epsilon": NaN})", "line 1");
  add("ByteOrderMarkThenGarbage", "\xef\xbb\xbf{]", "line 1");
}

void add_missing_keys(std::vector<DamagedModel>& cases) {
  const auto add = [&](Family base, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
      cases.push_back(broken("Config" + camel(name_of(base)) + "Without" + camel(key), base,
                             without_key(key), fmt::format("\"{}\" is missing", key)));
  };
  add(Family::gpt2, {"model_type", "n_embd", "n_layer", "n_head", "n_positions", "vocab_size"});
  add(Family::llama, {"hidden_size", "num_hidden_layers", "num_attention_heads",
                      "intermediate_size", "max_position_embeddings", "vocab_size"});
  add(Family::bert, {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                     "max_position_embeddings", "vocab_size"});
}

void add_gpt2_values(std::vector<DamagedModel>& cases) {
  const auto add = [&](std::string name, std::string key, Json value, std::string cause) {
    cases.push_back(broken("Config" + name, Family::gpt2,
                           with_key(std::move(key), std::move(value)), std::move(cause)));
  };
  // Sizes that only the weights can prove wrong: the message names their file.
  const auto add_weights = [&](std::string name, std::string key, Json value, std::string cause) {
    add(std::move(name), std::move(key), std::move(value), std::move(cause));
    cases.back().file = "model.safetensors";
  };
  add("UnknownArchitecture", "model_type", "mamba", "mamba");
  add("ArchitectureNotText", "model_type", 3, "\"model_type\" must be a string");
  add("ArchitectureNull", "model_type", nullptr, "\"model_type\"");
  add("ArchitectureWithControls", "model_type", "a\nb\x1b", "a\\x0ab\\x1b");
  add("ArchitectureLong", "model_type", std::string(100'000, 'x'), "xxx...");
  add("UnknownActivation", "activation_function", "mish", "mish");
  add("ActivationNotText", "activation_function", 1, "\"activation_function\"");
  add("WidthZero", "n_embd", 0, "\"n_embd\"");
  add("WidthNegative", "n_embd", -12, "got -12");
  add("WidthText", "n_embd", "12", "got \"12\"");
  add("WidthFraction", "n_embd", 12.5, "got 12.5");
  add("WidthFloat", "n_embd", 12.0, "got 12.0");
  add("WidthNull", "n_embd", nullptr, "got null");
  add("WidthList", "n_embd", {12}, "got an array");
  add("WidthHuge", "n_embd", std::uint64_t{18446744073709551615u}, "got 18446744073709551615");
  add_weights("WidthOther", "n_embd", 15, "[17, 15]");
  add("LayersBillion", "n_layer", 1'000'000'000, "\"n_layer\"");
  add_weights("LayersMany", "n_layer", 4000, "4000 layers");
  add_weights("LayersFewerThanStored", "n_layer", 1, "not part of a gpt2 model of 1 layers");
  add_weights("PositionsMoreThanStored", "n_positions", 100'000'000, "[100000000, 12]");
  add("LayersTrue", "n_layer", true, "got true");
  add("VocabularyHuge", "vocab_size", 1'000'000'000'000'000'000, "\"vocab_size\"");
  add("VocabularyFloatHuge", "vocab_size", 1e18, "\"vocab_size\"");
  add("HeadsDoNotDivide", "n_head", 5, "n_head 5");
  add("HeadsZero", "n_head", 0, "\"n_head\"");
  add("HeadsMoreThanWidth", "n_head", 24, "n_head 24");
  add("EpsilonNegative", "layer_norm_epsilon", -1e-5, "layer_norm_epsilon");
  add("EpsilonText", "layer_norm_epsilon", "1e-5", "\"layer_norm_epsilon\"");
  add("EpsilonZero", "layer_norm_epsilon", 0, "layer_norm_epsilon");
  add("EpsilonBelowFp32", "layer_norm_epsilon", 1e-60, "layer_norm_epsilon 1e-60");
  add("EpsilonHuge", "layer_norm_epsilon", 1e30, "layer_norm_epsilon");
  add("InnerWidthNegative", "n_inner", -4, "\"n_inner\"");
  add("TiedIsText", "tie_word_embeddings", "yes", "\"tie_word_embeddings\"");
}

void add_llama_and_bert_values(std::vector<DamagedModel>& cases) {
  const auto llama = [&](std::string name, std::string key, Json value, std::string cause) {
    cases.push_back(broken("ConfigLlama" + name, Family::llama,
                           with_key(std::move(key), std::move(value)), std::move(cause)));
  };
  llama("KvHeadsDoNotDivide", "num_key_value_heads", 3, "num_key_value_heads 3");
  llama("KvHeadsZero", "num_key_value_heads", 0, "\"num_key_value_heads\"");
  llama("KvHeadsMore", "num_key_value_heads", 8, "num_key_value_heads");
  llama("HeadDimOdd", "head_dim", 5, "head_dim 5");
  llama("HeadDimHuge", "head_dim", 1'000'000'000'000, "\"head_dim\"");
  llama("EpsilonNegative", "rms_norm_eps", -1.0, "rms_norm_eps");
  llama("EpsilonText", "rms_norm_eps", "small", "\"rms_norm_eps\"");
  llama("ThetaZero", "rope_theta", 0, "rope_theta");
  llama("ThetaNegative", "rope_theta", -10000.0, "rope_theta");
  llama("ThetaTiny", "rope_theta", 1e-300, "rope_theta");
  llama("ThetaText", "rope_theta", "10000", "\"rope_theta\"");
  llama("ScalingUnknown", "rope_scaling", {{"rope_type", "spiral"}, {"factor", 2}}, "spiral");
  llama("ScalingNotObject", "rope_scaling", "linear", "rope_scaling");
  llama("ScalingNegative", "rope_scaling", {{"rope_type", "linear"}, {"factor", -2}}, "factor");
  llama("ScalingTiny", "rope_scaling", {{"rope_type", "linear"}, {"factor", 1e-200}}, "factor");
  llama("ScalingWithoutFactor", "rope_scaling", {{"rope_type", "llama3"}}, "\"factor\" is missing");
  llama("PositionsHuge", "max_position_embeddings", 1'000'000'000'000, "max_position_embeddings");

  const auto bert = [&](std::string name, std::string key, Json value, std::string cause) {
    cases.push_back(broken("ConfigBert" + name, Family::bert,
                           with_key(std::move(key), std::move(value)), std::move(cause)));
  };
  bert("PositionsNegative", "max_position_embeddings", -1, "got -1");
  bert("RelativePositions", "position_embedding_type", "relative_key", "relative_key");
  bert("TokenTypesZero", "type_vocab_size", 0, "\"type_vocab_size\"");
  bert("TokenTypesText", "type_vocab_size", "two", "\"type_vocab_size\"");
}

}  // namespace

std::vector<DamagedModel> damaged_configs() {
  std::vector<DamagedModel> cases;
  add_text_cases(cases);
  add_missing_keys(cases);
  add_gpt2_values(cases);
  add_llama_and_bert_values(cases);
  return cases;
}

}  // namespace headlight::testing
