#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/address.h"

namespace vws {

// Where on its way a connection failed.
enum class ConnectStage : uint8_t { kResolve, kSocket, kConnect, kProxy };

// One address that was tried in vain.
struct AttemptError {
  Address address;
  ConnectStage stage = ConnectStage::kConnect;
  int error = 0;        // errno
  std::string reason;   // as in ConnectError
  std::string message;  // "connect ECONNREFUSED 127.0.0.1:1"
};

// Why there is no connection.
struct ConnectError {
  // Stable: the system's name ("ECONNREFUSED", "ENOTFOUND", …) or one of connect_code.
  std::string code;
  // The documented text where the cause has one, else short words of ours or of the engine's.
  std::string reason;
  // What was being done to what, and the system's or the proxy's own words.
  std::string detail;
  // The system's name of the cause, where there is one; the same as code for system errors.
  std::string errno_name;
  // What was tried: a numeric address, a Unix path, or the name that was not found.
  std::string address;
  uint16_t port = 0;
  // HTTP status of a proxy, or 0.
  int status = 0;
  ConnectStage stage = ConnectStage::kConnect;
  bool timed_out = false;  // our deadline, not the system's
  // All addresses that were tried, in order of failure.
  std::vector<AttemptError> attempts;
};

namespace connect_code {
inline constexpr char kSocketOptions[] = "ERR_SOCKET_OPTIONS";
inline constexpr char kAddressFamily[] = "EAFNOSUPPORT";
inline constexpr char kDeadline[] = "ERR_HANDSHAKE_TIMEOUT";  // ours, not the system's
inline constexpr char kProxyConnectionFailed[] = "ERR_PROXY_CONNECTION_FAILED";
inline constexpr char kProxyAuthRequired[] = "ERR_PROXY_AUTH_REQUIRED";
inline constexpr char kProxyRefused[] = "ERR_PROXY_REFUSED";
inline constexpr char kProxyProtocol[] = "ERR_PROXY_PROTOCOL";
inline constexpr char kProxyOptions[] = "ERR_PROXY_OPTIONS";
}  // namespace connect_code

namespace connect_reason {
// Of the documentation.
inline constexpr char kAddressFamily[] = "unknown address family";
inline constexpr char kSocketOptions[] = "set socket opts failed";
inline constexpr char kNoSocket[] = "insert wsi failed";  // no descriptor, or none can be watched
inline constexpr char kProxyStatus[] = "HS: Server did not return 200";
// The engine's, where the documentation has none.
inline constexpr char kConnect[] = "connect failed";
inline constexpr char kBind[] = "unable to bind socket";
}  // namespace connect_reason

// The attempt that says most about why none succeeded: an answer of the peer before an answer of
// the network before one of this machine. attempts must not be empty.
const AttemptError& most_telling(const std::vector<AttemptError>& attempts);

}  // namespace vws
