#include "app/access_token.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "app/errors.h"
#include "app/request_guard.h"

namespace headlight::app {
namespace {

constexpr std::size_t kShortest = 8, kLongest = 128;

bool is_unreserved(char c) {  // RFC 3986, section 2.3
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

AccessToken::AccessToken(std::string text) : text_(std::move(text)) {
  const bool fits = text_.size() >= kShortest && text_.size() <= kLongest;
  if (!fits || !std::ranges::all_of(text_, is_unreserved))
    throw UsageError("lab", fmt::format("a token is {} to {} letters, digits and - . _ ~; --token "
                                        "auto makes one",
                                        kShortest, kLongest));
}

AccessToken AccessToken::random() {
  std::array<std::uint8_t, 16> bytes;
  check(::getentropy(bytes.data(), bytes.size()) == 0, "lab", "the system gives no randomness");
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return AccessToken(std::move(text));
}

bool AccessToken::is(std::string_view given) const {
  if (given.size() != text_.size()) return false;
  volatile unsigned char difference = 0;  // volatile: no shortcut at the first that differs
  for (std::size_t i = 0; i < given.size(); ++i)
    difference = difference | static_cast<unsigned char>(given[i] ^ text_[i]);
  return difference == 0;
}

bool AccessToken::is_borne_by(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  return lower_case(authorization.substr(0, kScheme.size())) == kScheme &&
         is(authorization.substr(kScheme.size()));
}

bool AccessToken::is_cookie(std::string_view header, std::string_view name) const {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    std::string_view pair = header.substr(0, end);
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=') &&
        is(pair.substr(name.size() + 1)))
      return true;
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  return false;
}

}  // namespace headlight::app
