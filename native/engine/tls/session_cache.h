#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "engine/tls/openssl_ptr.h"

namespace vws {

// TLS sessions by the server they were made with, for resumption: a resumed handshake needs no
// signatures and no certificates. Each TlsConfig has its own, so that a session is offered only
// under the policy it was verified under. Bounded: the servers used longest ago go first. Any
// thread.
class SessionCache {
 public:
  static constexpr size_t kMaxServers = 128;
  static constexpr size_t kMaxPerServer = 64;  // about as many connections at once can resume
  static constexpr size_t kMaxSessions = 256;

  SessionCache() = default;
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  // Keeps the session. TLS 1.3: besides others of the server; else instead of them.
  void put(const std::string& key, SslSessionPtr session);
  // The newest usable session, or null. A session of TLS 1.3 is given out once (RFC 8446 appendix
  // C.4).
  SslSessionPtr take(const std::string& key);
  void clear();
  size_t size() const;

 private:
  struct Server {
    std::string key;
    std::list<SslSessionPtr> sessions;  // newest first
  };
  using Servers = std::list<Server>;  // most recently used first

  void drop_oldest();

  mutable std::mutex mutex_;
  Servers servers_;
  std::unordered_map<std::string, Servers::iterator> by_key_;
  size_t size_ = 0;
};

}  // namespace vws
