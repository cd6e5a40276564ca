#include <cstdlib>

#include "io/json.h"
#include "targets.h"

namespace headlight::fuzz {

/// What is accepted must print and parse to the same value, and be what the library's own parser
/// makes of it.
void fuzz_json(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Json value = parse_json(text, "fuzz.json");
  if (value != Json::parse(text)) std::abort();
  if (parse_json(value.dump(), "again") != value) std::abort();
  const JsonObject object(value, "fuzz.json");
  for (const auto& [key, unused] : value.items()) object.number_or(key, 0.0);
}

}  // namespace headlight::fuzz
