#include "engine/net/connector.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harness.h"
#include "net_support.h"

using vws::Address;
using vws::ConnectedSocket;
using vws::ConnectError;
using vws::ConnectStage;
using vws::EventLoop;
using vws::Milliseconds;
using vws::Resolver;
using vws::SocketOptions;
using vws::UniqueFd;
using namespace vws::test;

namespace {

SocketOptions to(const std::string& host, uint16_t port) {
  SocketOptions options;
  options.host = host;
  options.port = port;
  return options;
}

// A port of 127.0.0.1 that refuses connections as long as this lives.
struct RefusingPort {
  UniqueFd fd = bind_socket("127.0.0.1", 0, -1);
  uint16_t port = Address::local_of(fd.get()).port();
};

}  // namespace

TEST("IPv4: the socket is ready to use, and its ends are told") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop);
  Attempted made = attempt(loop, resolver, to("127.0.0.1", server.port()));
  if (!CHECK(made.connected())) return;
  ConnectedSocket& socket = made.socket();
  CHECK_EQ(socket.peer.text_with_port(), "127.0.0.1:" + std::to_string(server.port()));
  CHECK_EQ(socket.local.text(), "127.0.0.1");
  CHECK(socket.local.port() != 0);
  const int fd = socket.fd.get();
  CHECK(is_private(fd));
  CHECK(has_no_delay(fd));
  CHECK(!has_keep_alive(fd));
  // It carries data, both ways, and the loop does not watch it any more.
  CHECK(run_until(loop, [&server] { return server.accepted() == 1; }));
  server.on_input = [](Server::Connection& peer) { Server::say(peer, "answer"); };
  CHECK_EQ(vws::os::send(fd, "x", 1), 1);
  char buffer[16];
  ssize_t count = -1;
  CHECK(run_until(loop, [&] { return (count = vws::os::receive(fd, buffer, sizeof buffer)) > 0; }));
  CHECK_EQ(std::string(buffer, static_cast<size_t>(count)), "answer");
}

TEST("IPv6") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop, "::1");
  if (!CHECK(server.ok())) return;
  Attempted made = attempt(loop, resolver, to("::1", server.port()));
  if (CHECK(made.connected())) CHECK_EQ(made.socket().peer.text(), "::1");
}

TEST("keep-alive") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop);
  SocketOptions options = to("127.0.0.1", server.port());
  options.keep_alive = true;
  options.keep_alive_delay = 77;
  Attempted made = attempt(loop, resolver, options);
  if (!CHECK(made.connected())) return;
  CHECK(has_keep_alive(made.socket().fd.get()));
  CHECK_EQ(keep_alive_delay(made.socket().fd.get()), 77);
}

TEST("localhost, by the system's own lookup") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop);
  CHECK(attempt(loop, resolver, to("localhost", server.port())).connected());
}

TEST("a refused port") {
  EventLoop loop;
  Resolver resolver(loop);
  const RefusingPort refusing;
  const ConnectError error = attempt(loop, resolver, to("127.0.0.1", refusing.port)).error();
  CHECK_EQ(error.code, "ECONNREFUSED");
  CHECK_EQ(error.errno_name, "ECONNREFUSED");
  CHECK_EQ(error.reason, "connect failed");
  CHECK_EQ(error.detail, "connect ECONNREFUSED 127.0.0.1:" + std::to_string(refusing.port));
  CHECK_EQ(error.address, "127.0.0.1");
  CHECK_EQ(error.port, refusing.port);
  CHECK(error.stage == ConnectStage::kConnect);
  CHECK(!error.timed_out);
  CHECK_EQ(error.attempts.size(), size_t{1});
}

TEST("an unknown host") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  ConnectError error = attempt(loop, resolver, to("nosuch.invalid", 80)).error();
  CHECK_EQ(error.code, "ENOTFOUND");
  CHECK_EQ(error.reason, "getaddrinfo (ipv4) failed");
  CHECK(contains(error.detail, "getaddrinfo ENOTFOUND nosuch.invalid"));
  CHECK_EQ(error.address, "nosuch.invalid");
  CHECK_EQ(error.port, 80);
  CHECK(error.stage == ConnectStage::kResolve);
  SocketOptions options = to("nosuch.invalid", 80);
  options.family = 6;
  CHECK_EQ(attempt(loop, resolver, options).error().reason, "getaddrinfo (ipv6) failed");
}

TEST("the family asked for decides which addresses are tried") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"both", {"::1", "127.0.0.1"}}, {"four", {"127.0.0.1"}}}));
  Server v4(loop, "127.0.0.1");
  Server v6(loop, "::1", v4.port());
  if (!CHECK(v6.ok())) return;
  SocketOptions options = to("both", v4.port());
  CHECK_EQ(attempt(loop, resolver, options).socket().peer.text(), "::1");
  options.family = 4;
  CHECK_EQ(attempt(loop, resolver, options).socket().peer.text(), "127.0.0.1");
  options.host = "four";
  options.family = 6;
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ENOTFOUND");
  options.host = "127.0.0.1";
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EAFNOSUPPORT");
  CHECK_EQ(error.reason, "unknown address family");
}

