#include "io/json.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "json";
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kSourceLimit = 400;

/// Builds a Json value from parser events, because the library's own builder keeps the last of two
/// equal keys and follows any depth.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::string_view source) : source_(printable(source, kSourceLimit)) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // no such event in text
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [place, fresh] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    check(fresh, kOp, "{}: duplicate key \"{}\"", source_, printable(name));
    slot_ = &place->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without its tag.
    const std::string_view what = e.what();
    const std::size_t tag = what.find("] ");
    fail(kOp, "{}: {}", source_,
         printable(tag == std::string_view::npos ? what : what.substr(tag + 2), 240));
  }

 private:
  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json container) {
    check(open_.size() < kMaxDepth, kOp, "{}: nested deeper than {} levels", source_, kMaxDepth);
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  /// Puts a value where the events say it belongs; the address stays good while it is open, since
  /// its parent grows only after it is closed.
  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& items = open_.back()->get_ref<Json::array_t&>();
      items.push_back(std::move(value));
      return &items.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  std::string source_;
  Json root_;
  std::vector<Json*> open_;  // containers begun and not ended, outermost first
  Json* slot_ = nullptr;     // where the value of the last key goes
};

}  // namespace

Json parse_json(std::string_view text, std::string_view source) {
  Builder builder(source);
  const bool whole = Json::sax_parse(text.begin(), text.end(), &builder);
  check(whole, kOp, "{}: not JSON", printable(source, kSourceLimit));
  return builder.take();
}

Json read_json_file(const std::filesystem::path& path, std::size_t limit) {
  return parse_json(read_text_file(path, limit), path.string());
}

Json read_json_file(const Folder& folder, std::string_view name, std::size_t limit) {
  return parse_json(folder.text(name, limit), (folder.path() / name).string());
}

std::string describe(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

JsonObject::JsonObject(const Json& value, std::string source)
    : value_(&value), source_(printable(source, kSourceLimit)) {
  check(value.is_object(), kOp, "{}: must be an object, got {}", source_, describe(value));
}

void JsonObject::refuse(std::string_view key, std::string_view wanted, const Json& got) const {
  fail(kOp, "{}: \"{}\" must be {}, got {}", source_, printable(key), wanted, describe(got));
}

bool JsonObject::has(std::string_view key) const {
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

const Json& JsonObject::at(std::string_view key) const {
  const auto found = value_->find(key);
  check(found != value_->end(), kOp, "{}: \"{}\" is missing", source_, printable(key));
  return *found;
}

std::int64_t JsonObject::integer(std::string_view key, std::int64_t least,
                                 std::int64_t most) const {
  const Json& value = at(key);
  const bool too_large = value.is_number_unsigned() &&
                         value.get<std::uint64_t>() >
                             static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits = value.is_number_integer() && !too_large && value.get<std::int64_t>() >= least &&
                    value.get<std::int64_t>() <= most;
  if (!fits) refuse(key, fmt::format("an integer from {} to {}", least, most), value);
  return value.get<std::int64_t>();
}

double JsonObject::number(std::string_view key) const {
  const Json& value = at(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) refuse(key, "a number", value);
  return value.get<double>();
}

bool JsonObject::boolean(std::string_view key) const {
  const Json& value = at(key);
  if (!value.is_boolean()) refuse(key, "true or false", value);
  return value.get<bool>();
}

std::string JsonObject::string(std::string_view key) const {
  const Json& value = at(key);
  if (!value.is_string()) refuse(key, "a string", value);
  return value.get<std::string>();
}

std::int64_t JsonObject::integer_or(std::string_view key, std::int64_t fallback, std::int64_t least,
                                    std::int64_t most) const {
  return has(key) ? integer(key, least, most) : fallback;
}

double JsonObject::number_or(std::string_view key, double fallback) const {
  return has(key) ? number(key) : fallback;
}

bool JsonObject::boolean_or(std::string_view key, bool fallback) const {
  return has(key) ? boolean(key) : fallback;
}

std::string JsonObject::string_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? string(key) : std::string(fallback);
}

}  // namespace headlight
