// Model folders that are broken, hostile or foreign: each must be refused with one line that names
// the file and the cause.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>

#include "core/error.h"
#include "model/transformer.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace headlight {
namespace {
namespace fs = std::filesystem;
using testing::TinyModel;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A u64 as safetensors stores it.
std::string little_endian(std::uint64_t n) {
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>((n >> (8 * i)) & 0xFF));
  return out;
}

void replace_in(const fs::path& path, const std::string& from, const std::string& to) {
  std::string bytes = read(path);
  const auto at = bytes.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  write(path, bytes.replace(at, from.size(), to));
}

/// Another header over the same data.
void set_header(const fs::path& path, const std::string& header) {
  write(path, little_endian(header.size()) + header + std::string(64, '\0'));
}

struct Damage {
  const char* name;
  std::function<void(const fs::path& folder)> act;
  std::vector<std::string> says;
};

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.name;
}

/// The folder gets a fresh model made with one change.
std::function<void(const fs::path&)> model(const std::function<void(TinyModel&)>& change) {
  return [change](const fs::path& folder) {
    TinyModel tiny = testing::tiny_gpt2();
    change(tiny);
    testing::write_model(tiny, folder);
  };
}

std::function<void(const fs::path&)> config(const nlohmann::json& change) {
  return model([change](TinyModel& m) { m.config.update(change); });
}

std::function<void(const fs::path&)> config_text(const std::string& text) {
  return [text](const fs::path& folder) { write(folder / "config.json", text); };
}

std::function<void(const fs::path&)> header(const std::string& text) {
  return [text](const fs::path& folder) { set_header(folder / "model.safetensors", text); };
}

std::function<void(const fs::path&)> index(const std::string& text) {
  return [text](const fs::path& folder) {
    fs::rename(folder / "model.safetensors", folder / "part.safetensors");
    write(folder / "model.safetensors.index.json", text);
  };
}

const std::string kConfig = "config.json";
const std::string kWeights = "model.safetensors";

