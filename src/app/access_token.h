// What a request has to show where the lab can be reached from other machines.
#pragma once

#include <string>
#include <string_view>

namespace headlight::app {

class AccessToken {
 public:
  /// Throws UsageError unless `text` is 8 to 128 letters, digits and - . _ ~, which addresses and
  /// cookies hold as they are.
  explicit AccessToken(std::string text);
  /// 128 bits of the system's randomness.
  static AccessToken random();

  const std::string& text() const { return text_; }
  /// Whether `given` is the token. The time that it takes tells its length, nothing more.
  bool is(std::string_view given) const;
  /// Whether an `Authorization` header bears the token (RFC 6750).
  bool is_borne_by(std::string_view authorization) const;
  /// Whether a `Cookie` header holds the token under this name (RFC 6265).
  bool is_cookie(std::string_view header, std::string_view name) const;

 private:
  std::string text_;
};

}  // namespace headlight::app
