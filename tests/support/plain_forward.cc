#include "support/plain_forward.h"

#include <cmath>
#include <numbers>
#include <string>

namespace headlight::testing {
namespace {

class Plain {
 public:
  Plain(const TinyModel& model, const std::vector<std::int64_t>& ids,
        const std::vector<std::int64_t>& types, const std::vector<std::vector<double>>& gates,
        const PlainEdit& edit)
      : m_(model),
        ids_(ids),
        types_(types),
        gates_(gates),
        edit_(edit),
        family_(model.config["model_type"]) {}

  PlainResult run() {
    PlainResult r;
    Rows x = embed();
    r.embed = x;
    const int layers = m_.config[family_ == "gpt2" ? "n_layer" : "num_hidden_layers"];
    for (int l = 0; l < layers; ++l) {
      r.layers.emplace_back();
      r.layers.back().resid_pre = x;
      if (family_ == "gpt2") x = gpt2_block(x, l, r.layers.back());
      if (family_ == "llama") x = llama_block(x, l, r.layers.back());
      if (family_ == "bert") x = bert_block(x, l, r.layers.back());
      r.layers.back().resid_post = x;
    }
    if (family_ == "gpt2") x = layer_norm(x, "ln_f");
    if (family_ == "llama") x = rms_norm(x, "norm.weight");
    r.last_hidden = x;
    if (family_ != "bert") r.logits = logits(x);
    if (has("cls.predictions.bias")) r.logits = masked_token_logits(x);
    return r;
  }

 private:
  bool has(const std::string& name) const { return m_.tensors.contains(name); }
  double at(const std::string& name, std::size_t i) const {
    return m_.tensors.at(name).span<float>()[i];
  }
  double at(const std::string& name, std::size_t row, std::size_t column) const {
    const Tensor& t = m_.tensors.at(name);
    return t.span<float>()[row * static_cast<std::size_t>(t.dim(1)) + column];
  }
  std::size_t rows_of(const std::string& name) const {
    return static_cast<std::size_t>(m_.tensors.at(name).dim(0));
  }
  std::size_t columns_of(const std::string& name) const {
    return static_cast<std::size_t>(m_.tensors.at(name).dim(1));
  }

  Row lookup(const std::string& table, std::int64_t row) const {
    Row out(columns_of(table));
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = at(table, static_cast<std::size_t>(row), i);
    return out;
  }

  static Row sum(const Row& a, const Row& b) {
    Row out(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] + b[i];
    return out;
  }
  static Rows sum(const Rows& a, const Rows& b) {
    Rows out;
    for (std::size_t t = 0; t < a.size(); ++t) out.push_back(sum(a[t], b[t]));
    return out;
  }

  Rows embed() const {
    Rows x;
    for (std::size_t t = 0; t < ids_.size(); ++t) {
      const auto position = static_cast<std::int64_t>(t);
      if (family_ == "llama") x.push_back(lookup("embed_tokens.weight", ids_[t]));
      if (family_ == "gpt2")
        x.push_back(sum(lookup("wte.weight", ids_[t]), lookup("wpe.weight", position)));
      if (family_ == "bert")
        x.push_back(
            sum(sum(lookup("embeddings.word_embeddings.weight", ids_[t]),
                    lookup("embeddings.position_embeddings.weight", position)),
                lookup("embeddings.token_type_embeddings.weight", types_.empty() ? 0 : types_[t])));
    }
    return family_ == "bert" ? layer_norm(x, "embeddings.LayerNorm") : x;
  }

  Rows layer_norm(const Rows& x, const std::string& name) const {
    const double eps = family_ == "gpt2" ? m_.config.value("layer_norm_epsilon", 1e-5)
                                         : m_.config.value("layer_norm_eps", 1e-12);
    Rows out = x;
    for (Row& row : out) {
      double mean = 0, variance = 0;
      for (double v : row) mean += v / static_cast<double>(row.size());
      for (double v : row) variance += (v - mean) * (v - mean) / static_cast<double>(row.size());
      for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = (row[i] - mean) / std::sqrt(variance + eps) * at(name + ".weight", i) +
                 at(name + ".bias", i);
    }
    return out;
  }

  Rows rms_norm(const Rows& x, const std::string& name) const {
    Rows out = x;
    for (Row& row : out) {
      double square = 0;
      for (double v : row) square += v * v / static_cast<double>(row.size());
      const double eps = m_.config.value("rms_norm_eps", 1e-6);
      for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = row[i] / std::sqrt(square + eps) * at(name, i);
    }
    return out;
  }

  /// y = x W + b; `conv1d`: W is stored [in, out], else [out, in].
  Rows linear(const Rows& x, const std::string& name, bool conv1d = false) const {
    const std::string weight = name + ".weight", bias = name + ".bias";
    const std::size_t n = conv1d ? columns_of(weight) : rows_of(weight);
    Rows out;
    for (const Row& row : x) {
      Row y(n);
      for (std::size_t j = 0; j < n; ++j) {
        y[j] = has(bias) ? at(bias, j) : 0;
        for (std::size_t i = 0; i < row.size(); ++i)
          y[j] += row[i] * (conv1d ? at(weight, i, j) : at(weight, j, i));
      }
      out.push_back(y);
    }
    return out;
  }

