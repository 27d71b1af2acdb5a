#include "engine/net/proxy.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/net/connector.h"
#include "harness.h"
#include "net_support.h"

using vws::ConnectError;
using vws::ConnectStage;
using vws::EventLoop;
using vws::Milliseconds;
using vws::ProxyType;
using vws::Resolver;
using vws::SocketOptions;
using vws::UniqueFd;
using namespace vws::test;

namespace {

const std::string kHttpRequestEnd = "\r\n\r\n";

SocketOptions through(ProxyType type, uint16_t port) {
  SocketOptions options;
  options.host = "target.example";
  options.port = 443;
  options.proxy.emplace();
  options.proxy->type = type;
  options.proxy->host = "127.0.0.1";
  options.proxy->port = port;
  return options;
}

// A proxy that answers a whole CONNECT request with these bytes.
void answer_http(Server& server, const std::string& response, bool hang_up = false) {
  server.on_input = [response, hang_up](Server::Connection& peer) {
    if (peer.received.find(kHttpRequestEnd) == std::string::npos) return;
    Server::say(peer, response);
    if (hang_up) Server::hang_up(peer);
  };
}

// A SOCKS5 proxy that wants no credentials and gives this reply.
void answer_socks(Server& server, const std::string& reply) {
  server.on_input = [reply](Server::Connection& peer) {
    if (peer.received.size() == 3) {
      Server::say(peer, std::string("\5\0", 2));
    } else {
      Server::say(peer, reply);
    }
  };
}

const std::string kSocksYes("\5\0\0\1\0\0\0\0\0\0", 10);

std::string read_from(EventLoop& loop, int fd, size_t size) {
  std::string bytes;
  CHECK(run_until(loop, [&] {
    char buffer[256];
    const ssize_t count = vws::os::receive(fd, buffer, sizeof buffer);
    if (count > 0) bytes.append(buffer, static_cast<size_t>(count));
    return bytes.size() >= size;
  }));
  return bytes;
}

}  // namespace

TEST("HTTP: a tunnel, and what follows the answer belongs to it") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"proxy.example", {"::1", "127.0.0.1"}}}));
  Server server(loop);
  answer_http(server, "HTTP/1.1 200 Connection established\r\n\r\nfirst bytes");
  SocketOptions options = through(ProxyType::kHttp, server.port());
  options.proxy->host = "proxy.example";  // whose first address refuses
  Attempted made = attempt(loop, resolver, options);
  if (!CHECK(made.connected())) return;
  CHECK_EQ(server.last().received,
           "CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n");
  CHECK_EQ(made.socket().peer.port(), server.port());
  CHECK_EQ(read_from(loop, made.socket().fd.get(), 11), "first bytes");
  // The descriptor is free to be watched by another.
  server.on_input = nullptr;
  server.last().received.clear();
  CHECK_EQ(vws::os::send(made.socket().fd.get(), "x", 1), 1);
  CHECK(run_until(loop, [&server] { return server.last().received == "x"; }));
}

TEST("HTTP: refusals say status and words") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  const SocketOptions options = through(ProxyType::kHttp, server.port());
  answer_http(server, "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\n\r\n");
  ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_PROXY_AUTH_REQUIRED");
  CHECK_EQ(error.status, 407);
  CHECK_EQ(error.reason, "HS: Server did not return 200");
  CHECK_EQ(error.detail, "proxy 127.0.0.1:" + std::to_string(server.port()) +
                             ": HTTP proxy, asked for target.example:443: it answered 407 Login "
                             "(Basic); no credentials were sent");
  CHECK_EQ(error.address, "127.0.0.1");
  CHECK_EQ(error.port, server.port());
  CHECK(error.stage == ConnectStage::kProxy);
  answer_http(server, "HTTP/1.1 502 Bad Gateway\r\n\r\n", true);
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_PROXY_REFUSED");
  CHECK_EQ(error.status, 502);
  answer_http(server, "220 ftp.example ready\r\n");
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_PROXY_PROTOCOL");
  CHECK_EQ(error.status, 0);
}

TEST("a proxy that closes, before or in the middle of its answer") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  for (const ProxyType type : {ProxyType::kHttp, ProxyType::kSocks5}) {
    const SocketOptions options = through(type, server.port());
    server.on_input = [](Server::Connection& peer) { Server::hang_up(peer); };
    CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_CONNECTION_FAILED");
    server.on_input = [type](Server::Connection& peer) {
      Server::say(peer, type == ProxyType::kHttp ? "HTTP/1.1 200 OK\r\n" : "\5");
      Server::hang_up(peer);
    };
    CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_CONNECTION_FAILED");
    server.on_input = nullptr;
    server.on_accept = [](Server::Connection& peer) { Server::hang_up(peer); };
    const ConnectError error = attempt(loop, resolver, options).error();
    CHECK_EQ(error.code, "ERR_PROXY_CONNECTION_FAILED");
    CHECK(error.stage == ConnectStage::kProxy);
    server.on_accept = nullptr;
  }
}

