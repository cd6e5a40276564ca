// Small random models in Hugging Face's format, so that tests need no downloaded weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/tensor.h"

namespace headlight::testing {

/// A config.json and its fp32 tensors, named without the family's prefix.
struct TinyModel {
  nlohmann::json config;
  std::map<std::string, Tensor> tensors;

  TinyModel clone() const;
  /// Rounds every weight to what `dtype` holds, so that storing it so loses nothing.
  void round_to(DType dtype);
};

/// Width 12 in 3 heads, 2 layers, 9 positions, vocabulary 17. `overrides` replaces config keys
/// before the weights are drawn: sizes follow it.
TinyModel tiny_gpt2(const nlohmann::json& overrides = nlohmann::json::object());
/// Width 12, 4 query heads on 2 key/value heads of 6 (so the heads together are wider than the
/// model), 2 layers, 16 positions, vocabulary 17.
TinyModel tiny_llama(const nlohmann::json& overrides = nlohmann::json::object());
/// Width 12 in 3 heads, 2 layers, 9 positions, 2 token types, vocabulary 17; with
/// {"architectures": ["BertForMaskedLM"]}, a head for masked tokens.
TinyModel tiny_bert(const nlohmann::json& overrides = nlohmann::json::object());

struct WriteOptions {
  DType dtype = DType::f32;
  std::string prefix;  ///< put before every name but a head's
  int shards = 1;      ///< more than 1: shards and model.safetensors.index.json
};

/// Writes a model folder, made if absent.
void write_model(const TinyModel& model, const std::filesystem::path& folder,
                 const WriteOptions& options = {});

}  // namespace headlight::testing
