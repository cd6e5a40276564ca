#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "io/safetensors.h"
#include "support/expect_error.h"
#include "support/shared.h"

namespace headlight {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;

class CheckpointTest : public ::testing::Test {
 protected:
  void shard(const std::string& file, const std::vector<std::string>& names) const {
    std::vector<NamedTensor> tensors;
    const Tensor value(Shape{2});
    for (const std::string& name : names) tensors.push_back({name, value});
    write_safetensors(folder_ / file, tensors);
  }
  void index(const std::string& weight_map) const {
    std::ofstream(index_) << R"({"metadata": {"total_size": 8}, "weight_map": )" << weight_map
                          << "}";
  }
  void expect_refused(std::initializer_list<std::string_view> parts) const {
    expect_error([&] { Checkpoint checkpoint(folder_); }, parts);
  }

  const fs::path folder_ = testing::scratch_folder();
  const fs::path index_ = folder_ / "model.safetensors.index.json";
};

TEST_F(CheckpointTest, OneFile) {
  shard("model.safetensors", {"b", "a"});
  const Checkpoint checkpoint(folder_);
  EXPECT_EQ(checkpoint.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(checkpoint.contains("a"));
  EXPECT_EQ(checkpoint.tensor("a").shape(), Shape{2});
  EXPECT_EQ(checkpoint.file_of("a"), folder_ / "model.safetensors");
  expect_error([&] { checkpoint.tensor("alpha"); },
               {(folder_ / "model.safetensors").string(), "no tensor \"alpha\""});
}

TEST_F(CheckpointTest, Shards) {
  shard("one.safetensors", {"a", "b", "unlisted"});
  shard("two.safetensors", {"layer.0.weight"});
  index(R"({"a": "one.safetensors", "b": "one.safetensors", "layer.0.weight": "two.safetensors"})");
  const Checkpoint checkpoint(folder_);
  EXPECT_EQ(checkpoint.names().size(), 3u);
  EXPECT_FALSE(checkpoint.contains("unlisted"));
  EXPECT_EQ(checkpoint.file_of("layer.0.weight"), folder_ / "two.safetensors");
  expect_error([&] { checkpoint.file_of("layer.1.weight"); },
               {index_.string(), "nearest is \"layer.0.weight\""});
}

TEST_F(CheckpointTest, RefusesDamagedIndexes) {
  shard("one.safetensors", {"a"});
  index(R"({"a": "two.safetensors"})");
  expect_refused({(folder_ / "two.safetensors").string(), "No such file"});
  index(R"({"b": "one.safetensors"})");
  expect_refused({index_.string(), "\"b\" is not in one.safetensors"});
  index(R"({"a": 1})");
  expect_refused({index_.string(), "\"a\" must be a string"});
  index(R"(["a"])");
  expect_refused({index_.string(), "weight_map: must be an object"});
  for (const char* name : {"../one.safetensors", "/etc/passwd", "", ".", "..", "x/../one"}) {
    index(fmt::format(R"({{"a": "{}"}})", name));
    expect_refused({index_.string(), fmt::format("shard \"{}\" is not a plain file name", name)});
  }
  index(R"({"a": "one.safetensors\u0000x"})");
  expect_refused({"is not a plain file name"});
  std::ofstream(index_) << "{}";
  expect_refused({index_.string(), "\"weight_map\" is missing"});
}

TEST_F(CheckpointTest, RefusesFoldersWithoutWeights) {
  expect_refused({folder_.string(), "neither model.safetensors nor"});
  expect_error([&] { Checkpoint c(folder_ / "absent"); }, {"absent", "No such file"});
  shard("model.safetensors", {"a"});
  expect_error([&] { Checkpoint c(folder_ / "model.safetensors"); }, {"is not a folder"});
}

TEST_F(CheckpointTest, ReportsAFileThatIsThereButUnusable) {
  fs::create_symlink("model.safetensors", folder_ / "model.safetensors");
  expect_refused({(folder_ / "model.safetensors").string(), "symbolic links"});
  fs::remove(folder_ / "model.safetensors");
  fs::create_directory(folder_ / "model.safetensors");
  expect_refused({(folder_ / "model.safetensors").string(), "a directory"});
}

}  // namespace
}  // namespace headlight
