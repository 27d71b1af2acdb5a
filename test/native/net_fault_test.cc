// What the system rarely does: calls that fail.

#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/net/connector.h"
#include "engine/net/socket_calls.h"
#include "harness.h"
#include "net_support.h"

using vws::ConnectError;
using vws::ConnectStage;
using vws::EventLoop;
using vws::Resolver;
using vws::SocketOptions;
using vws::os::SocketOption;
using namespace vws::test;

namespace {

// Fails the calls that the test says, with its errno; 0 lets a call through.
class FaultyCalls : public vws::SocketCalls {
 public:
  std::function<int(int)> on_socket = [](int) { return 0; };  // by family
  std::function<int(SocketOption)> on_option = [](SocketOption) { return 0; };
  std::function<int()> on_bind = [] { return 0; };
  std::function<int(const vws::Address&)> on_connect = [](const vws::Address&) { return 0; };
  int sockets = 0;

  int open(int family) override {
    ++sockets;
    return failed(on_socket(family)) ? -1 : SocketCalls::open(family);
  }
  int set_option(int fd, SocketOption option, int value) override {
    return failed(on_option(option)) ? -1 : SocketCalls::set_option(fd, option, value);
  }
  int bind(int fd, const sockaddr* address, socklen_t length) override {
    return failed(on_bind()) ? -1 : SocketCalls::bind(fd, address, length);
  }
  int connect(int fd, const sockaddr* address, socklen_t length) override {
    if (failed(on_connect(vws::Address(address, length)))) return -1;
    return SocketCalls::connect(fd, address, length);
  }

 private:
  static bool failed(int error) {
    errno = error;
    return error != 0;
  }
};

struct Setting {
  EventLoop loop;
  Resolver resolver{loop, table_lookup({{"two", {"::1", "127.0.0.1"}}})};
  Server server{loop};
  FaultyCalls calls;
  SocketOptions options;

  explicit Setting(const std::string& host = "127.0.0.1") {
    options.host = host;
    options.port = server.port();
    options.calls = &calls;
  }
  ConnectError error() { return attempt(loop, resolver, options).error(); }
};

}  // namespace

TEST("socket(): no descriptor is left") {
  const std::vector<std::pair<int, std::string>> cases = {
      {EMFILE, "EMFILE"}, {ENFILE, "ENFILE"}, {ENOBUFS, "ENOBUFS"}, {ENOMEM, "ENOMEM"}};
  for (const auto& [number, name] : cases) {
    Setting setting;
    setting.calls.on_socket = [number = number](int) { return number; };
    const ConnectError error = setting.error();
    CHECK_EQ(error.code, name);
    CHECK_EQ(error.reason, "insert wsi failed");
    CHECK(error.stage == ConnectStage::kSocket);
    CHECK(contains(error.detail, "socket " + error.code + " 127.0.0.1:"));
  }
}

TEST("socket(): an IP version that the system does not have") {
  Setting setting("two");
  setting.calls.on_socket = [](int family) { return family == AF_INET6 ? EAFNOSUPPORT : 0; };
  CHECK(attempt(setting.loop, setting.resolver, setting.options).connected());
  setting.calls.on_socket = [](int) { return EAFNOSUPPORT; };
  const ConnectError error = setting.error();
  CHECK_EQ(error.code, "EAFNOSUPPORT");
  CHECK_EQ(error.reason, "unknown address family");
  CHECK_EQ(error.attempts.size(), size_t{2});
}

TEST("setsockopt()") {
  const int before = open_descriptors();
  for (const auto failing :
       {SocketOption::kNoDelay, SocketOption::kKeepAlive, SocketOption::kKeepAliveDelay}) {
    Setting setting;
    setting.options.keep_alive = true;
    setting.options.keep_alive_delay = 5;
    setting.calls.on_option = [failing](SocketOption option) {
      return option == failing ? ENOPROTOOPT : 0;
    };
    const ConnectError error = setting.error();
    CHECK_EQ(error.reason, "set socket opts failed");
    CHECK_EQ(error.code, "ERR_SOCKET_OPTIONS");
    CHECK_EQ(error.errno_name, "ENOPROTOOPT");
    CHECK(contains(error.detail, "setsockopt ENOPROTOOPT 127.0.0.1:"));
  }
  CHECK_EQ(open_descriptors(), before);
}

TEST("setsockopt(): what is only an economy may fail") {
  Setting setting;
  setting.options.local_address = "127.0.0.1";
  setting.calls.on_option = [](SocketOption option) {
    return option == SocketOption::kLatePort ? EINVAL : 0;
  };
  CHECK(attempt(setting.loop, setting.resolver, setting.options).connected());
}

TEST("bind()") {
  Setting setting;
  setting.options.local_address = "127.0.0.1";
  setting.calls.on_bind = [] { return EADDRINUSE; };
  const ConnectError error = setting.error();
  CHECK_EQ(error.code, "EADDRINUSE");
  CHECK_EQ(error.reason, "unable to bind socket");
}

TEST("connect(): errors of the network, and the next address at once") {
  for (const int number : {EHOSTUNREACH, ENETUNREACH, EACCES, ETIMEDOUT, ECONNRESET}) {
    Setting setting("two");
    setting.calls.on_connect = [number](const vws::Address& address) {
      return address.ip_version() == 6 ? number : 0;
    };
    CHECK(attempt(setting.loop, setting.resolver, setting.options).connected());
    setting.calls.on_connect = [number](const vws::Address&) { return number; };
    const ConnectError error = setting.error();
    CHECK_EQ(error.reason, "connect failed");
    CHECK(!error.timed_out);
    CHECK(contains(error.detail, "connect " + error.code + " ::1:"));
    CHECK_EQ(error.errno_name, error.code);
  }
}

TEST("connect(): the error that says most is told") {
  Setting setting("two");
  setting.calls.on_connect = [](const vws::Address& address) {
    return address.ip_version() == 6 ? ENETUNREACH : ECONNREFUSED;
  };
  const ConnectError error = setting.error();
  CHECK_EQ(error.code, "ECONNREFUSED");
  CHECK_EQ(error.address, "127.0.0.1");
  CHECK(contains(error.detail, "connect ECONNREFUSED 127.0.0.1:"));
  CHECK(contains(error.detail, "; connect ENETUNREACH ::1:"));
}

TEST("connect(): EAGAIN is only a Unix listener's answer") {
  Setting setting;
  setting.calls.on_connect = [](const vws::Address&) { return EAGAIN; };
  CHECK_EQ(setting.error().code, "EAGAIN");
}

TEST("many addresses: all are kept, the text names the first few") {
  Setting setting("many");
  setting.options.addresses.assign(40, "");
  for (size_t i = 0; i < 40; ++i) {
    setting.options.addresses[i] = "127.0.1." + std::to_string(i + 1);
  }
  setting.calls.on_connect = [](const vws::Address&) { return ECONNREFUSED; };
  const ConnectError error = setting.error();
  CHECK_EQ(error.attempts.size(), size_t{40});
  CHECK(error.detail.size() < 600);
  CHECK_EQ(error.detail.substr(error.detail.size() - 5), "; ...");
}

TEST_MAIN
