#include "train/batch.h"

#include <algorithm>

#include "core/error.h"

namespace headlight {
namespace {

void check_example(const Example& example, std::int64_t max_len, std::int64_t vocab_size) {
  const std::int64_t length = std::ssize(example.ids);
  check(1 <= length && length <= max_len, "train", "a sequence of {} tokens is not in [1, {}]",
        length, max_len);
  check(example.targets.size() == example.ids.size(), "train", "{} targets for {} tokens",
        example.targets.size(), example.ids.size());
  for (const std::int64_t id : example.ids)
    check(0 <= id && id < vocab_size, "train", "token id {} is not in [0, {})", id, vocab_size);
  for (const std::int64_t id : example.targets)
    check(kIgnoredTarget <= id && id < vocab_size, "train", "target {} is not in [0, {})", id,
          vocab_size);
}

void append(const Example& example, Batch& batch) {
  for (std::size_t t = 0; t < example.ids.size(); ++t) {
    if (example.targets[t] != kIgnoredTarget) {
      batch.target_rows.push_back(batch.rows());
      batch.targets.push_back(example.targets[t]);
    }
    batch.ids.push_back(example.ids[t]);
    batch.positions.push_back(static_cast<std::int64_t>(t));
  }
}

}  // namespace

Batch pack(std::span<const Example> examples, std::int64_t max_len, std::int64_t vocab_size) {
  std::vector<const Example*> order;
  for (const Example& example : examples) {
    check_example(example, max_len, vocab_size);
    order.push_back(&example);
  }
  std::ranges::stable_sort(order, {}, [](const Example* e) { return e->ids.size(); });
  Batch batch;
  for (const Example* example : order) {
    const std::int64_t length = std::ssize(example->ids);
    if (batch.groups.empty() || batch.groups.back().length != length)
      batch.groups.push_back({batch.rows(), 0, length});
    ++batch.groups.back().count;
    append(*example, batch);
  }
  return batch;
}

}  // namespace headlight
