// Who is let in: requests to this server's own names, from its own pages, with the token where it
// asks for one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/access_token.h"
#include "app/http_request.h"
#include "app/http_response.h"
#include "app/request_guard.h"

namespace headlight::app {

class Admission {
 public:
  /// `cookie`: the name that the token's cookie has; it tells servers on several ports apart.
  Admission(RequestGuard guard, std::optional<AccessToken> token, std::string cookie);

  /// The answer to the page's address with the token in it: it leaves the token as a cookie and
  /// goes on to the address without it. Nothing for any other request, which is let in. Throws
  /// RequestError: 403 for a foreign name or page, 401 without the token or with another.
  std::optional<HttpResponse> check(const HttpRequest& request) const;

 private:
  void check_origin(const HttpRequest& request) const;
  void check_token(const HttpRequest& request) const;
  HttpResponse log_in(const HttpRequest& request) const;

  RequestGuard guard_;
  std::optional<AccessToken> token_;
  std::string cookie_;
};

}  // namespace headlight::app
