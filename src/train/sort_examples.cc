// The task of llm-viz's nano-sort: six letters of A, B, C, then the same letters in order.
#include <algorithm>

#include "core/mapped_file.h"
#include "train/example_sources.h"
#include "train/random.h"

namespace headlight {
namespace {

constexpr std::int64_t kLetters = 3;
constexpr std::size_t kLength = 6;

class SortExamples final : public ExampleSource {
 public:
  explicit SortExamples(std::uint64_t seed) : seed_(seed) {}

  std::int64_t vocab_size() const override { return kLetters; }

  Example example(std::uint64_t index) const override {
    Random random(seed_, RandomUse::examples, index);
    Example out;
    for (std::size_t i = 0; i < kLength; ++i) out.ids.push_back(random.below(kLetters));
    std::vector<std::int64_t> sorted = out.ids;
    std::ranges::sort(sorted);
    // The last letter in is answered with the first one out; what goes in after it are answers.
    out.ids.insert(out.ids.end(), sorted.begin(), sorted.end() - 1);
    out.targets.assign(kLength - 1, kIgnoredTarget);
    out.targets.insert(out.targets.end(), sorted.begin(), sorted.end());
    return out;
  }

  void write_tokenizer(const std::filesystem::path& folder) const override {
    const Json tokenizer = {
        {"version", "1.0"},
        {"model",
         {{"type", "WordLevel"}, {"vocab", {{"A", 0}, {"B", 1}, {"C", 2}}}, {"unk_token", "A"}}},
        {"pre_tokenizer", {{"type", "Whitespace"}}}};
    write_text_file(folder / "tokenizer.json", tokenizer.dump(1) + "\n");
  }

  std::string fingerprint() const override { return "sort"; }

 private:
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<ExampleSource> sort_examples(const TrainSettings& settings) {
  return std::make_unique<SortExamples>(settings.seed);
}

}  // namespace headlight
