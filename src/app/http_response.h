// An answer, and how it is written (RFC 9112).
#pragma once

#include <memory>
#include <string>

#include "app/event_log.h"
#include "app/http_request.h"
#include "app/lab_response.h"

namespace headlight::app {

struct HttpResponse {
  int status = 200;
  HttpFields headers;  ///< besides those that every answer has
  std::string type;    ///< empty: there is no body
  std::string body;
  std::shared_ptr<EventReader> events = {};  ///< the body is what these tell, until their end
};

HttpResponse http_response(LabResponse from);
/// The answer to a failure.
HttpResponse http_error(std::exception_ptr thrown);

/// The head of an answer with its empty line. `keep`: the connection stays open for another
/// request. A stream of events comes in chunks.
std::string head_of(const HttpResponse& response, bool keep);
/// A piece of a stream of events; the empty one is its end.
std::string chunk_of(std::string_view text);

}  // namespace headlight::app
