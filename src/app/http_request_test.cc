#include "app/http_request.h"

#include <gtest/gtest.h>

#include "app/errors.h"
#include "app/http_response.h"

namespace headlight::app {
namespace {

std::string get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

TEST(HttpRequest, IsTakenApart) {
  const HttpRequest request = read_request(
      "POST /a%20b/c+d?x=1&y=%e7%8c%ab+z&&x=&bare HTTP/1.1\r\nHost: here \r\nX-Empty:\r\n"
      "x-two: \t a: b\t\r\nX-Two: c\r\nContent-Length: 12\r\n\r\nbody\r\n\r\nmore");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a b/c+d") << "a plus is a space in queries alone";
  EXPECT_EQ(request.query, "x=1&y=%e7%8c%ab+z&&x=&bare");
  const HttpFields parameters = {{"x", "1"}, {"y", "猫 z"}, {"x", ""}, {"bare", ""}};
  EXPECT_EQ(request.parameters, parameters);
  EXPECT_EQ(request.header("host"), "here");
  EXPECT_EQ(request.header("x-empty"), "");
  EXPECT_EQ(request.header("x-two"), "a: b");
  EXPECT_EQ(request.count("x-two"), 2u);
  EXPECT_EQ(request.count("cookie"), 0u);
  EXPECT_EQ(request.header("cookie"), "");
  EXPECT_EQ(request.body, "body\r\n\r\nmore");
  EXPECT_TRUE(request.keeps_connection);
}

TEST(HttpRequest, SaysWhetherAnotherFollows) {
  EXPECT_TRUE(read_request(get("/", "Connection: keep-alive\r\n")).keeps_connection);
  EXPECT_FALSE(read_request(get("/", "Connection: Close\r\n")).keeps_connection);
  EXPECT_FALSE(read_request(get("/", "Connection: te, close\r\n")).keeps_connection);
  EXPECT_FALSE(read_request("GET / HTTP/1.0\r\n\r\n").keeps_connection);
}

TEST(HttpRequest, BrokenCodesAreRefused) {
  for (const char* target : {"/%", "/%4", "/%4g", "/%g4", "/%+1", "/% 1", "/?a=%", "/?%zz=1"})
    EXPECT_THROW(read_request(get(target)), RequestError) << target;
  EXPECT_EQ(read_request(get("/%2e%2E/%00")).path, std::string("/../\0", 5));
}

TEST(HttpResponse, HasAHeadThatEnds) {
  HttpResponse response;
  response.type = "text/plain";
  response.body = "four";
  response.headers = {{"ETag", "\"1\""}};
  const std::string kept = head_of(response, true), last = head_of(response, false);
  EXPECT_TRUE(kept.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(kept.ends_with("\r\n\r\n"));
  EXPECT_NE(kept.find("\r\nETag: \"1\"\r\n"), kept.npos);
  EXPECT_NE(kept.find("\r\nContent-Length: 4\r\n"), kept.npos);
  EXPECT_EQ(kept.find("Connection:"), kept.npos);
  EXPECT_NE(last.find("\r\nConnection: close\r\n"), last.npos);
  EXPECT_EQ(chunk_of("0123456789abcdef"), "10\r\n0123456789abcdef\r\n");
  EXPECT_EQ(chunk_of(""), "0\r\n\r\n");
}

}  // namespace
}  // namespace headlight::app