std::vector<Damage> damages() {
  return {
      // The folder and its files.
      {"no folder", [](const fs::path& f) { fs::remove_all(f); }, {kConfig}},
      {"a file for the folder",
       [](const fs::path& f) {
         fs::remove_all(f);
         write(f, "x");
       },
       {kConfig}},
      {"empty folder",
       [](const fs::path& f) {
         fs::remove_all(f);
         fs::create_directory(f);
       },
       {kConfig}},
      {"a directory for config.json",
       [](const fs::path& f) {
         fs::remove(f / kConfig);
         fs::create_directory(f / kConfig);
       },
       {kConfig}},
      {"no weights", [](const fs::path& f) { fs::remove(f / kWeights); }, {kWeights}},
      {"a directory for the weights",
       [](const fs::path& f) {
         fs::remove(f / kWeights);
         fs::create_directory(f / kWeights);
       },
       {kWeights}},
      {"a link to itself",
       [](const fs::path& f) {
         fs::remove(f / kWeights);
         fs::create_symlink(f / kWeights, f / kWeights);
       },
       {kWeights}},
      // config.json.
      {"empty config", config_text(""), {kConfig}},
      {"config cut off", config_text("{\"model_type\": \"gpt2\", \"n_e"), {kConfig}},
      {"config not UTF-8", config_text("{\"model_type\": \"gp\xfft2\"}"), {kConfig}},
      {"config a list", config_text("[1, 2]"), {kConfig}},
      {"config nested deeply", config_text(std::string(100000, '[')), {kConfig}},
      {"duplicate key",
       config_text("{\"model_type\": \"gpt2\", \"model_type\": \"bert\"}"),
       {kConfig, "model_type"}},
      {"no model_type", config_text("{}"), {kConfig, "model_type"}},
      {"unknown model_type",
       config({{"model_type", "mamba"}}),
       {kConfig, "mamba", "gpt2, llama, bert"}},
      {"control characters", config({{"model_type", "\x1b[31m\n"}}), {kConfig, "\\x1b"}},
      {"missing n_head",
       model([](TinyModel& m) { m.config.erase("n_head"); }),
       {kConfig, "n_head"}},
      {"missing vocab_size",
       model([](TinyModel& m) { m.config.erase("vocab_size"); }),
       {kConfig, "vocab_size"}},
      {"heads do not divide", config({{"n_head", 5}}), {kConfig, "n_head 5", "12"}},
      {"zero heads", config({{"n_head", 0}}), {kConfig, "n_head"}},
      {"negative width", config({{"n_embd", -12}}), {kConfig, "n_embd"}},
      {"huge vocabulary", config({{"vocab_size", 1LL << 61}}), {kConfig, "vocab_size"}},
      {"vocabulary past 64 bits",
       config_text("{\"model_type\": \"gpt2\", \"n_embd\": 12, \"n_head\": 3, "
                   "\"n_layer\": 2, \"vocab_size\": 99999999999999999999}"),
       {kConfig, "vocab_size"}},
      {"huge positions",
       config({{"n_positions", 100'000'000}}),
       {kWeights, "wpe.weight", "[9, 12]"}},
      {"many layers", config({{"n_layer", 4000}}), {"h.2.", "missing"}},
      {"fewer layers than stored", config({{"n_layer", 1}}), {kWeights, "h.1."}},
      {"width as text", config({{"n_embd", "12"}}), {kConfig, "n_embd"}},
      {"epsilon zero", config({{"layer_norm_epsilon", 0}}), {kConfig, "layer_norm_epsilon"}},
      {"unknown activation", config({{"activation_function", "tanh"}}), {kConfig, "tanh"}},
      // Tensors.
      {"missing tensor",
       model([](TinyModel& m) { m.tensors.erase("ln_f.weight"); }),
       {"ln_f.weight", "missing"}},
      {"wrong shape",
       model([](TinyModel& m) { m.tensors["ln_f.bias"] = Tensor({13}); }),
       {kWeights, "ln_f.bias", "[13]", "[12]"}},
      {"wrong rank",
       model([](TinyModel& m) {
         m.tensors["ln_f.bias"] = Tensor({1, 12});
       }),
       {kWeights, "ln_f.bias", "[1, 12]", "[12]"}},
      {"empty tensor",
       model([](TinyModel& m) { m.tensors["ln_f.bias"] = Tensor({0}); }),
       {kWeights, "ln_f.bias", "[0]"}},
      {"NaN",
       model([](TinyModel& m) { m.tensors["wte.weight"].span<float>()[40] = NAN; }),
       {kWeights, "wte.weight", "nan at index 40"}},
      {"infinity",
       model([](TinyModel& m) { m.tensors["h.0.mlp.c_fc.bias"].span<float>()[3] = -INFINITY; }),
       {kWeights, "h.0.mlp.c_fc.bias", "-inf at index 3"}},
      {"integers for weights",
       model([](TinyModel& m) { m.tensors["ln_f.bias"] = Tensor(DType::i32, {12}); }),
       {kWeights, "ln_f.bias", "i32"}},
      {"doubles for weights",
       model([](TinyModel& m) { m.tensors["ln_f.bias"] = Tensor(DType::f64, {12}); }),
       {kWeights, "ln_f.bias", "f64"}},
      {"a part of another architecture",
       model([](TinyModel& m) { m.tensors["h.0.crossattention.q.weight"] = Tensor({4}); }),
       {kWeights, "crossattention"}},
      // The safetensors container.
      {"empty weights", [](const fs::path& f) { write(f / kWeights, ""); }, {kWeights}},
      {"header length cut off", [](const fs::path& f) { write(f / kWeights, "abc"); }, {kWeights}},
      {"header past the end",
       [](const fs::path& f) { write(f / kWeights, little_endian(1000) + "{}"); },
       {kWeights}},
      {"header length 2^64 - 1",
       [](const fs::path& f) { write(f / kWeights, little_endian(~0ull) + "{}"); },
       {kWeights}},
      {"data cut off",
       [](const fs::path& f) { fs::resize_file(f / kWeights, fs::file_size(f / kWeights) - 9); },
       {kWeights}},
      {"header not JSON", header("hello"), {kWeights}},
      {"header not UTF-8", header("{\"\xff\": 1}"), {kWeights}},
      {"offsets reversed",
       header(R"({"a":{"dtype":"F32","shape":[16],"data_offsets":[64,0]}})"),
       {kWeights}},
      {"offsets past the end",
       header(R"({"a":{"dtype":"F32","shape":[32],"data_offsets":[0,128]}})"),
       {kWeights}},
      {"offsets negative",
       header(R"({"a":{"dtype":"F32","shape":[16],"data_offsets":[-64,0]}})"),
       {kWeights}},
      {"shape that overflows",
       header(R"({"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,64]}})"),
       {kWeights}},
      {"shape unlike the bytes",
       header(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,64]}})"),
       {kWeights}},
      {"unknown dtype",
       header(R"({"a":{"dtype":"Q4","shape":[16],"data_offsets":[0,64]}})"),
       {kWeights, "Q4"}},
      {"overlapping tensors",
       header(
           R"({"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]},"b":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}})"),
       {kWeights}},
      {"one dtype for another",
       [](const fs::path& f) { replace_in(f / kWeights, "\"F32\"", "\"F64\""); },
       {kWeights}},
      // Shards.
      {"index not JSON", index("shards"), {"index.json"}},
      {"index without a map", index("{}"), {"index.json", "weight_map"}},
      {"index out of the folder",
       index(R"({"weight_map":{"wte.weight":"../part.safetensors"}})"),
       {"index.json", ".."}},
      {"shard missing",
       index(R"({"weight_map":{"wte.weight":"gone.safetensors"}})"),
       {"gone.safetensors"}},
      {"tensor not in its shard",
       index(R"({"weight_map":{"nobody":"part.safetensors"}})"),
       {"index.json", "nobody"}},
      {"index that lists one tensor",
       index(R"({"weight_map":{"wte.weight":"part.safetensors"}})"),
       {"missing"}},
  };
}

class DamagedModelTest : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedModelTest, IsRefusedInOneLine) {
  const fs::path folder = testing::scratch_folder() / "model";
  testing::write_model(testing::tiny_gpt2(), folder);
  ASSERT_NO_THROW(Transformer::load(folder));
  GetParam().act(folder);
  try {
    Transformer::load(folder);
    FAIL() << "accepted";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_LT(message.size(), 800u) << message;
    for (unsigned char c : message) ASSERT_GE(c, 0x20) << "a control character in: " << message;
    for (const std::string& part : GetParam().says)
      EXPECT_NE(message.find(part), std::string::npos) << "no " << part << " in: " << message;
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamagedModelTest, ::testing::ValuesIn(damages()));

}  // namespace
}  // namespace headlight