  static double activation(const std::string& name, double x) {
    if (name == "relu") return x > 0 ? x : 0;
    if (name == "silu") return x / (1 + std::exp(-x));
    if (name == "gelu") return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }

  /// Fills z and the patterns of `layer` from its q, k, v.
  void attend(int l, PlainLayer& layer, std::size_t n_heads, std::size_t n_kv_heads,
              double scale) const {
    const std::size_t length = ids_.size(), dim = layer.q[0].size() / n_heads;
    layer.z.assign(length, Row(n_heads * dim, 0.0));
    layer.patterns.assign(n_heads, Rows(length, Row(length, 0.0)));
    for (std::size_t h = 0; h < n_heads; ++h) {
      const std::size_t g = h / (n_heads / n_kv_heads);
      for (std::size_t i = 0; i < length; ++i) {
        const std::size_t keys = family_ == "bert" ? length : i + 1;
        Row& pattern = layer.patterns[h][i];
        double total = 0;
        for (std::size_t j = 0; j < keys; ++j) {
          double score = 0;
          for (std::size_t d = 0; d < dim; ++d)
            score += layer.q[i][h * dim + d] * layer.k[j][g * dim + d];
          total += pattern[j] = std::exp(scale * score);
        }
        const double gate = gates_.empty() ? 1 : gates_[static_cast<std::size_t>(l)][h];
        for (std::size_t j = 0; j < keys; ++j) {
          pattern[j] /= total;
          for (std::size_t d = 0; d < dim; ++d)
            layer.z[i][h * dim + d] += gate * pattern[j] * layer.v[j][g * dim + d];
        }
      }
    }
    if (edit_) edit_(PlainPoint::z, static_cast<std::size_t>(l), layer);
  }

  /// What a sublayer adds, once an edit has seen it.
  const Rows& edited(PlainPoint point, int l, PlainLayer& layer) const {
    if (edit_) edit_(point, static_cast<std::size_t>(l), layer);
    return point == PlainPoint::out ? layer.out : layer.mlp_out;
  }

