#include "model/config.h"

#include <array>
#include <cmath>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "io/json.h"
#include "model/config_limits.h"

namespace headlight {
namespace {

template <class Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

constexpr std::array kFamilies = {EnumName<Family>{Family::gpt2, "gpt2"},
                                  EnumName<Family>{Family::llama, "llama"},
                                  EnumName<Family>{Family::bert, "bert"}};
constexpr std::array kActivations = {EnumName<Activation>{Activation::gelu_erf, "gelu_erf"},
                                     EnumName<Activation>{Activation::gelu_tanh, "gelu_tanh"},
                                     EnumName<Activation>{Activation::silu, "silu"},
                                     EnumName<Activation>{Activation::relu, "relu"}};

constexpr const auto& names_of(Family) {
  return kFamilies;
}
constexpr const auto& names_of(Activation) {
  return kActivations;
}

template <class Enum>
std::string_view enum_name(Enum value) {
  for (const auto& entry : names_of(value))
    if (entry.value == value) return entry.name;
  fail("config", "enum value {} has no name", static_cast<int>(value));
}

/// The fields, declared once: writing and reading both visit this list.
template <class Config, class Visit>
void visit_fields(Config& c, const Visit& visit) {
  visit("family", c.family);
  visit("d_model", c.d_model);
  visit("n_layers", c.n_layers);
  visit("n_heads", c.n_heads);
  visit("n_kv_heads", c.n_kv_heads);
  visit("head_dim", c.head_dim);
  visit("d_ff", c.d_ff);
  visit("vocab_size", c.vocab_size);
  visit("max_len", c.max_len);
  visit("n_token_types", c.n_token_types);
  visit("activation", c.activation);
  visit("norm_eps", c.norm_eps);
  visit("tied_head", c.tied_head);
  visit("attention_bias", c.attention_bias);
  visit("mlp_bias", c.mlp_bias);
  visit("mlm_head", c.mlm_head);
  visit("scale_by_head_dim", c.scale_by_head_dim);
  visit("scale_by_layer", c.scale_by_layer);
  visit("rope_inv_freq", c.rope_inv_freq);
  visit("bos_id", c.bos_id);
  visit("eos_id", c.eos_id);
}

struct Writer {
  nlohmann::ordered_json& out;

  void operator()(const char* name, const std::optional<std::int64_t>& id) const {
    out[name] = id ? nlohmann::ordered_json(*id) : nlohmann::ordered_json(nullptr);
  }
  template <class T>
  void operator()(const char* name, const T& value) const {
    if constexpr (std::is_enum_v<T>)
      out[name] = enum_name(value);
    else
      out[name] = value;
  }
};

struct Reader {
  const JsonObject& from;

  void operator()(const char* name, std::int64_t& size) const {
    size = from.integer(name, 0, kMaxSize);
  }
  void operator()(const char* name, bool& flag) const { flag = from.boolean(name); }
  void operator()(const char* name, float& number) const {
    number = static_cast<float>(from.number(name));
  }
  void operator()(const char* name, std::optional<std::int64_t>& id) const {
    if (from.has(name)) id = from.integer(name, 0, kMaxSize);
  }
  void operator()(const char* name, std::vector<double>& numbers) const {
    const Json& list = from.at(name);
    check(list.is_array(), "config", "{}: {} must be a list of numbers", from.source(), name);
    for (const Json& item : list) {
      check(item.is_number(), "config", "{}: {} must hold numbers only", from.source(), name);
      numbers.push_back(item.get<double>());
    }
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(const char* name, Enum& value) const {
    const std::string text = from.string(name);
    for (const auto& entry : names_of(value)) {
      if (entry.name == text) {
        value = entry.value;
        return;
      }
    }
    fail("config", "{}: {} \"{}\" is not known", from.source(), name, printable(text));
  }
};

void check_range(std::string_view source, std::string_view field, std::int64_t value,
                 std::int64_t least, std::int64_t most) {
  check(least <= value && value <= most, "config", "{}: {} {} is not in [{}, {}]", source, field,
        value, least, most);
}

void check_rope(const ModelConfig& c, std::string_view source) {
  if (c.family != Family::llama) {
    check(c.rope_inv_freq.empty(), "config", "{}: rope_inv_freq is for llama, not {}", source,
          name_of(c.family));
    return;
  }
  check(c.head_dim % 2 == 0, "config", "{}: head_dim {} must be even for RoPE", source, c.head_dim);
  check(std::ssize(c.rope_inv_freq) == c.head_dim / 2, "config",
        "{}: rope_inv_freq holds {} frequencies, head_dim {} needs {}", source,
        c.rope_inv_freq.size(), c.head_dim, c.head_dim / 2);
  for (double f : c.rope_inv_freq)
    check(std::isfinite(f) && f >= 0, "config", "{}: rope_inv_freq holds {}", source, f);
}

}  // namespace

std::string_view name_of(Family family) {
  return enum_name(family);
}

float ModelConfig::attention_scale(std::int64_t layer) const {
  const double by_head = scale_by_head_dim ? std::sqrt(static_cast<double>(head_dim)) : 1;
  const double by_layer = scale_by_layer ? static_cast<double>(layer + 1) : 1;
  return static_cast<float>(1 / (by_head * by_layer));
}

void check_config(const ModelConfig& c, std::string_view source) {
  check_range(source, "d_model", c.d_model, 1, kMaxWidth);
  check_range(source, "n_layers", c.n_layers, 1, kMaxLayers);
  check_range(source, "n_heads", c.n_heads, 1, kMaxHeads);
  check_range(source, "n_kv_heads", c.n_kv_heads, 1, c.n_heads);
  check_range(source, "head_dim", c.head_dim, 1, kMaxHeadDim);
  check_range(source, "d_ff", c.d_ff, c.family == Family::gpt2 ? 0 : 1, kMaxWidth);
  check_range(source, "vocab_size", c.vocab_size, 1, kMaxSize);
  check_range(source, "max_len", c.max_len, 1, kMaxSize);
  const bool typed = c.family == Family::bert;
  check_range(source, "n_token_types", c.n_token_types, typed ? 1 : 0, typed ? kMaxTokenTypes : 0);
  check(c.n_heads % c.n_kv_heads == 0, "config", "{}: n_kv_heads {} does not divide n_heads {}",
        source, c.n_kv_heads, c.n_heads);
  check(c.norm_eps > 0 && c.norm_eps <= 1, "config", "{}: norm_eps {} is not in (0, 1]", source,
        c.norm_eps);
  check(!c.mlm_head || typed, "config", "{}: mlm_head is for bert, not {}", source,
        name_of(c.family));
  check_rope(c, source);
}

std::string to_json(const ModelConfig& config) {
  nlohmann::ordered_json out;
  visit_fields(config, Writer{out});
  return out.dump();
}

ModelConfig config_from_json(std::string_view text, std::string_view source) {
  const Json json = parse_json(text, source);
  const JsonObject object(json, std::string(source));
  ModelConfig config;
  visit_fields(config, Reader{object});
  check_config(config, source);
  return config;
}

}  // namespace headlight
