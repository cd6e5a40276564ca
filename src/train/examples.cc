#include "train/examples.h"

#include <algorithm>

#include "core/error.h"
#include "train/example_sources.h"

namespace headlight {

bool fills_in(const TrainSettings& settings) {
  return JsonObject(settings.model, "the settings' model").string("model_type") ==
         name_of(Family::bert);
}

std::int64_t special_id(TokenizerUse use, std::string_view name) {
  const auto tokens = special_tokens(use);
  const auto found = std::ranges::find(tokens, name);
  check(found != tokens.end(), "train", "there is no special token {}", name);
  return found - tokens.begin();
}

std::unique_ptr<ExampleSource> make_examples(const TrainSettings& settings,
                                             const std::vector<std::filesystem::path>& files) {
  const std::string_view kind = name_of(settings.data.kind);
  if (settings.data.kind != DataKind::text)
    check(files.empty(), "train", "data of kind {} is generated; text files are for kind text",
          kind);
  switch (settings.data.kind) {
    case DataKind::sort:
      check(!fills_in(settings), "train", "data of kind {} are for a gpt2 or llama model", kind);
      return sort_examples(settings);
    case DataKind::text:
      return text_examples(settings, files);
    case DataKind::micro_world:
      check(fills_in(settings), "train", "data of kind {} are for a bert model", kind);
      return micro_world_examples(settings);
  }
  fail("train", "data of kind {} is not known", kind);
}

}  // namespace headlight
