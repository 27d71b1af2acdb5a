#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/net/proxy.h"
#include "engine/os/socket.h"

namespace vws {

// What handshakes with proxies have in common: sending a buffer, receiving without taking too much,
// and the words for failures.
class TunnelBase : public TunnelHandshake {
 public:
  uint32_t wants() const override { return wants_; }
  std::optional<Milliseconds> rest() const override { return rest_; }
  const TunnelError& error() const override { return error_; }

 protected:
  enum class Io : uint8_t { kDone, kBlocked, kFailed };

  // target: name and port, for messages.
  TunnelBase(const char* proxy_kind, const ProxyOptions& proxy, const std::string& target);

  // What is to be sent; flush() sends it as far as it goes. kBlocked has set wants() or rest().
  void queue(std::string bytes);
  Io flush(int fd);
  // Receives into buffer, at least one byte and at most size.
  Io receive(int fd, void* buffer, size_t size, size_t* got);
  // The same, leaving in the socket what it tells.
  Io peek(int fd, void* buffer, size_t size, size_t* got);

  Progress fail(const char* code, const char* reason, const std::string& detail,
                const std::string& errno_name = std::string(), int status = 0);
  Progress fail_options(const std::string& detail);
  Progress fail_protocol(const std::string& detail);
  // error: an errno, or 0 if the proxy just closed.
  Progress fail_lost(int error);

  // What has failed is the way from the proxy to the target.
  void blame_target() { error_.of_target = true; }

  const std::string& target() const { return target_; }

 private:
  using ReadCall = ssize_t (*)(int fd, void* buffer, size_t size);
  Io read_by(ReadCall call, int fd, void* buffer, size_t size, size_t* got);

  // What send() or recv() has failed with: whether it waits, for the socket to become wants, or for memory.
  Io wait_or_fail(int error, uint32_t wants);

  const char* proxy_kind_;  // "HTTP proxy"
  std::string target_;      // "name:port"
  std::string out_;
  size_t sent_ = 0;
  bool broken_ = false;  // the proxy takes no more
  uint32_t wants_;
  const Milliseconds starved_limit_;
  Shortage shortage_;
  std::optional<Milliseconds> rest_;
  TunnelError error_;
};

// "name:port", with an IPv6 address in brackets and without its zone.
std::string authority_of(const std::string& host, uint16_t port);

// Bytes from the network as they may stand in a message: printable ASCII, and not too long.
std::string printable(const std::string& bytes);

}  // namespace vws
