// A request that has arrived whole, taken apart.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headlight::app {

constexpr unsigned kHttp11 = 11;  ///< the version that is spoken here, ten times 1.1

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string path;       ///< decoded, without the query
  std::string query;      ///< what follows the question mark, as it came
  HttpFields parameters;  ///< of the query, decoded, in their order
  HttpFields headers;     ///< names in lower case, in their order
  std::string body;
  bool keeps_connection = false;  ///< its sender may go on with another one

  /// How many headers there are of this name, which is in lower case.
  std::size_t count(std::string_view name) const;
  /// The first of them, or "".
  std::string_view header(std::string_view name) const;
};

/// Takes apart what frame_request() found whole. Throws RequestError (400) for a % in the address
/// that does not begin the hexadecimal code of a byte.
HttpRequest read_request(std::string_view bytes);

/// The pairs of a query, decoded: a=1&b=x+y. Throws as read_request() does.
HttpFields read_query(std::string_view query);

}  // namespace headlight::app
