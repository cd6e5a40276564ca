// Settings that are part of the program.
#include <array>

#include "train/settings.h"

namespace headlight {
namespace {

constexpr std::array kPresets = {
    Preset{"nano", "a GPT-2 of 2 layers on your own text, in a minute", R"({
  "model": {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": 2, "n_head": 4,
            "n_embd": 64, "n_positions": 64, "activation_function": "gelu_new"},
  "data": {"kind": "text", "vocab_size": 512},
  "steps": 500, "sequences": 16, "learning_rate": 0.003, "warmup": 50
})"},
    Preset{"nano-sort", "a GPT-2 of 3 layers x 3 heads that sorts six letters", R"({
  "model": {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": 3, "n_head": 3,
            "n_embd": 48, "n_positions": 11, "activation_function": "gelu_new",
            "tie_word_embeddings": false},
  "data": {"kind": "sort"},
  "steps": 1000, "sequences": 64, "learning_rate": 0.002, "warmup": 50, "weight_decay": 0.1,
  "checkpoint_every": 500
})"},
    Preset{"text-gpt", "a GPT-2 of 4 layers on your own text", R"({
  "model": {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": 4, "n_head": 8,
            "n_embd": 256, "n_positions": 256, "activation_function": "gelu_new"},
  "data": {"kind": "text", "vocab_size": 4096},
  "steps": 3000, "sequences": 16, "micro_batches": 4, "learning_rate": 0.001, "warmup": 200
})"},
    Preset{"text-bert", "a BERT of 4 layers on your own text", R"({
  "model": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "num_hidden_layers": 4,
            "num_attention_heads": 8, "hidden_size": 256, "intermediate_size": 1024,
            "max_position_embeddings": 128},
  "data": {"kind": "text", "vocab_size": 4096},
  "steps": 5000, "sequences": 32, "micro_batches": 4, "learning_rate": 0.0005, "warmup": 500
})"},
    Preset{"nano-world", "an encoder of 2 layers x 4 heads on the micro-world, in a minute", R"({
  "model": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "num_hidden_layers": 2,
            "num_attention_heads": 4, "hidden_size": 64, "intermediate_size": 128,
            "max_position_embeddings": 64, "type_vocab_size": 1, "pad_token_id": 0},
  "data": {"kind": "micro-world"},
  "steps": 1600, "sequences": 64, "learning_rate": 0.004, "warmup": 100,
  "initial_deviation": 0.05, "checkpoint_every": 500, "evaluate_every": 500, "snapshots": 40
})"},
    Preset{"lumen", "the encoder that this program comes with, on the micro-world", R"({
  "model": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "num_hidden_layers": 4,
            "num_attention_heads": 8, "hidden_size": 128, "intermediate_size": 512,
            "max_position_embeddings": 128, "type_vocab_size": 1, "pad_token_id": 0},
  "data": {"kind": "micro-world"},
  "steps": 4000, "sequences": 128, "micro_batches": 2, "learning_rate": 0.001, "warmup": 300,
  "initial_deviation": 0.05, "head_overlap": 0.01, "checkpoint_every": 500, "evaluate_every": 250, "snapshots": 60,
  "then": {"data": {"partner_share": 0.5}, "seed": 2, "steps": 1500, "sequences": 64, "micro_batches": 1,
           "learning_rate": 0.0005, "warmup": 100, "head_overlap": 0.05, "evaluate_every": 500, "snapshots": 3}
})"},
    Preset{"lumen-one", "lumen's twin: as large, and one head in each layer", R"({
  "model": {"architectures": ["BertForMaskedLM"], "model_type": "bert", "num_hidden_layers": 4,
            "num_attention_heads": 1, "hidden_size": 128, "intermediate_size": 512,
            "max_position_embeddings": 128, "type_vocab_size": 1, "pad_token_id": 0},
  "data": {"kind": "micro-world"},
  "steps": 4000, "sequences": 128, "micro_batches": 2, "learning_rate": 0.001, "warmup": 300,
  "initial_deviation": 0.05, "checkpoint_every": 500, "evaluate_every": 250, "snapshots": 60,
  "then": {"data": {"partner_share": 0.5}, "seed": 2, "steps": 1500, "sequences": 64, "micro_batches": 1,
           "learning_rate": 0.0005, "warmup": 100, "evaluate_every": 500, "snapshots": 3}
})"},
};

}  // namespace

std::span<const Preset> presets() {
  return kPresets;
}

}  // namespace headlight
