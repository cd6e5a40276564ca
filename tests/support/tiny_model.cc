#include "support/tiny_model.h"

#include <fstream>
#include <random>
#include <vector>

#include "io/safetensors.h"

namespace headlight::testing {
namespace {
using Json = nlohmann::json;

/// Draws the tensors of a model: norm weights around 1, everything else around 0.
class Drawer {
 public:
  explicit Drawer(TinyModel& model) : model_(model) {}

  void weight(const std::string& name, Shape shape) { draw(name, shape, 0, 0.4f); }
  void norm_weight(const std::string& name, std::int64_t n) { draw(name, {n}, 1, 0.2f); }
  void linear(const std::string& name, Shape shape, std::int64_t bias) {
    weight(name + ".weight", shape);
    if (bias > 0) weight(name + ".bias", {bias});
  }
  void layer_norm(const std::string& name, std::int64_t n) {
    norm_weight(name + ".weight", n);
    weight(name + ".bias", {n});
  }

 private:
  void draw(const std::string& name, Shape shape, float mean, float deviation) {
    std::normal_distribution<float> normal(mean, deviation);
    Tensor tensor(shape);
    for (float& x : tensor.span<float>()) x = normal(random_);
    model_.tensors[name] = std::move(tensor);
  }

  TinyModel& model_;
  std::mt19937 random_{20240229};
};

Json with(Json config, const Json& overrides) {
  config.update(overrides);
  return config;
}

Tensor narrowed(const Tensor& from, DType dtype) {
  Tensor to(dtype, from.shape());
  const auto source = from.span<float>();
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (dtype == DType::f16)
      to.span<Float16>()[i] = to_float16(source[i]);
    else if (dtype == DType::bf16)
      to.span<BFloat16>()[i] = to_bfloat16(source[i]);
    else
      to.span<float>()[i] = source[i];
  }
  return to;
}

}  // namespace

TinyModel TinyModel::clone() const {
  TinyModel copy;
  copy.config = config;
  for (const auto& [name, tensor] : tensors) copy.tensors[name] = tensor.clone();
  return copy;
}

void TinyModel::round_to(DType dtype) {
  for (auto& [name, tensor] : tensors) tensor = to_f32(narrowed(tensor, dtype));
}

TinyModel tiny_gpt2(const Json& overrides) {
  TinyModel m;
  m.config = with({{"model_type", "gpt2"},
                   {"n_embd", 12},
                   {"n_head", 3},
                   {"n_layer", 2},
                   {"n_positions", 9},
                   {"vocab_size", 17},
                   {"activation_function", "gelu_new"},
                   {"layer_norm_epsilon", 1e-5}},
                  overrides);
  Drawer draw(m);
  const std::int64_t d = m.config["n_embd"], vocab = m.config["vocab_size"];
  const std::int64_t d_ff = m.config.value("n_inner", 4 * d);
  draw.weight("wte.weight", {vocab, d});
  draw.weight("wpe.weight", {m.config["n_positions"], d});
  for (int l = 0; l < m.config["n_layer"]; ++l) {
    const std::string h = "h." + std::to_string(l) + ".";
    draw.layer_norm(h + "ln_1", d);
    draw.linear(h + "attn.c_attn", {d, 3 * d}, 3 * d);
    draw.linear(h + "attn.c_proj", {d, d}, d);
    if (d_ff == 0) continue;
    draw.layer_norm(h + "ln_2", d);
    draw.linear(h + "mlp.c_fc", {d, d_ff}, d_ff);
    draw.linear(h + "mlp.c_proj", {d_ff, d}, d);
  }
  draw.layer_norm("ln_f", d);
  if (!m.config.value("tie_word_embeddings", true)) draw.weight("lm_head.weight", {vocab, d});
  return m;
}

