#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/net/address.h"
#include "engine/tls/peer_info.h"
#include "engine/tls/server_tls.h"
#include "engine/upgrade.h"
#include "engine/ws/block_pool.h"

namespace vws {

class Connection;

// What a record says. Below 1000: libwebsockets' callback reasons under their v2.4 numbers; the others
// are ours. lib/addon/contract.ts has the same list, with what a and b mean to JavaScript.
enum class Kind : int32_t {
  kConnectionError = 1,
  kEstablished = 3,
  kClosed = 4,
  kReceive = 8,
  kReceivePong = 9,
  kWriteable = 10,
  kPeerInitiatedClose = 38,
  kReceiveText = 1000,
  kReceiveTextBytes = 1001,
  kReceiveLarge = 1002,
  kReceivePing = 1003,
  kFlushed = 1004,
  kLog = 1005,
  kRedirect = 1006,
  kProtocolError = 1007,
  kCertificate = 1008,
  kRequest = 1009,
  kStreamData = 1010,
  kStreamEnd = 1011,
  kStreamDrain = 1012,
  kBody = 1013,
  kDropped = 1014,
  // Never leave the binding: text that is all ASCII, and large texts, which become ReceiveText.
  kReceiveAscii = 2000,
  kReceiveTextBlock = 2001,
  kReceiveAsciiBlock = 2002,
};

struct Record {
  int32_t connection;
  Kind kind;
  int32_t a;
  int32_t b;
};

// What a record carries that is more than two numbers.
struct FailureValue {
  ConnectionFailure failure;
  UpgradeResponse response;  // status 0: none
  bool held = false;         // the rest of the response's body may be asked for
};

// The two ends of a connection's socket. For a Unix socket: no ports, and family 0.
struct Endpoints {
  std::string remote_address, local_address;
  int remote_port = 0, local_port = 0, family = 0;
};

Endpoints endpoints_of(const Address& remote, const Address& local);

struct EstablishedValue : Endpoints {
  std::string protocol;
  std::string extensions;
  bool compressed = false;  // permessage-deflate is in force
  UpgradeResponse response;
  std::unique_ptr<PeerInfo> tls;  // null: not encrypted
};

// The limit of an open connection that was passed, and so ended it.
enum class Excess : uint8_t {
  kNone,
  kIdle,       // no traffic for too long
  kPayload,    // a message that is too large
  kFragments,  // one of too many fragments
  kPongs,      // pings of a peer that does not read the answers
};

struct ClosedValue {
  std::string reason;
  bool clean = false;
  std::string detail;
  Excess excess = Excess::kNone;
};

struct CertificateValue {
  std::string der;
  std::string servername;
};

// A request to upgrade, of a connection that waits for a decision.
struct RequestValue : Endpoints {
  std::shared_ptr<Connection> connection;
  int32_t lane = 0;
  int32_t listener = 0;
  std::string method, target, headers;
  int minor_version = 1;
  std::unique_ptr<ClientInfo> tls;  // null: not encrypted
};

struct TextValue {
  std::string text;
};

// What is large and rare lies apart, so that a batch of pings does not take the room of as many connections.
template <typename T>
class Boxed {
 public:
  Boxed(T&& value) : value_(std::make_unique<T>(std::move(value))) {}
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

// std::string is bytes, TextValue is text.
using Value =
    std::variant<std::string, TextValue, Block, Boxed<FailureValue>, Boxed<EstablishedValue>,
                 Boxed<ClosedValue>, Boxed<CertificateValue>, Boxed<RequestValue>>;

// The memory that a value has besides itself.
size_t memory_of(const Value& value);

}  // namespace vws