  Rows gpt2_block(const Rows& x, int l, PlainLayer& layer) const {
    const std::string h = "h." + std::to_string(l) + ".";
    const std::size_t heads = m_.config["n_head"], d = x[0].size();
    for (const Row& row : linear(layer_norm(x, h + "ln_1"), h + "attn.c_attn", true)) {
      const auto part = [&](std::size_t i) {
        return Row(row.begin() + static_cast<std::ptrdiff_t>(i * d),
                   row.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
      };
      layer.q.push_back(part(0));
      layer.k.push_back(part(1));
      layer.v.push_back(part(2));
    }
    double scale = 1;
    if (m_.config.value("scale_attn_weights", true))
      scale /= std::sqrt(static_cast<double>(d / heads));
    if (m_.config.value("scale_attn_by_inverse_layer_idx", false)) scale /= l + 1;
    attend(l, layer, heads, heads, scale);
    layer.out = linear(layer.z, h + "attn.c_proj", true);
    const Rows middle = sum(x, edited(PlainPoint::out, l, layer));
    if (m_.config.value("n_inner", 1) == 0) return middle;
    Rows up = linear(layer_norm(middle, h + "ln_2"), h + "mlp.c_fc", true);
    for (Row& row : up)
      for (double& v : row) v = activation(m_.config.value("activation_function", "gelu_new"), v);
    layer.mlp_out = linear(up, h + "mlp.c_proj", true);
    return sum(middle, edited(PlainPoint::mlp_out, l, layer));
  }

  /// inv_freq of the config; "linear" and "llama3" as transformers' modeling_rope_utils says.
  double frequency(std::size_t i, std::size_t dim) const {
    const double theta = m_.config.value("rope_theta", 10000.0);
    const double f = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
    const auto scaling = m_.config.value("rope_scaling", nlohmann::json());
    if (scaling.is_null()) return f;
    const double factor = scaling["factor"];
    if (scaling["rope_type"] == "linear") return f / factor;
    const double low = scaling["low_freq_factor"], high = scaling["high_freq_factor"];
    const double context = scaling["original_max_position_embeddings"];
    const double wavelength = 2 * std::numbers::pi / f;
    if (wavelength < context / high) return f;
    if (wavelength > context / low) return f / factor;
    const double smooth = (context / wavelength - low) / (high - low);
    return (1 - smooth) * f / factor + smooth * f;
  }

  Rows rotate(const Rows& x, std::size_t dim) const {
    Rows out = x;
    for (std::size_t t = 0; t < x.size(); ++t)
      for (std::size_t head = 0; head < x[t].size(); head += dim)
        for (std::size_t i = 0; i < dim / 2; ++i) {
          const double angle = static_cast<double>(t) * frequency(i, dim);
          const double a = x[t][head + i], b = x[t][head + i + dim / 2];
          out[t][head + i] = a * std::cos(angle) - b * std::sin(angle);
          out[t][head + i + dim / 2] = b * std::cos(angle) + a * std::sin(angle);
        }
    return out;
  }

  Rows llama_block(const Rows& x, int l, PlainLayer& layer) const {
    const std::string p = "layers." + std::to_string(l) + ".";
    const std::size_t heads = m_.config["num_attention_heads"];
    const std::size_t kv_heads = m_.config["num_key_value_heads"], dim = m_.config["head_dim"];
    const Rows normed = rms_norm(x, p + "input_layernorm.weight");
    layer.q = rotate(linear(normed, p + "self_attn.q_proj"), dim);
    layer.k = rotate(linear(normed, p + "self_attn.k_proj"), dim);
    layer.v = linear(normed, p + "self_attn.v_proj");
    attend(l, layer, heads, kv_heads, 1 / std::sqrt(static_cast<double>(dim)));
    layer.out = linear(layer.z, p + "self_attn.o_proj");
    const Rows middle = sum(x, edited(PlainPoint::out, l, layer));
    const Rows inner = rms_norm(middle, p + "post_attention_layernorm.weight");
    Rows gate = linear(inner, p + "mlp.gate_proj");
    const Rows up = linear(inner, p + "mlp.up_proj");
    for (std::size_t t = 0; t < gate.size(); ++t)
      for (std::size_t i = 0; i < gate[t].size(); ++i)
        gate[t][i] = activation(m_.config.value("hidden_act", "silu"), gate[t][i]) * up[t][i];
    layer.mlp_out = linear(gate, p + "mlp.down_proj");
    return sum(middle, edited(PlainPoint::mlp_out, l, layer));
  }

  Rows bert_block(const Rows& x, int l, PlainLayer& layer) const {
    const std::string p = "encoder.layer." + std::to_string(l) + ".";
    const std::size_t heads = m_.config["num_attention_heads"];
    layer.q = linear(x, p + "attention.self.query");
    layer.k = linear(x, p + "attention.self.key");
    layer.v = linear(x, p + "attention.self.value");
    attend(l, layer, heads, heads, 1 / std::sqrt(static_cast<double>(layer.q[0].size() / heads)));
    layer.out = linear(layer.z, p + "attention.output.dense");
    const Rows middle =
        layer_norm(sum(x, edited(PlainPoint::out, l, layer)), p + "attention.output.LayerNorm");
    Rows up = linear(middle, p + "intermediate.dense");
    for (Row& row : up)
      for (double& v : row) v = activation(m_.config.value("hidden_act", "gelu"), v);
    layer.mlp_out = linear(up, p + "output.dense");
    return layer_norm(sum(middle, edited(PlainPoint::mlp_out, l, layer)), p + "output.LayerNorm");
  }

  Rows masked_token_logits(const Rows& x) const {
    Rows h = linear(x, "cls.predictions.transform.dense");
    for (Row& row : h)
      for (double& v : row) v = activation(m_.config.value("hidden_act", "gelu"), v);
    h = layer_norm(h, "cls.predictions.transform.LayerNorm");
    return product(h, "embeddings.word_embeddings.weight", "cls.predictions.bias");
  }

  Rows logits(const Rows& x) const {
    const std::string embedding = family_ == "gpt2" ? "wte.weight" : "embed_tokens.weight";
    const bool tied = m_.config.value("tie_word_embeddings", family_ == "gpt2");
    return product(x, tied ? embedding : "lm_head.weight", "lm_head.bias");
  }

  /// x W^T + bias, the bias where there is one.
  Rows product(const Rows& x, const std::string& weight, const std::string& bias) const {
    Rows out;
    for (const Row& row : x) {
      Row y(rows_of(weight));
      for (std::size_t j = 0; j < y.size(); ++j) {
        y[j] = has(bias) ? at(bias, j) : 0;
        for (std::size_t i = 0; i < row.size(); ++i) y[j] += row[i] * at(weight, j, i);
      }
      out.push_back(y);
    }
    return out;
  }

  const TinyModel& m_;
  const std::vector<std::int64_t>& ids_;
  const std::vector<std::int64_t>& types_;
  const std::vector<std::vector<double>>& gates_;
  const PlainEdit& edit_;
  std::string family_;
};

}  // namespace

PlainResult plain_forward(const TinyModel& model, const std::vector<std::int64_t>& ids,
                          const std::vector<std::int64_t>& types,
                          const std::vector<std::vector<double>>& gates, const PlainEdit& edit) {
  return Plain(model, ids, types, gates, edit).run();
}

}  // namespace headlight::testing