TinyModel tiny_llama(const Json& overrides) {
  TinyModel m;
  m.config = with({{"model_type", "llama"},
                   {"hidden_size", 12},
                   {"num_attention_heads", 4},
                   {"num_key_value_heads", 2},
                   {"head_dim", 6},
                   {"intermediate_size", 20},
                   {"num_hidden_layers", 2},
                   {"max_position_embeddings", 16},
                   {"vocab_size", 17},
                   {"rms_norm_eps", 1e-5}},
                  overrides);
  Drawer draw(m);
  const std::int64_t d = m.config["hidden_size"], d_ff = m.config["intermediate_size"];
  const std::int64_t vocab = m.config["vocab_size"], width = m.config["head_dim"];
  const std::int64_t q = m.config["num_attention_heads"].get<std::int64_t>() * width;
  const std::int64_t kv = m.config["num_key_value_heads"].get<std::int64_t>() * width;
  const bool attention_bias = m.config.value("attention_bias", false);
  const bool mlp_bias = m.config.value("mlp_bias", false);
  const auto bias = [](bool on, std::int64_t n) { return on ? n : 0; };
  draw.weight("embed_tokens.weight", {vocab, d});
  for (int l = 0; l < m.config["num_hidden_layers"]; ++l) {
    const std::string layer = "layers." + std::to_string(l) + ".";
    draw.norm_weight(layer + "input_layernorm.weight", d);
    draw.linear(layer + "self_attn.q_proj", {q, d}, bias(attention_bias, q));
    draw.linear(layer + "self_attn.k_proj", {kv, d}, bias(attention_bias, kv));
    draw.linear(layer + "self_attn.v_proj", {kv, d}, bias(attention_bias, kv));
    draw.linear(layer + "self_attn.o_proj", {d, q}, bias(attention_bias, d));
    draw.norm_weight(layer + "post_attention_layernorm.weight", d);
    draw.linear(layer + "mlp.gate_proj", {d_ff, d}, bias(mlp_bias, d_ff));
    draw.linear(layer + "mlp.up_proj", {d_ff, d}, bias(mlp_bias, d_ff));
    draw.linear(layer + "mlp.down_proj", {d, d_ff}, bias(mlp_bias, d));
  }
  draw.norm_weight("norm.weight", d);
  if (!m.config.value("tie_word_embeddings", false)) draw.weight("lm_head.weight", {vocab, d});
  return m;
}

TinyModel tiny_bert(const Json& overrides) {
  TinyModel m;
  m.config = with({{"model_type", "bert"},
                   {"hidden_size", 12},
                   {"num_attention_heads", 3},
                   {"intermediate_size", 20},
                   {"num_hidden_layers", 2},
                   {"max_position_embeddings", 9},
                   {"type_vocab_size", 2},
                   {"vocab_size", 17}},
                  overrides);
  Drawer draw(m);
  const std::int64_t d = m.config["hidden_size"], d_ff = m.config["intermediate_size"];
  const std::int64_t n_heads = m.config["num_attention_heads"];
  const std::int64_t width = n_heads * m.config.value("head_dim", d / n_heads);
  draw.weight("embeddings.word_embeddings.weight", {m.config["vocab_size"], d});
  draw.weight("embeddings.position_embeddings.weight", {m.config["max_position_embeddings"], d});
  draw.weight("embeddings.token_type_embeddings.weight", {m.config["type_vocab_size"], d});
  draw.layer_norm("embeddings.LayerNorm", d);
  for (int l = 0; l < m.config["num_hidden_layers"]; ++l) {
    const std::string layer = "encoder.layer." + std::to_string(l) + ".";
    for (const char* part : {"query", "key", "value"})
      draw.linear(layer + "attention.self." + part, {width, d}, width);
    draw.linear(layer + "attention.output.dense", {d, width}, d);
    draw.layer_norm(layer + "attention.output.LayerNorm", d);
    draw.linear(layer + "intermediate.dense", {d_ff, d}, d_ff);
    draw.linear(layer + "output.dense", {d, d_ff}, d);
    draw.layer_norm(layer + "output.LayerNorm", d);
  }
  if (m.config.contains("architectures") && m.config["architectures"][0] == "BertForMaskedLM") {
    draw.linear("cls.predictions.transform.dense", {d, d}, d);
    draw.layer_norm("cls.predictions.transform.LayerNorm", d);
    draw.weight("cls.predictions.bias", {m.config["vocab_size"]});
  }
  return m;
}

void write_model(const TinyModel& model, const std::filesystem::path& folder,
                 const WriteOptions& options) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << model.config.dump(1);
  std::vector<Tensor> stored;  // the views below point into it
  stored.reserve(model.tensors.size());
  std::vector<std::vector<NamedTensor>> shards(static_cast<std::size_t>(options.shards));
  Json index = {{"weight_map", Json::object()}};
  const auto file_name = [&](std::size_t i) {
    return options.shards == 1
               ? std::string("model.safetensors")
               : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, options.shards);
  };
  for (const auto& [bare, tensor] : model.tensors) {
    const bool head = bare.starts_with("lm_head.") || bare.starts_with("cls.");
    const std::string name = head ? bare : options.prefix + bare;
    const std::size_t shard = stored.size() % shards.size();
    const bool floating = tensor.dtype() == DType::f32;
    stored.push_back(floating ? narrowed(tensor, options.dtype) : tensor.clone());
    shards[shard].push_back({name, stored.back()});
    index["weight_map"][name] = file_name(shard);
  }
  for (std::size_t i = 0; i < shards.size(); ++i)
    write_safetensors(folder / file_name(i), shards[i]);
  if (options.shards > 1) std::ofstream(folder / "model.safetensors.index.json") << index.dump(1);
}

}  // namespace headlight::testing