TEST("a proxy that says nothing ends at the deadline") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  for (const ProxyType type : {ProxyType::kHttp, ProxyType::kSocks5}) {
    SocketOptions options = through(type, server.port());
    options.timeout = Milliseconds(30);
    const ConnectError error = attempt(loop, resolver, options).error();
    CHECK_EQ(error.code, "ERR_HANDSHAKE_TIMEOUT");
    CHECK(error.timed_out);
    CHECK(error.stage == ConnectStage::kProxy);
    CHECK_EQ(error.detail, "proxy 127.0.0.1:" + std::to_string(server.port()) +
                               ": asked for target.example:443 (no answer within 30 ms)");
  }
}

TEST("a proxy that is not there, or is not known") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  const UniqueFd refusing = bind_socket("127.0.0.1", 0, -1);
  const uint16_t port = vws::Address::local_of(refusing.get()).port();
  SocketOptions options = through(ProxyType::kHttp, port);
  ConnectError error = attempt(loop, resolver, options).error();
  const std::string name = "127.0.0.1:" + std::to_string(port);
  CHECK_EQ(error.code, "ERR_PROXY_CONNECTION_FAILED");
  CHECK_EQ(error.errno_name, "ECONNREFUSED");
  CHECK_EQ(error.reason, "proxy connection failed");
  CHECK_EQ(error.detail, "proxy " + name + ": connect ECONNREFUSED " + name);
  options.proxy->host = "nosuch.invalid";
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_PROXY_CONNECTION_FAILED");
  CHECK_EQ(error.errno_name, "ENOTFOUND");
  CHECK_EQ(error.reason, "getaddrinfo (ipv4) failed");
  CHECK_EQ(error.address, "nosuch.invalid");
}

TEST("options that cannot be sent") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  SocketOptions options = through(ProxyType::kHttp, server.port());
  options.proxy->headers = {"Evil: a\r\nHost: b"};
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_OPTIONS");
}

TEST("SOCKS5: the proxy resolves the name") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  answer_socks(server, kSocksYes + "first bytes");
  Attempted made = attempt(loop, resolver, through(ProxyType::kSocks5, server.port()));
  if (!CHECK(made.connected())) return;
  CHECK_EQ(server.last().received, std::string("\5\1\0\5\1\0\3\16target.example\1\273", 24));
  CHECK_EQ(read_from(loop, made.socket().fd.get(), 11), "first bytes");
}

TEST("SOCKS5: we resolve the name") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"target.example", {"192.0.2.7", "::7"}}}));
  Server server(loop);
  answer_socks(server, kSocksYes);
  SocketOptions options = through(ProxyType::kSocks5, server.port());
  options.proxy->resolve_locally = true;
  CHECK(attempt(loop, resolver, options).connected());
  // The family asked for is that of the target, not of the proxy.
  const std::string start("\5\1\0\5\1\0", 6);
  std::string received;
  server.on_input = [&received](Server::Connection& peer) {
    received = peer.received;
    Server::say(peer, received.size() == 3 ? std::string("\5\0", 2) : kSocksYes);
  };
  options.family = 6;
  CHECK(attempt(loop, resolver, options).connected());
  CHECK_EQ(received, start + '\4' + std::string(15, '\0') + '\7' + "\1\273");
  options.family = 4;
  CHECK(attempt(loop, resolver, options).connected());
  CHECK_EQ(received, start + std::string("\1\300\0\2\7\1\273", 7));
  options.addresses = {"198.51.100.1"};
  CHECK(attempt(loop, resolver, options).connected());
  CHECK_EQ(received, start + std::string("\1\306\63\144\1\1\273", 7));
  // A target that is not found is not the proxy's fault.
  options.addresses.clear();
  options.host = "nosuch.invalid";
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ENOTFOUND");
  CHECK_EQ(error.address, "nosuch.invalid");
  CHECK_EQ(error.port, 443);
}

// The addresses that a proxy was asked for, one by each who connected to it.
struct Asked {
  std::vector<std::string> addresses;

  // Answers each whole request by answer(how many came before), an empty one by hanging up.
  void play(Server& server, const std::function<std::string(size_t)>& answer) {
    server.on_input = [this, answer](Server::Connection& peer) {
      if (peer.received.size() == 3) return Server::say(peer, std::string("\5\0", 2));
      const std::string reply = answer(addresses.size());
      addresses.push_back(peer.received.substr(7, peer.received.size() - 9));
      if (reply.empty()) return Server::hang_up(peer);
      Server::say(peer, reply);
    };
  }
};

SocketOptions through_to(uint16_t port, const std::vector<std::string>& addresses) {
  SocketOptions options = through(ProxyType::kSocks5, port);
  options.proxy->resolve_locally = true;
  options.addresses = addresses;
  return options;
}

std::string socks_reply(char code) { return std::string("\5") + code + kSocksYes.substr(2); }

const std::string kFirst("\300\0\2\1", 4);
const std::string kSecond("\300\0\2\2", 4);

