// Where a request ends, told from its bytes as they arrive, and what is refused before anything
// else looks at it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "app/errors.h"

namespace headlight::app {

constexpr std::size_t kMostBody = 1 << 20;
constexpr std::size_t kMostHead = 64 << 10;  ///< request line and headers
constexpr std::size_t kMostLine = 8000;      ///< the address, and each header
constexpr std::size_t kMostHeaders = 100;

struct Framing {
  bool whole = false;
  std::size_t size = 0;                 ///< bytes of the whole request; more may follow
  bool expects_continue = false;        ///< its sender may wait for a word before the body
  std::optional<RequestError> refusal;  ///< it is not read any further
};

/// Looks at what has arrived of a request (RFC 9112). Stricter than it must be: bodies come with a
/// Content-Length and as they are, and the methods are GET, HEAD, POST and DELETE. What is refused
/// has a status from 400, 405, 411, 413, 414, 415, 431, 505.
Framing frame_request(std::string_view bytes);

}  // namespace headlight::app
