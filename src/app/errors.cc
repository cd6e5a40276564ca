#include "app/errors.h"

#include <filesystem>
#include <ios>
#include <new>
#include <nlohmann/json.hpp>

namespace headlight::app {
namespace {

constexpr std::size_t kLongestMessage = 2000;  // a message is one line, not a dump

Failure failure(std::string_view op, std::string_view message) {
  return {std::string(op), fmt::format("[{}] {}", op, printable(message, kLongestMessage)), 1, 500};
}

}  // namespace

void refuse_request(const Error& error) {
  std::string_view message = error.what();
  const std::string op = fmt::format("[{}] ", error.op());
  if (message.starts_with(op)) message.remove_prefix(op.size());
  throw RequestError(400, error.op(), message);
}

Failure describe(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const UsageError& e) {
    return {e.op(), printable(e.what(), kLongestMessage), 2, 400};
  } catch (const RequestError& e) {
    return {e.op(), printable(e.what(), kLongestMessage), 1, e.status()};
  } catch (const Error& e) {
    return {e.op(), printable(e.what(), kLongestMessage), 1, 500};
  } catch (const std::bad_alloc&) {
    return failure("memory", "not enough memory; try a shorter text or a smaller model");
  } catch (const std::filesystem::filesystem_error& e) {
    return failure("file", fmt::format("{}: {}", e.path1().string(), e.code().message()));
  } catch (const nlohmann::json::exception& e) {
    return failure("json", e.what());
  } catch (const std::system_error& e) {
    return failure("system", e.code().message());
  } catch (const std::exception& e) {
    return failure("internal", e.what());
  } catch (...) {
    return failure("internal", "an unknown failure");
  }
}

}  // namespace headlight::app