TEST("from a refused address to one that answers") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"two", {"::1", "127.0.0.1"}}}));
  Server server(loop);
  SocketOptions options = to("two", server.port());
  options.attempt_delay = Milliseconds(60000);
  const TimeLimit limit(options.attempt_delay);
  Attempted made = attempt(loop, resolver, options);
  if (CHECK(made.connected())) CHECK_EQ(made.socket().peer.text(), "127.0.0.1");
  CHECK(limit.kept());  // at once, not after the delay
}

TEST("all addresses refuse: every one is told") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"two", {"::1", "127.0.0.1"}}}));
  const RefusingPort refusing;
  const ConnectError error = attempt(loop, resolver, to("two", refusing.port)).error();
  CHECK_EQ(error.code, "ECONNREFUSED");
  CHECK_EQ(error.attempts.size(), size_t{2});
  const std::string port = std::to_string(refusing.port);
  CHECK_EQ(error.detail,
           "connect ECONNREFUSED ::1:" + port + "; connect ECONNREFUSED 127.0.0.1:" + port);
}

TEST("a silent address is overtaken, and closed when another has won") {
  EventLoop loop;
  FullListener silent("127.0.0.2");
  Server server(loop, "127.0.0.1", silent.port());
  if (!CHECK(server.ok())) return;
  Resolver resolver(loop, table_lookup({{"two", {"127.0.0.2", "127.0.0.1"}}}));
  SocketOptions options = to("two", silent.port());
  options.attempt_delay = Milliseconds(30);
  const int before = open_descriptors();
  const vws::TimePoint start = vws::Clock::now();
  {
    Attempted made = attempt(loop, resolver, options);
    if (CHECK(made.connected())) CHECK_EQ(made.socket().peer.text(), "127.0.0.1");
  }
  CHECK(vws::Clock::now() - start >= Milliseconds(30));
  CHECK(run_until(loop, [&server] { return server.accepted() == 1 && server.open() == 0; }));
  CHECK_EQ(open_descriptors(), before);
}

TEST("the first address may still win after the second was begun") {
  EventLoop loop;
  FullListener first("127.0.0.2");
  FullListener second("127.0.0.1", first.port());
  if (!CHECK(second.ok())) return;
  Resolver resolver(loop, table_lookup({{"two", {"127.0.0.2", "127.0.0.1"}}}));
  SocketOptions options = to("two", first.port());
  options.attempt_delay = Milliseconds(1);
  auto made = std::make_unique<Attempted>();
  made->start(loop, resolver, options);
  const vws::TimePoint later = vws::Clock::now() + Milliseconds(20);
  CHECK(run_until(loop, [later] { return vws::Clock::now() > later; }));
  CHECK(!made->result);
  // The system repeats what it sent in vain after a second; who came earlier may be first.
  std::vector<UniqueFd> accepted;
  CHECK(run_until(loop, [&] {
    UniqueFd one = first.accept_one();
    if (one) accepted.push_back(std::move(one));
    return made->result.has_value();
  }));
  if (CHECK(made->connected())) CHECK_EQ(made->socket().peer.text(), "127.0.0.2");
}

TEST("the deadline, connecting") {
  EventLoop loop;
  FullListener silent("127.0.0.2");
  Resolver resolver(loop, table_lookup({{"two", {"127.0.0.1", "127.0.0.2"}}}));
  SocketOptions options = to("two", silent.port());  // 127.0.0.1 refuses it
  options.timeout = Milliseconds(50);
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_HANDSHAKE_TIMEOUT");
  CHECK(error.timed_out);
  CHECK_EQ(error.address, "127.0.0.2");
  CHECK(contains(error.detail, "(no answer within 50 ms); connect ECONNREFUSED 127.0.0.1:"));
  CHECK_EQ(error.attempts.size(), size_t{2});
}

TEST("the deadline, resolving") {
  EventLoop loop;
  struct Latch {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
  };
  const auto latch = std::make_shared<Latch>();
  Resolver resolver(loop, [latch](const std::string&, int) {
    std::unique_lock<std::mutex> lock(latch->mutex);
    latch->opened.wait(lock, [&latch] { return latch->open; });
    return vws::LookupAnswer();
  });
  SocketOptions options = to("slow", 80);
  options.timeout = Milliseconds(20);
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_HANDSHAKE_TIMEOUT");
  CHECK(error.timed_out);
  CHECK(error.stage == ConnectStage::kResolve);
  CHECK_EQ(error.address, "slow");
  CHECK_EQ(error.detail, "getaddrinfo slow (no answer within 20 ms)");
  CHECK_EQ(error.reason, "getaddrinfo (ipv4) failed");
  const std::lock_guard<std::mutex> lock(latch->mutex);
  latch->open = true;
  latch->opened.notify_all();
}

TEST("addresses that are given are tried in their order, without a lookup") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  SocketOptions options = to("any.name", server.port());
  options.addresses = {"127.0.0.3", "127.0.0.1"};
  CHECK_EQ(attempt(loop, resolver, options).socket().peer.text(), "127.0.0.1");
  options.addresses = {"127.0.0.1", "elsewhere"};
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EINVAL");
  CHECK(contains(error.detail, "elsewhere (not a numeric address)"));
}