TEST("SOCKS5: addresses that we found are tried one after the other") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  const SocketOptions options = through_to(server.port(), {"192.0.2.1", "192.0.2.2", "::7"});
  // Whatever the proxy has against the first, and if it hangs up without a word.
  for (const std::string& refusal :
       {socks_reply(1), socks_reply(2), socks_reply(3), socks_reply(4), socks_reply(5),
        socks_reply(6), socks_reply(8), std::string()}) {
    Asked asked;
    asked.play(server, [&](size_t before) { return before == 0 ? refusal : kSocksYes; });
    CHECK(attempt(loop, resolver, options).connected());
    CHECK_EQ(asked.addresses.size(), size_t{2});
    CHECK(asked.addresses == std::vector<std::string>({kFirst, kSecond}));
  }
  Asked asked;
  asked.play(server, [](size_t before) { return socks_reply(static_cast<char>(3 + before)); });
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(asked.addresses.size(), size_t{3});
  CHECK_EQ(asked.addresses.back(), std::string(15, '\0') + '\7');
  CHECK_EQ(error.code, "ERR_PROXY_REFUSED");
  CHECK_EQ(error.errno_name, "ECONNREFUSED");
  CHECK(contains(error.detail, "asked for 192.0.2.1:443: Network unreachable (reply 3); "));
  CHECK(contains(error.detail, "asked for 192.0.2.2:443: Host unreachable (reply 4); "));
  CHECK(contains(error.detail, "asked for [::7]:443: Connection refused (reply 5)"));
}

TEST("SOCKS5: what is the proxy's own fault is not tried again") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  const SocketOptions options = through_to(server.port(), {"192.0.2.1", "192.0.2.2"});
  int accepted = 0;
  server.on_accept = [&accepted](Server::Connection&) { ++accepted; };
  server.on_input = [](Server::Connection& peer) { Server::say(peer, "\5\xff"); };
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_AUTH_REQUIRED");
  server.on_input = [](Server::Connection& peer) { Server::hang_up(peer); };
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_CONNECTION_FAILED");
  Asked asked;
  asked.play(server, [](size_t) { return std::string("HTTP/1.1 400 Bad Request"); });
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ERR_PROXY_PROTOCOL");
  CHECK_EQ(accepted, 3);
}

TEST("SOCKS5: an address without an answer does not take the time of the others") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  SocketOptions options = through_to(server.port(), {"192.0.2.1", "192.0.2.2"});
  options.timeout = Milliseconds(400);
  int requests = 0;
  server.on_input = [&requests](Server::Connection& peer) {
    if (peer.received.size() == 3) return Server::say(peer, std::string("\5\0", 2));
    if (++requests == 2) Server::say(peer, kSocksYes);
  };
  CHECK(attempt(loop, resolver, options).connected());
  server.on_input = [](Server::Connection& peer) {
    if (peer.received.size() == 3) Server::say(peer, std::string("\5\0", 2));
  };
  options.timeout = Milliseconds(50);
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_HANDSHAKE_TIMEOUT");
  CHECK(contains(error.detail, "asked for 192.0.2.1:443: no answer; asked for 192.0.2.2:443"));
}

TEST("SOCKS5: a refusal") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  answer_socks(server, std::string("\5\5\0\1\0\0\0\0\0\0", 10));
  const ConnectError error =
      attempt(loop, resolver, through(ProxyType::kSocks5, server.port())).error();
  CHECK_EQ(error.code, "ERR_PROXY_REFUSED");
  CHECK_EQ(error.errno_name, "ECONNREFUSED");
  CHECK(contains(error.detail, "asked for target.example:443: Connection refused (reply 5)"));
}

TEST("the local address is that of the connection to the proxy") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({{"proxy.example", {"::1", "127.0.0.1"}}}));
  Server server(loop);
  answer_http(server, "HTTP/1.1 200 OK\r\n\r\n");
  SocketOptions options = through(ProxyType::kHttp, server.port());
  options.proxy->host = "proxy.example";
  options.local_address = "127.0.0.9";
  options.family = 6;  // of the target, which is not looked up here
  Attempted made = attempt(loop, resolver, options);
  if (CHECK(made.connected())) CHECK_EQ(made.socket().local.text(), "127.0.0.9");
}

TEST("the connector may go inside its callback, at every end of a tunnel") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  Server server(loop);
  const int before = open_descriptors();
  for (const std::string& response :
       {std::string("HTTP/1.1 200 OK\r\n\r\n"), std::string("HTTP/1.1 500 No\r\n\r\n"),
        std::string("?"), std::string()}) {
    answer_http(server, response);
    SocketOptions options = through(ProxyType::kHttp, server.port());
    options.timeout = Milliseconds(response.empty() ? 20 : 10000);
    std::unique_ptr<vws::Connector> connector;
    bool called = false;
    connector = std::make_unique<vws::Connector>(loop, resolver, options, [&](vws::ConnectResult) {
      connector.reset();
      called = true;
    });
    CHECK(run_until(loop, [&called] { return called; }));
  }
  CHECK(run_until(loop, [&server] { return server.open() == 0; }));
  CHECK_EQ(open_descriptors(), before);
}

TEST_MAIN
