// Reads the post_processor of a tokenizer.json.
#include <algorithm>

#include "model/tokenizer/json_component_table.h"
#include "model/tokenizer/json_components.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr int kMostTypes = 1 << 16;

/// What one step says; it leaves the rest as earlier steps set it.
struct Step {
  std::optional<Template> single;
  std::optional<Template> pair;
  std::optional<bool> trim_offsets;
  bool add_prefix_space = true;
};

std::int64_t checked_id(const Json& value, const Vocabulary& vocabulary,
                        const std::string& source) {
  check(value.is_number_integer(), kOp, "{}: the id of a special token must be an integer, got {}",
        source, describe(value));
  const auto id = value.get<std::int64_t>();
  check(id >= 0 && id < vocabulary.size(), kOp,
        "{}: a special token has id {}, outside the vocabulary of {}", source, id,
        vocabulary.size());
  return id;
}

/// The ids that stand for one special token of a template.
std::vector<std::int64_t> special_ids(const JsonObject& settings, const std::string& name,
                                      const Vocabulary& vocabulary) {
  const JsonObject tokens(settings.at("special_tokens"), settings.source() + ": special_tokens");
  const JsonObject token(tokens.at(name), tokens.source());
  const Json& ids = token.at("ids");
  check(ids.is_array(), kOp, "{}: \"ids\" of \"{}\" must be an array, got {}", tokens.source(),
        printable(name), describe(ids));
  std::vector<std::int64_t> out;
  for (const Json& id : ids) out.push_back(checked_id(id, vocabulary, tokens.source()));
  return out;
}

void add_item(const JsonObject& settings, const Json& value, const Vocabulary& vocabulary,
              Template& items) {
  using Kind = TemplateItem::Kind;
  const JsonObject item(value, settings.source() + ": template");
  const bool is_text = item.has("Sequence");
  const JsonObject inner(item.at(is_text ? "Sequence" : "SpecialToken"), item.source());
  const auto type = static_cast<int>(inner.integer_or("type_id", 0, 0, kMostTypes));
  const std::string id = inner.string("id");
  if (!is_text) {
    for (const std::int64_t special : special_ids(settings, id, vocabulary))
      items.push_back({Kind::special, type, special});
    return;
  }
  check(id == "A" || id == "B", kOp, "{}: a template has texts \"A\" and \"B\", not \"{}\"",
        item.source(), printable(id));
  items.push_back({id == "A" ? Kind::first : Kind::second, type, 0});
}

Template read_template(const JsonObject& settings, std::string_view key,
                       const Vocabulary& vocabulary) {
  const Json& list = settings.at(key);
  check(list.is_array(), kOp, "{}: \"{}\" must be an array, got {}", settings.source(), key,
        describe(list));
  Template items;
  for (const Json& value : list) add_item(settings, value, vocabulary, items);
  return items;
}

bool uses(const Template& items, TemplateItem::Kind kind) {
  return std::any_of(items.begin(), items.end(),
                     [kind](const TemplateItem& item) { return item.kind == kind; });
}

Step read_template_step(const JsonObject& settings, const Vocabulary& vocabulary) {
  using Kind = TemplateItem::Kind;
  Step step;
  step.single = read_template(settings, "single", vocabulary);
  check(uses(*step.single, Kind::first) && !uses(*step.single, Kind::second), kOp,
        "{}: \"single\" must use the text \"A\" and no other", settings.source());
  if (!settings.has("pair")) return step;
  step.pair = read_template(settings, "pair", vocabulary);
  check(uses(*step.pair, Kind::first) && uses(*step.pair, Kind::second), kOp,
        "{}: \"pair\" must use the texts \"A\" and \"B\"", settings.source());
  return step;
}

/// ["[SEP]", 102]
std::int64_t named_id(const JsonObject& settings, std::string_view key,
                      const Vocabulary& vocabulary) {
  const Json& value = settings.at(key);
  check(value.is_array() && value.size() == 2, kOp, "{}: \"{}\" must be [token, id], got {}",
        settings.source(), key, describe(value));
  return checked_id(value[1], vocabulary, settings.source());
}

Step cls_sep_step(const JsonObject& settings, const Vocabulary& vocabulary, bool roberta) {
  const PostProcessor whole =
      cls_sep_template(named_id(settings, "cls", vocabulary), named_id(settings, "sep", vocabulary),
                       roberta ? 0 : 1, roberta ? 2 : 1);
  Step step;
  step.single = whole.single;
  step.pair = whole.pair;
  if (!roberta) return step;
  step.trim_offsets = settings.boolean_or("trim_offsets", true);
  step.add_prefix_space = settings.boolean_or("add_prefix_space", true);
  return step;
}

void apply(const Step& step, PostProcessor& out) {
  if (step.single) {
    out.single = *step.single;
    out.pair = step.pair;
  }
  if (step.trim_offsets) {
    out.trim_offsets = *step.trim_offsets;
    out.add_prefix_space = step.add_prefix_space;
  }
}

void read_into(const Json& value, const Vocabulary& vocabulary, const std::string& source,
               PostProcessor& out) {
  const JsonObject settings(value, source + ": post_processor");
  const std::string type = settings.string("type");
  if (type == "Sequence") {
    read_steps(settings, "processors", [&](const Json& step, const std::string& where) {
      read_into(step, vocabulary, where, out);
      return true;
    });
  } else if (type == "TemplateProcessing") {
    apply(read_template_step(settings, vocabulary), out);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    apply(cls_sep_step(settings, vocabulary, type == "RobertaProcessing"), out);
  } else if (type == "ByteLevel") {
    Step step;
    step.trim_offsets = settings.boolean_or("trim_offsets", true);
    step.add_prefix_space = settings.boolean_or("add_prefix_space", true);
    apply(step, out);
  } else {
    fail(kOp,
         "{}: the post_processor \"{}\" is not supported; supported: Sequence, TemplateProcessing, "
         "BertProcessing, RobertaProcessing, ByteLevel",
         source, printable(type));
  }
}

}  // namespace

PostProcessor read_post_processor(const Json& value, const Vocabulary& vocabulary,
                                  const std::string& source) {
  PostProcessor out;
  read_into(value, vocabulary, source, out);
  return out;
}

}  // namespace headlight
