#include "app/request_guard.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace headlight::app {
namespace {

TEST(RequestGuard, AnswersToItsOwnNamesAtItsPort) {
  const RequestGuard guard("192.168.1.5", 8642, {"lab.local"});
  for (const char* host : {"localhost:8642", "LocalHost:8642", "127.0.0.1:8642", "[::1]:8642",
                           "192.168.1.5:8642", "lab.local:8642"})
    EXPECT_TRUE(guard.host_is_ours(host)) << host;
  for (const char* host : {"", "localhost", "localhost:80", "localhost:8642.evil", "evil:8642",
                           "localhost:8642:8642", "::1:8642", "127.0.0.1:08642", "lab.local"})
    EXPECT_FALSE(guard.host_is_ours(host)) << host;
}

TEST(RequestGuard, PortEightyNeedNotBeSaid) {
  const RequestGuard guard("127.0.0.1", 80, {});
  EXPECT_TRUE(guard.host_is_ours("localhost"));
  EXPECT_TRUE(guard.host_is_ours("[::1]"));
  EXPECT_TRUE(guard.origin_is_ours("http://localhost"));
}

TEST(RequestGuard, OriginsAreItsOwnPages) {
  const RequestGuard guard("127.0.0.1", 8642, {});
  EXPECT_TRUE(guard.origin_is_ours("http://127.0.0.1:8642"));
  for (const char* origin : {"null", "", "http://evil", "https://127.0.0.1:8642",
                             "http://127.0.0.1:8642.evil", "http://127.0.0.1"})
    EXPECT_FALSE(guard.origin_is_ours(origin)) << origin;
}

TEST(RequestGuard, ThisMachineHasAddressesAndAName) {
  const std::vector<std::string> addresses = machine_addresses();
  ASSERT_FALSE(addresses.empty());
  for (const std::string& address : addresses) {
    EXPECT_FALSE(address.empty());
    EXPECT_NE(address, "0.0.0.0");
    EXPECT_FALSE(address.starts_with("fe80")) << "needs its interface to be reached";
  }
  EXPECT_FALSE(machine_name().empty());
}

TEST(RequestGuard, KnowsASocketThatListensEverywhere) {
  for (const in_addr_t address : {INADDR_ANY, INADDR_LOOPBACK}) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(address);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(listens_everywhere(socket), address == INADDR_ANY);
    ::close(socket);
  }
  EXPECT_FALSE(listens_everywhere(-1));
}

TEST(RequestGuard, Loopback) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("127.evil.example"));
  EXPECT_EQ(url_host("::1"), "[::1]");
}

}  // namespace
}  // namespace headlight::app
