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
  int error = 0;         // errno
  std::string reason;    // as in ConnectError
  std::string message;   // "connect ECONNREFUSED 127.0.0.1:1"
};

// Why there is no connection.
struct ConnectError {
  // Stable: the system's name ("ECONNREFUSED", "ENOTFOUND", …) or ERR_PROXY_….
  std::string code;
  // The documented text where the cause has one, else short words of ours or of the engine's.
  std::string reason;
  // What was being done to what, and the system's or the proxy's own words.
  std::string detail;
  // The system's name of the cause, where there is one; that of code for system errors.
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
inline constexpr char kProxyConnectionFailed[] = "ERR_PROXY_CONNECTION_FAILED";
inline constexpr char kProxyAuthRequired[] = "ERR_PROXY_AUTH_REQUIRED";
inline constexpr char kProxyRefused[] = "ERR_PROXY_REFUSED";
inline constexpr char kProxyProtocol[] = "ERR_PROXY_PROTOCOL";
inline constexpr char kProxyOptions[] = "ERR_PROXY_OPTIONS";
}  // namespace connect_code

// The engine's words for what has no documented text.
inline constexpr char kConnectReason[] = "Unable to connect";

// The attempt that says most about why none succeeded: an answer of the peer before an answer of
// the network before one of this machine. attempts must not be empty.
const AttemptError& most_telling(const std::vector<AttemptError>& attempts);

}  // namespace vws
