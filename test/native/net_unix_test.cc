#include <memory>
#include <string>
#include <vector>

#include "engine/net/connector.h"
#include "harness.h"
#include "net_support.h"

using vws::ConnectError;
using vws::EventLoop;
using vws::Milliseconds;
using vws::Resolver;
using vws::SocketOptions;
using vws::UniqueFd;
using namespace vws::test;

TEST("unix sockets, by path and by abstract name") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  TemporaryFolder folder;
  const std::string path = folder.file("a.sock");
  const std::string name = "@vws-net-test-" + std::to_string(process_id());
  for (const std::string& where : {path, name}) {
    Server server(loop, where);
    if (!CHECK(server.ok())) continue;
    SocketOptions options;
    options.unix_path = where;
    options.host = "ignored.invalid";
    Attempted made = attempt(loop, resolver, options);
    if (!CHECK(made.connected())) continue;
    CHECK_EQ(made.socket().peer.text(), where);
    CHECK_EQ(made.socket().peer.port(), 0);
    CHECK(is_private(made.socket().fd.get()));
    if (where == name) {
      options.unix_path[0] = '\0';
      CHECK(attempt(loop, resolver, options).connected());
    }
  }
}

TEST("unix sockets that are not there") {
  EventLoop loop;
  Resolver resolver(loop);
  TemporaryFolder folder;
  SocketOptions options;
  options.unix_path = folder.file("none.sock");
  ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ENOENT");
  CHECK_EQ(error.address, options.unix_path);
  CHECK_EQ(error.port, 0);
  CHECK_EQ(error.detail, "connect ENOENT " + options.unix_path);
  options.unix_path = folder.file("dead.sock");
  {
    const UniqueFd dead = bind_socket(options.unix_path, 0, -1);
    CHECK_EQ(attempt(loop, resolver, options).error().code, "ECONNREFUSED");
  }
  options.unix_path = '/' + std::string(200, 'x');
  error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ENAMETOOLONG");
  CHECK_EQ(error.address, options.unix_path);
}

TEST("a unix listener whose queue is full is waited for") {
  EventLoop loop;
  Resolver resolver(loop);
  TemporaryFolder folder;
  SocketOptions options;
  options.unix_path = folder.file("full.sock");
  FullListener full(options.unix_path);
  if (!CHECK(full.ok())) return;
  auto made = std::make_unique<Attempted>();
  made->start(loop, resolver, options);
  const vws::TimePoint later = vws::Clock::now() + Milliseconds(30);
  CHECK(run_until(loop, [later] { return vws::Clock::now() > later; }));
  CHECK(!made->result);
  std::vector<UniqueFd> accepted;
  for (int i = 0; i < 2; ++i) accepted.push_back(full.accept_one());
  CHECK(run_until(loop, [&made] { return made->result.has_value(); }));
  CHECK(made->connected());
  // And not longer than the deadline.
  FullListener again(options.unix_path = folder.file("again.sock"));
  options.timeout = Milliseconds(30);
  const ConnectError error = attempt(loop, resolver, options).error();
  CHECK_EQ(error.code, "ERR_HANDSHAKE_TIMEOUT");
}

TEST("a unix socket needs no proxy") {
  EventLoop loop;
  Resolver resolver(loop, table_lookup({}));
  const std::string name = "@vws-net-test-proxy-" + std::to_string(process_id());
  Server server(loop, name);
  SocketOptions options;
  options.proxy.emplace();
  options.proxy->host = "127.0.0.1";
  options.proxy->port = 1;
  options.unix_path = name;
  CHECK(attempt(loop, resolver, options).connected());
  options.unix_path += "-none";
  CHECK_EQ(attempt(loop, resolver, options).error().code, "ECONNREFUSED");
}

TEST_MAIN
