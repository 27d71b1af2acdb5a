#pragma once

// Peers on loopback that run on the test's own loop, so that nothing depends on timing.

#include <cerrno>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/loop.h"
#include "engine/net/address.h"
#include "engine/net/connector.h"
#include "engine/net/resolver.h"
#include "engine/os/lookup.h"
#include "engine/os/unique_fd.h"
#include "harness.h"
#include "support/system.h"

namespace vws::test {

// Turns the loop until the condition holds. False after limit: a hang.
inline bool run_until(EventLoop& loop, const std::function<bool()>& condition,
                      Milliseconds limit = Milliseconds(20000)) {
  const TimePoint end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > end) return false;
    loop.run_once(Milliseconds(20));
  }
  return true;
}

// Whether something took less than a time; for what is otherwise known to take longer.
class TimeLimit {
 public:
  explicit TimeLimit(Milliseconds limit) : end_(Clock::now() + limit) {}
  bool kept() const { return Clock::now() < end_; }

 private:
  TimePoint end_;
};

// A socket bound to a numeric address (port 0: any) or a Unix path, listening if backlog >= 0.
inline UniqueFd bind_socket(const std::string& where, uint16_t port, int backlog) {
  auto address = Address::from_numeric(where, port);
  if (!address) address = Address::from_unix_path(where);
  UniqueFd fd(os::open_stream_socket(address->family()));
  if (address->family() == AF_INET6) os::set_option(fd.get(), os::SocketOption::kIpv6Only, 1);
  if (os::bind_socket(fd.get(), address->data(), address->size()) != 0) return UniqueFd();
  if (backlog >= 0 && os::listen_on(fd.get(), backlog) != 0) return UniqueFd();
  return fd;
}

// Accepts connections and keeps what they say. What it answers is the test's matter.
class Server : private IoHandler {
 public:
  struct Connection {
    UniqueFd fd;
    std::string received;
    bool ended = false;
  };
  // Called when more has been received on a connection.
  std::function<void(Connection&)> on_input;
  std::function<void(Connection&)> on_accept;

  explicit Server(EventLoop& loop, const std::string& where = "127.0.0.1", uint16_t port = 0)
      : loop_(loop), listener_(bind_socket(where, port, 4096)) {
    if (listener_) loop_.watch(listener_.get(), kReadable, this);
  }
  ~Server() override {
    for (auto& connection : connections_) loop_.unwatch(connection.first);
    if (listener_) loop_.unwatch(listener_.get());
  }

  bool ok() const { return static_cast<bool>(listener_); }
  uint16_t port() const { return Address::local_of(listener_.get()).port(); }
  size_t accepted() const { return accepted_; }
  size_t open() const { return connections_.size(); }
  Connection& last() { return connections_[last_]; }

  static void say(Connection& connection, const std::string& bytes) {
    CHECK_EQ(os::send(connection.fd.get(), bytes.data(), bytes.size()),
             static_cast<ssize_t>(bytes.size()));
  }
  // Closes after the current callback.
  static void hang_up(Connection& connection) { connection.ended = true; }

 private:
  void on_ready(int fd, uint32_t) override {
    if (fd == listener_.get()) return accept_all();
    Connection& connection = connections_[fd];
    char buffer[4096];
    const ssize_t count = os::receive(fd, buffer, sizeof buffer);
    if (count > 0) {
      connection.received.append(buffer, static_cast<size_t>(count));
      if (on_input) on_input(connection);
    }
    if (count == 0 || (count < 0 && errno != EAGAIN)) connection.ended = true;
    settle(fd);
  }

  void accept_all() {
    for (int fd; (fd = os::accept_stream(listener_.get(), nullptr, nullptr)) >= 0;) {
      ++accepted_;
      last_ = fd;
      connections_[fd].fd.reset(fd);
      loop_.watch(fd, kReadable, this);
      if (on_accept) on_accept(connections_[fd]);
      settle(fd);
    }
  }

  void settle(int fd) {
    if (!connections_[fd].ended) return;
    loop_.unwatch(fd);
    connections_.erase(fd);
  }

  EventLoop& loop_;
  UniqueFd listener_;
  std::map<int, Connection> connections_;
  size_t accepted_ = 0;
  int last_ = -1;
};

// A listener whose queue is full: connections to it hang, and get through when some are accepted.
class FullListener {
 public:
  explicit FullListener(const std::string& where, uint16_t port = 0)
      : listener_(bind_socket(where, port, 0)) {
    const Address address = Address::local_of(listener_.get());
    for (int i = 0; i < 2; ++i) {
      UniqueFd fd(os::open_stream_socket(address.family()));
      static_cast<void>(os::connect_socket(fd.get(), address.data(), address.size()));
      waiting_.push_back(std::move(fd));
    }
  }
  uint16_t port() const { return Address::local_of(listener_.get()).port(); }
  bool ok() const { return static_cast<bool>(listener_); }
  UniqueFd accept_one() { return UniqueFd(os::accept_stream(listener_.get(), nullptr, nullptr)); }

 private:
  UniqueFd listener_;
  std::vector<UniqueFd> waiting_;
};

// One connector and what came of it.
struct Attempted {
  std::unique_ptr<Connector> connector;
  std::optional<ConnectResult> result;
  int calls = 0;

  void start(EventLoop& loop, Resolver& resolver, SocketOptions options) {
    connector = std::make_unique<Connector>(loop, resolver, std::move(options),
                                            [this](ConnectResult outcome) {
                                              ++calls;
                                              result = std::move(outcome);
                                            });
  }
  bool connected() const { return result && std::holds_alternative<ConnectedSocket>(*result); }
  bool failed() const { return result && std::holds_alternative<ConnectError>(*result); }
  ConnectedSocket& socket() { return std::get<ConnectedSocket>(*result); }
  // Of a failure; an empty one otherwise, so that checks tell rather than throw.
  ConnectError error() const { return failed() ? std::get<ConnectError>(*result) : ConnectError(); }
};

// Connects, and waits for the outcome.
inline Attempted attempt(EventLoop& loop, Resolver& resolver, SocketOptions options) {
  // The callback's target must not move: it stays on the heap until the result is there.
  auto attempted = std::make_unique<Attempted>();
  attempted->start(loop, resolver, std::move(options));
  CHECK(run_until(loop, [&] { return attempted->result.has_value(); }));
  CHECK_EQ(attempted->calls, 1);
  Attempted out;
  attempted->connector.reset();
  out.result = std::move(attempted->result);
  return out;
}

inline bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  report(__FILE__, __LINE__, "\"" + part + "\" is not in \"" + text + "\"");
  return false;
}

// A lookup that knows some names and no others, and counts its calls.
inline LookupFunction table_lookup(std::map<std::string, std::vector<std::string>> names) {
  return [names = std::move(names)](const std::string& host, int family) {
    LookupAnswer answer;
    const auto known = names.find(host);
    if (known == names.end()) {
      answer.gai_code = os::kLookupNotFound;
      return answer;
    }
    for (const std::string& text : known->second) {
      const auto address = Address::from_numeric(text, 0);
      if (family == 0 || address->ip_version() == family) answer.addresses.push_back(*address);
    }
    return answer;
  };
}

}  // namespace vws::test
