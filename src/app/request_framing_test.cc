#include "app/request_framing.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace headlight::app {
namespace {

constexpr std::string_view kGet = "GET /a?b=%20 HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kPost =
    "POST / HTTP/1.1\r\nHost: x\r\ncontent-length: \t5 \r\n\r\nhello";

/// 0: not whole yet, 200: whole, else the status of the refusal.
int verdict(std::string_view bytes) {
  const Framing framing = frame_request(bytes);
  return framing.refusal ? framing.refusal->status() : framing.whole ? 200 : 0;
}

std::string with_header(const std::string& line) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + line + "\r\n\r\n";
}

TEST(RequestFraming, EveryPrefixWaitsForTheRest) {
  for (const std::string_view whole : {kGet, kPost}) {
    for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_EQ(verdict(whole.substr(0, n)), 0) << n;
    EXPECT_EQ(verdict(whole), 200);
    EXPECT_EQ(verdict(std::string(whole) + "more"), 200);
  }
}

TEST(RequestFraming, RequestLines) {
  for (const char* line :
       {"", " ", "garbage", "GET", "GET /", "GET  HTTP/1.1", "/ GET HTTP/1.1", "GET x HTTP/1.1",
        "GET http://x/ HTTP/1.1", "G(T / HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1", "GET /\t HTTP/1.1"})
    EXPECT_EQ(verdict(std::string(line) + "\r\nHost: x\r\n\r\n"), 400) << line;
  for (const char* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "HTTP/", "HTTP/1.1x",
                              "http/1.1", "HTTP/1.1\n", "b HTTP/1.1"})
    EXPECT_EQ(verdict("GET / " + std::string(version) + "\r\n\r\n"), 505) << version;
  for (const char* method : {"PUT", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW", "get"})
    EXPECT_EQ(verdict(std::string(method) + " / HTTP/1.1\r\n\r\n"), 405) << method;
  EXPECT_EQ(verdict("HEAD / HTTP/1.0\r\n\r\n"), 200);
}

TEST(RequestFraming, Headers) {
  for (const std::string& line : std::vector<std::string>{
           "no colon", ": no name", "Na me: x", "Name : x", "Name: a\rb", "Name: a\nb",
           std::string("Name: a\0b", 9), "Content-Length: -5", "Content-Length: 5x",
           "Content-Length: 0x5", "Content-Length:", "Content-Length: 5, 6",
           "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 99999999999999999999999",
           "Content-Length: 5\r\nTransfer-Encoding: chunked"})
    EXPECT_EQ(verdict(with_header(line)), 400) << line;
  EXPECT_EQ(verdict(with_header("Content-Length: 1048576")), 0);
  EXPECT_EQ(verdict(with_header("Content-Length: 1048577")), 413);
  EXPECT_EQ(verdict(with_header("Transfer-Encoding: chunked")), 411);
  EXPECT_EQ(verdict(with_header("Content-Encoding: gzip")), 415);
  EXPECT_EQ(verdict(with_header("Content-Encoding: Identity")), 200);
  EXPECT_EQ(verdict(with_header("X: \xff\xfe")), 200) << "values may hold any other byte";
}

TEST(RequestFraming, WhatIsTooLongIsRefusedWithoutItsEnd) {
  EXPECT_EQ(verdict("GET /" + std::string(kMostHead, 'a')), 431);
  EXPECT_EQ(verdict("GET /" + std::string(kMostLine, 'a') + " HTTP/1.1\r\n\r\n"), 414);
  EXPECT_EQ(verdict(with_header("X: " + std::string(kMostLine, 'a'))), 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < kMostHeaders; ++i) many += "X: y\r\n";
  EXPECT_EQ(verdict(many + "\r\n"), 200);
  EXPECT_EQ(verdict(many + "X: y\r\n\r\n"), 431);
  while (many.size() <= kMostHead) many += "X: y\r\n";
  EXPECT_EQ(verdict(many), 431);
  EXPECT_EQ(verdict(many + "\r\n"), 431);
  EXPECT_EQ(verdict("garbage\r\nand no end"), 400);
  EXPECT_EQ(verdict("GET / HTTP/1.1\r\nHost: x\nX: y"), 400);
}

TEST(RequestFraming, SomeWaitToBeTold) {
  const std::string head = with_header("Content-Length: 5\r\nExpect: 100-Continue");
  EXPECT_TRUE(frame_request(head).expects_continue);
  EXPECT_FALSE(frame_request(kPost.substr(0, kPost.size() - 1)).expects_continue);
}

}  // namespace
}  // namespace headlight::app
