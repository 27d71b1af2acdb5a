#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/loop.h"
#include "engine/net/address.h"
#include "engine/net/connect_error.h"
#include "engine/net/dialer.h"
#include "engine/net/proxy.h"
#include "engine/net/resolver.h"
#include "engine/os/unique_fd.h"

namespace vws {

struct SocketOptions {
  // The target: a name or a numeric address without brackets, and a port …
  std::string host;
  uint16_t port = 0;
  // … whose numeric addresses may be known already, in the order to try (a proxy that resolves
  // names itself is given the name all the same) …
  std::vector<std::string> addresses;
  // … or a Unix socket, which makes host, port, family, local_address and proxy meaningless: a
  // path, or an abstract name beginning with "@" or NUL.
  std::string unix_path;

  int family = 0;             // 0 (any), 4 or 6, for looking host up; a proxy has any
  std::string local_address;  // numeric; empty: the system's choice
  uint16_t local_port = 0;
  std::optional<ProxyOptions> proxy;
  // From construction until the callback; zero: none.
  Milliseconds timeout{0};
  bool keep_alive = false;
  int keep_alive_delay = 0;  // seconds; 0: the system's
  Milliseconds attempt_delay{250};
  SocketCalls* calls = &SocketCalls::system();
};

// A connected socket, non-blocking, close-on-exec, handed on by the loop if it was watched (EventLoop::hand_on). With
// a proxy the tunnel stands, nothing of its bytes has been read, and peer is the proxy.
struct ConnectedSocket {
  UniqueFd fd;
  Address local;
  Address peer;
};

using ConnectResult = std::variant<ConnectedSocket, ConnectError>;

// Makes a connected socket: resolves, dials, and asks a proxy if there is one. It begins at
// construction; destroying it, at any point and inside its callback too, cancels everything. The
// resolver outlives it. The loop's thread only.
class Connector : private IoHandler {
 public:
  using Callback = std::function<void(ConnectResult)>;

  // The callback runs exactly once, from the loop, never inside the constructor.
  Connector(EventLoop& loop, Resolver& resolver, SocketOptions options, Callback callback);
  ~Connector() override;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  using AddressesStep = void (Connector::*)(std::vector<Address>);

  // Each function of this part may end the connector's work, and have destroyed it when it returns:
  // it is the last thing that its caller does.
  void on_ready(int fd, uint32_t readiness) override;
  void begin();
  void begin_unix();
  void begin_proxy();
  void find_target(AddressesStep next);
  void find_proxy(std::vector<Address> target);
  void resolve(const std::string& host, uint16_t port, int family, AddressesStep next);
  void dial(std::vector<Address> addresses);
  void on_dialed(Dialer::Outcome outcome);
  void continue_tunnel();
  void rest_tunnel(Milliseconds delay);
  void on_tunnel_failed(TunnelError tunnel_error);
  bool try_next_target(const std::string& why);
  void limit_attempt();
  void on_deadline();
  void succeed();
  void fail(ConnectError error);
  void fail_with(int error, ConnectStage stage, const char* reason, const std::string& detail);
  void fail_resolving(const std::string& host, uint16_t port, const ResolveError& error);
  void fail_dialing(std::vector<AttemptError> attempts, bool timed_out);
  void finish(ConnectResult result);

  void stop();
  std::string proxy_name() const;

  EventLoop& loop_;
  Resolver& resolver_;
  SocketOptions options_;
  Callback callback_;
  ConnectStage stage_ = ConnectStage::kResolve;
  std::string resolving_;      // the name being looked up
  std::string tunnel_target_;  // what the proxy is asked for
  // Where a SOCKS5 proxy is asked for addresses: those not tried yet, the next one last, and what became of others.
  std::vector<Address> targets_left_;
  std::string targets_failed_;
  std::vector<Address> proxy_addresses_;
  EventLoop::TimerId attempt_timer_ = 0;
  EventLoop::TimerId rest_timer_ = 0;  // the system has no memory for the socket to the proxy
  std::chrono::steady_clock::time_point deadline_;
  bool reaching_proxy_ = false;  // looking the proxy up, or connecting to it
  std::optional<Address> local_;
  EventLoop::TimerId start_timer_ = 0;
  EventLoop::TimerId deadline_timer_ = 0;
  Resolver::Ticket ticket_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<TunnelHandshake> tunnel_;
  UniqueFd fd_;
  ConnectedSocket connected_;  // its ends, from when there is a socket
};

}  // namespace vws