TEST("the local address") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"both", {"::1", "127.0.0.1"}}}));
  Server server(loop);
  SocketOptions options = to("both", server.port());
  options.local_address = "127.0.0.9";
  {
    // Its version decides that of the target, too.
    Attempted made = attempt(loop, resolver, options);
    if (CHECK(made.connected())) CHECK_EQ(made.socket().local.text(), "127.0.0.9");
  }
  options.local_address = "192.0.2.1";
  ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EADDRNOTAVAIL");
  CHECK_EQ(error.reason, "unable to bind socket");
  CHECK_EQ(error.detail, "bind EADDRNOTAVAIL 192.0.2.1:0");
  CHECK(error.stage == ConnectStage::kSocket);
  options.local_address = "::1";
  options.host = "127.0.0.1";
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EAFNOSUPPORT");
  CHECK_EQ(error.reason, "unknown address family");
  options.addresses = {"127.0.0.1"};
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EAFNOSUPPORT");
  CHECK(contains(error.detail, "the local address, ::1, is of another IP version"));
  options.local_address = "eth0";
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "EINVAL");
}

TEST("a connection of a port with itself is a refusal") {
  EventLoop loop;
  Resolver resolver(loop);
  uint16_t port = 0;
  {
    const RefusingPort free;
    port = free.port;
  }
  SocketOptions options = to("127.0.0.1", port);
  options.local_address = "127.0.0.1";
  options.local_port = port;
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ECONNREFUSED");
}

TEST("cancelling at any stage leaves nothing behind, and nothing is called") {
  EventLoop loop;
  FullListener silent("127.0.0.2");
  Server server(loop, "127.0.0.1", silent.port());
  Resolver resolver(loop, table_lookup({{"two", {"127.0.0.2", "127.0.0.1"}}}));
  SocketOptions direct = to("two", silent.port());
  direct.attempt_delay = Milliseconds(1);
  direct.timeout = Milliseconds(10000);
  SocketOptions proxied = direct;
  proxied.proxy.emplace();
  proxied.proxy->host = "two";
  proxied.proxy->port = silent.port();
  // The server plays a proxy that does not answer.
  const int before = open_descriptors();
  for (const SocketOptions& options : {direct, proxied}) {
    for (int turns = 0; turns < 12; ++turns) {
      Attempted made;
      made.start(loop, resolver, options);
      for (int i = 0; i < turns; ++i) loop.run_once(Milliseconds(1));
      const int calls = made.calls;
      made.connector.reset();
      made.result.reset();
      for (int i = 0; i < 5; ++i) loop.run_once(Milliseconds(0));
      CHECK_EQ(made.calls, calls);
    }
  }
  CHECK(run_until(loop, [&server] { return server.open() == 0; }));
  CHECK_EQ(open_descriptors(), before);
}

TEST("the connector may go inside its callback, whatever the outcome") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  const RefusingPort refusing;
  SocketOptions late = to("127.0.0.2", 0);
  FullListener silent("127.0.0.2");
  late.port = silent.port();
  late.timeout = Milliseconds(10);
  SocketOptions no_path;
  no_path.unix_path = "/nonexistent/vws.sock";
  SocketOptions no_bind = to("127.0.0.1", server.port());
  no_bind.local_address = "nonsense";
  for (const SocketOptions& options :
       {to("127.0.0.1", server.port()), to("127.0.0.1", refusing.port), to("nosuch", 1), late,
        no_path, no_bind}) {
    std::unique_ptr<vws::Connector> connector;
    bool called = false;
    connector = std::make_unique<vws::Connector>(loop, resolver, options, [&](vws::ConnectResult) {
      connector.reset();
      called = true;
    });
    CHECK(run_until(loop, [&called] { return called; }));
  }
}

TEST("the callback may start the next attempt in its place") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop);
  const RefusingPort refusing;
  std::unique_ptr<vws::Connector> connector;
  bool connected = false;
  connector = std::make_unique<vws::Connector>(
      loop, resolver, to("127.0.0.1", refusing.port), [&](vws::ConnectResult) {
        connector = std::make_unique<vws::Connector>(
            loop, resolver, to("127.0.0.1", server.port()), [&](vws::ConnectResult result) {
              connected = std::holds_alternative<ConnectedSocket>(result);
            });
      });
  CHECK(run_until(loop, [&connected] { return connected; }));
}

TEST("hundreds at once") {
  EventLoop loop;
  Resolver resolver(loop);
  Server server(loop);
  std::vector<std::unique_ptr<Attempted>> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::make_unique<Attempted>());
    all.back()->start(loop, resolver, to("localhost", server.port()));
  }
  CHECK(run_until(loop, [&all] {
    for (const auto& one : all) {
      if (!one->connected()) return false;
    }
    return true;
  }));
  CHECK(run_until(loop, [&server] { return server.accepted() == 300; }));
}

TEST_MAIN
