#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/base/shortage.h"

namespace vws {

// An HTTPS proxy would be kHttp behind a TLS layer that gives the handshake its bytes.
enum class ProxyType : uint8_t { kHttp, kSocks5 };

struct ProxyOptions {
  ProxyType type = ProxyType::kHttp;
  std::string host;  // a name or a numeric address without brackets
  uint16_t port = 0;
  std::optional<std::string> auth;   // "user:password", as raw bytes
  bool resolve_locally = false;      // SOCKS5: look the target up here instead of at the proxy
  std::vector<std::string> headers;  // HTTP: further lines, "Name: value" without line end
  Milliseconds starved_limit = Shortage::kLimit;
};

// Why a proxy did not make the tunnel.
struct TunnelError {
  const char* code = "";  // connect_code::kProxy…
  std::string reason;
  std::string detail;
  std::string errno_name;  // where the proxy or the system named a cause
  int status = 0;          // HTTP
  // The proxy is well, but did not reach the target: it may reach another address of it.
  bool of_target = false;
};

// Asks a proxy, over a connected non-blocking socket, for a tunnel to a target. It never reads a
// byte further than the proxy's answer: what follows belongs to the tunnel. The loop's thread only.
class TunnelHandshake {
 public:
  enum class Progress : uint8_t { kPending, kDone, kFailed };

  virtual ~TunnelHandshake() = default;
  // The readiness to wait for (kReadable, kWritable) before the next on_ready().
  virtual uint32_t wants() const = 0;
  // Set while the system has no memory for the socket: call on_ready() after this time. wants() says nothing then.
  virtual std::optional<Milliseconds> rest() const = 0;
  // Goes on as far as the socket lets it. Not called again after kDone or kFailed.
  virtual Progress on_ready(int fd) = 0;
  // After kFailed.
  virtual const TunnelError& error() const = 0;
};

// The handshake for a proxy of this kind; target is a name or a numeric address without brackets.
// Options that cannot be sent make the first on_ready() fail.
std::unique_ptr<TunnelHandshake> make_tunnel_handshake(const ProxyOptions& proxy,
                                                       const std::string& target, uint16_t port);

}  // namespace vws
