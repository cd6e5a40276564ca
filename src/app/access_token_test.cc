#include "app/access_token.h"

#include <gtest/gtest.h>

#include "app/errors.h"

namespace headlight::app {
namespace {

TEST(AccessToken, IsItselfAndNothingElse) {
  const AccessToken token("open-sesame");
  EXPECT_TRUE(token.is("open-sesame"));
  for (const char* other : {"", "open-sesam", "open-sesame1", "Open-sesame", "open-sesamf"})
    EXPECT_FALSE(token.is(other)) << other;
}

TEST(AccessToken, IsBorneByItsScheme) {
  const AccessToken token("open-sesame");
  EXPECT_TRUE(token.is_borne_by("Bearer open-sesame"));
  EXPECT_TRUE(token.is_borne_by("bearer open-sesame")) << "schemes have no case (RFC 9110, 11.1)";
  for (const char* other : {"", "Bearer", "Bearer ", "open-sesame", "Basic open-sesame",
                            "Bearer open-sesame ", "Bearer  open-sesame"})
    EXPECT_FALSE(token.is_borne_by(other)) << other;
}

TEST(AccessToken, IsFoundAmongCookies) {
  const AccessToken token("open-sesame");
  for (const char* header : {"h=open-sesame", "a=b; h=open-sesame", "h=old; h=open-sesame; c=d"})
    EXPECT_TRUE(token.is_cookie(header, "h")) << header;
  for (const char* header : {"", ";", "h", "h=", "hh=open-sesame", "h=open-sesame1",
                             "a=h=open-sesame", "open-sesame", "h =open-sesame", ";;; ; "})
    EXPECT_FALSE(token.is_cookie(header, "h")) << header;
}

TEST(AccessToken, MustFitIntoAddressesAndCookies) {
  EXPECT_EQ(AccessToken("Az09-._~").text(), "Az09-._~");
  for (const std::string& bad :
       std::vector<std::string>{"", "1234567", "with space", "semi;colon", "per%20cent",
                                "gr\xc3\xbc\xc3\x9f-dich", "new\nline1", std::string(129, 'a')})
    EXPECT_THROW(AccessToken{bad}, UsageError) << bad;
}

TEST(AccessToken, RandomOnesDiffer) {
  const AccessToken one = AccessToken::random(), two = AccessToken::random();
  EXPECT_EQ(one.text().size(), 32u);
  EXPECT_NE(one.text(), two.text());
}

}  // namespace
}  // namespace headlight::app
