// Every failure of the program, described once: one line, an exit code, an HTTP status.
#pragma once

#include <exception>
#include <string>

#include "core/error.h"

namespace headlight::app {

/// The command line was used wrongly: exit code 2.
class UsageError : public Error {
  using Error::Error;
};

/// A request that cannot be answered as it stands: exit code 1, or the HTTP status given.
class RequestError : public Error {
 public:
  RequestError(int status, std::string_view op, std::string_view message)
      : Error(op, message), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

/// Throws RequestError with status 400 unless `ok`.
template <class... Args>
void check_request(bool ok, std::string_view op, fmt::format_string<Args...> format,
                   Args&&... args) {
  if (!ok) throw RequestError(400, op, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws what `error` says as a RequestError with status 400.
[[noreturn]] void refuse_request(const Error& error);

/// Calls read(): what fails in it is the request's fault.
template <class Read>
auto as_request(const Read& read) {
  try {
    return read();
  } catch (const RequestError&) {
    throw;
  } catch (const Error& error) {
    refuse_request(error);
  }
}

struct Failure {
  std::string op;       ///< "attention", "model", "out of memory" ...
  std::string message;  ///< one line, "[op] what; hint"
  int exit_code;        ///< 1, or 2 for wrong usage
  int http_status;      ///< 400, 403, 404, 413, 429 or 500
};

/// What a thrown object means; the one place that says so.
Failure describe(std::exception_ptr thrown);

}  // namespace headlight::app
