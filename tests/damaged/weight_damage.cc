// Damage to model.safetensors and to the index of shards.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "damage.h"
#include "support/tiny_model.h"

namespace headlight::testing {
namespace {

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

DamagedModel broken(std::string name, Damage damage, std::string cause,
                    Family base = Family::gpt2) {
  return {"Weights" + std::move(name), base, std::move(damage), kWeights, std::move(cause)};
}

/// The file with its first eight bytes, the header's length, replaced.
Damage with_length(std::uint64_t length) {
  return with_bytes([=](std::string& bytes) { std::memcpy(bytes.data(), &length, sizeof length); });
}

Damage cut_to(std::size_t size) {
  return with_bytes([=](std::string& bytes) { bytes.resize(size); });
}

std::vector<DamagedModel> framing() {
  return {
      broken("Empty", with_file(kWeights, ""), "0 bytes"),
      broken("CutInPrefix", cut_to(5), "5 bytes"),
      broken("CutInHeader", cut_to(100), "past the end of the file"),
      broken("CutInData", with_bytes([](std::string& b) { b.resize(b.size() - 100); }),
             "past the end of the"),
      broken("HeaderLengthZero", with_length(0), "does not open with {"),
      broken("HeaderLengthHuge", with_length(std::numeric_limits<std::uint64_t>::max()),
             "header length 18446744073709551615"),
      broken("HeaderLengthPastTheEnd", with_length(50'000'000), "past the end of the file"),
      broken("HeaderLengthShort", with_length(64), "line 1"),
      broken("Garbage", with_file(kWeights, std::string(4096, '\x5a')), "header length"),
      broken("Zeros", with_file(kWeights, std::string(4096, '\0')), "does not open with {"),
      broken("Pickle", with_file(kWeights, "PK\x03\x04 an archive of another kind"), "header"),
      broken("GitLfsPointer",
             with_file(kWeights, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
             "header length"),
      broken("HeaderNotUtf8", with_bytes([](std::string& b) { b[12] = '\xff'; }), "UTF-8"),
      broken("HeaderNested", with_header([](Json& h) { h["x"] = Json::array({h}); }),
             "must be an object"),
      broken("TrailingBytes", with_bytes([](std::string& b) { b += "more"; }),
             "4 bytes after the last tensor"),
  };
}

std::vector<DamagedModel> entries() {
  const std::string wte = "wte.weight";
  return {
      broken("OffsetsPastTheEnd", with_entry(wte, "data_offsets", {0, 1'000'000}),
             "past the end of the"),
      broken(
          "OffsetsHuge",
          with_entry(wte, "data_offsets", {9'223'372'036'854'775'000, 9'223'372'036'854'775'807}),
          "past the end of the"),
      broken("OffsetsReversed", with_entry(wte, "data_offsets", {816, 0}), "end before they begin"),
      broken("OffsetsNegative", with_entry(wte, "data_offsets", {-816, 0}), "got -816"),
      broken("OffsetsFraction", with_entry(wte, "data_offsets", {0.5, 816.5}), "got 0.5"),
      broken("OffsetsOne", with_entry(wte, "data_offsets", {0}), "must be [begin, end]"),
      broken("OffsetsText", with_entry(wte, "data_offsets", "0-816"), "must be [begin, end]"),
      broken("Overlap", with_header([](Json& h) {
               h["ln_f.weight"]["data_offsets"] = h["ln_f.bias"]["data_offsets"];
             }),
             "overlap"),
      broken("Hole", with_header([](Json& h) { h.erase("h.1.attn.c_proj.weight"); }), "hole"),
      broken("ShapeOther", with_entry(wte, "shape", {12, 17}), "[17, 12]"),
      broken("ShapeTooLarge", with_entry(wte, "shape", {1700, 12}), "data_offsets span"),
      broken("ShapeOverflows", with_entry(wte, "shape", {1ll << 40, 1ll << 40}), "overflows"),
      broken("ShapeNegative", with_entry(wte, "shape", {-17, -12}), "got -17"),
      broken("ShapeRank", with_entry(wte, "shape", {1, 1, 1, 1, 1, 1, 1, 17, 12}), "9 dimensions"),
      broken("ShapeNotAList", with_entry(wte, "shape", 204), "\"shape\" must be an array"),
      broken("ShapeEmpty", with_header([](Json& h) {
               h["extra"] = {{"dtype", "F32"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
               h["wte.weight"]["shape"] = Json::array();
             }),
             "takes 4 bytes"),
      broken("DTypeIntegers", with_entry(wte, "dtype", "I32"), "i32"),
      broken("DTypeOfOtherSize", with_entry(wte, "dtype", "I64"), "takes 1632 bytes"),
      broken("DTypeUnknown", with_entry(wte, "dtype", "F8_E4M3"), "F8_E4M3"),
      broken("DTypeNumber", with_entry(wte, "dtype", 32), "\"dtype\" must be a string"),
      broken("EntryNotAnObject", with_header([](Json& h) { h["wte.weight"] = "here"; }),
             "must be an object"),
      broken("MetadataNotText", with_header([](Json& h) {
               h["__metadata__"] = {{"format", 1}};
             }),
             "__metadata__"),
  };
}

/// The model written anew with one tensor added or replaced.
Damage with_tensor(std::string name, const Tensor& tensor) {
  return [name, stored = std::make_shared<Tensor>(tensor.clone())](const auto& folder) {
    TinyModel model = tiny_gpt2();
    model.tensors[name] = stored->clone();
    write_model(model, folder);
  };
}

Tensor filled(Shape shape, float value) {
  Tensor tensor(shape);
  std::ranges::fill(tensor.span<float>(), value);
  return tensor;
}

std::vector<DamagedModel> tensors() {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto renamed = [](std::string from, std::string to) {
    return with_header([=](Json& h) {
      h[to] = h.at(from);
      h.erase(from);
    });
  };
  return {
      broken("Nan", with_value("wte.weight", 5, kNan), "\"wte.weight\""),
      broken("NanInABlock", with_value("h.1.mlp.c_fc.weight", 7, kNan), "h.1.mlp.c_fc.weight"),
      broken("NanInABias", with_value("ln_f.bias", 0, kNan), "ln_f.bias"),
      broken("Infinity", with_value("h.0.attn.c_attn.weight", 431, kInfinity), "inf"),
      broken("MinusInfinity", with_value("wpe.weight", 0, -kInfinity), "-inf"),
      broken("LlamaNan", with_value("layers.1.self_attn.v_proj.weight", 0, kNan), "v_proj",
             Family::llama),
      broken("BertNan", with_value("encoder.layer.0.output.LayerNorm.weight", 0, kNan), "LayerNorm",
             Family::bert),
      broken("MissingTensor", renamed("h.0.ln_1.weight", "other.weight"), "h.0.ln_1.weight"),
      broken("MissingEmbedding", renamed("wte.weight", "wte.wieght"), "wte.weight"),
      broken("LlamaMissingHead", renamed("lm_head.weight", "lm_heat.weight"), "lm_head.weight",
             Family::llama),
      broken("BertMissingNorm", renamed("embeddings.LayerNorm.weight", "embeddings.weight"),
             "embeddings.LayerNorm.weight", Family::bert),
      broken("NanInAHeadForAnotherTask", with_tensor("classifier.weight", filled({2, 12}, kNan)),
             "\"classifier.weight\" [2, 12] holds nan"),
      broken("WrongRank", with_entry("ln_f.bias", "shape", {1, 12}), "[1, 12]"),
      broken("NoElements", with_tensor("ln_f.bias", Tensor({0})), "[0]"),
      broken("Doubles", with_tensor("ln_f.bias", Tensor(DType::f64, {12})), "f64"),
      broken("PartOfAnotherArchitecture", with_tensor("h.0.crossattention.q.weight", Tensor({4})),
             "crossattention"),
      broken("NoTensors", with_file(kWeights, std::string("\2\0\0\0\0\0\0\0{}", 10)), "missing"),
      broken(
          "OfAnotherFamily",
          [](const auto& folder) {
            const std::string config = read_bytes(folder / "config.json");
            write_sound_model(Family::llama, folder);
            write_bytes(folder / "config.json", config);
          },
          "missing"),
  };
}

/// Two shards whose index is then changed; the whole file is gone.
Damage with_index(std::function<void(Json& index)> edit) {
  return [=](const std::filesystem::path& folder) {
    std::filesystem::remove(folder / kWeights);
    write_model(tiny_gpt2(), folder, {.dtype = DType::f32, .prefix = "", .shards = 2});
    Json index = Json::parse(read_bytes(folder / kIndex));
    edit(index);
    write_bytes(folder / kIndex, index.dump());
  };
}

Damage with_shard(std::string shard) {
  return with_index([=](Json& index) { index["weight_map"]["wte.weight"] = shard; });
}

std::vector<DamagedModel> shards() {
  const auto index = [](std::string name, Damage damage, std::string cause) {
    return DamagedModel{"Index" + std::move(name), Family::gpt2, std::move(damage), kIndex,
                        std::move(cause)};
  };
  std::vector<DamagedModel> cases = {
      index("Empty", with_index([](Json& i) { i = Json::object(); }), "\"weight_map\" is missing"),
      index("NotAMap", with_index([](Json& i) { i["weight_map"] = "all"; }), "must be an object"),
      index("ShardNotText", with_index([](Json& i) { i["weight_map"]["wte.weight"] = 1; }),
            "must be a string"),
      index("LeavesTheFolder", with_shard("../model.safetensors"), "not a plain file name"),
      index("AbsolutePath", with_shard("/etc/passwd"), "not a plain file name"),
      index("ShardWithoutName", with_shard(""), "not a plain file name"),
      index("WrongShard", with_shard("model-00001-of-00002.safetensors"), "is not in"),
      index("MissingTensor", with_index([](Json& i) { i["weight_map"].erase("wte.weight"); }),
            "wte.weight"),
      index("MissingShard", with_shard("model-00003-of-00002.safetensors"), "No such file"),
      index("ShardIsFolder", with_shard("."), "not a plain file name"),
  };
  for (DamagedModel& model : cases)
    if (model.name == "IndexMissingShard") model.file = "model-00003-of-00002.safetensors";
  cases.push_back({"IndexIsAFolder", Family::gpt2,
                   [](const auto& folder) {
                     std::filesystem::remove(folder / kWeights);
                     with_folder(kIndex)(folder);
                   },
                   kIndex, "a directory"});
  return cases;
}

}  // namespace

std::vector<DamagedModel> damaged_weights() {
  std::vector<DamagedModel> all;
  for (const auto& list : {framing(), entries(), tensors(), shards()})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace headlight::testing
