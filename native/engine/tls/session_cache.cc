#include "engine/tls/session_cache.h"

#include <ctime>

namespace vws {

namespace {

bool is_single_use(const SSL_SESSION* session) {
  return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

// Neither the session nor the certificate it stands for has run out.
bool is_usable(const SSL_SESSION* session) {
  if (!SSL_SESSION_is_resumable(session)) return false;
  const long age = static_cast<long>(time(nullptr)) - SSL_SESSION_get_time(session);
  if (age < 0 || age >= SSL_SESSION_get_timeout(session)) return false;
  // The type says otherwise, but nothing is changed.
  const X509* leaf = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return !leaf || X509_cmp_current_time(X509_get0_notAfter(leaf)) > 0;
}

}  // namespace

void SessionCache::put(const std::string& key, SslSessionPtr session) {
  if (!session) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    servers_.push_front(Server{key, {}});
    by_key_.emplace(key, servers_.begin());
  } else {
    servers_.splice(servers_.begin(), servers_, found->second);
  }
  std::list<SslSessionPtr>& sessions = servers_.front().sessions;
  if (!is_single_use(session.get())) {
    size_ -= sessions.size();
    sessions.clear();
  }
  sessions.push_front(std::move(session));
  ++size_;
  if (sessions.size() > kMaxPerServer) {
    sessions.pop_back();
    --size_;
  }
  while (size_ > kMaxSessions || servers_.size() > kMaxServers) drop_oldest();
}

SslSessionPtr SessionCache::take(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const Servers::iterator server = found->second;
  SslSessionPtr session;
  while (!session && !server->sessions.empty()) {
    SslSessionPtr& newest = server->sessions.front();
    if (!is_usable(newest.get())) {
      server->sessions.pop_front();
      --size_;
    } else if (is_single_use(newest.get())) {
      session = std::move(newest);
      server->sessions.pop_front();
      --size_;
    } else {
      session.reset(SSL_SESSION_dup(newest.get()));
      if (!session) break;
    }
  }
  if (server->sessions.empty()) {
    by_key_.erase(found);
    servers_.erase(server);
  } else {
    servers_.splice(servers_.begin(), servers_, server);
  }
  return session;
}

void SessionCache::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  by_key_.clear();
  servers_.clear();
  size_ = 0;
}

size_t SessionCache::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return size_;
}

// Of the server used longest ago, the oldest session.
void SessionCache::drop_oldest() {
  Server& server = servers_.back();
  if (!server.sessions.empty()) {
    server.sessions.pop_back();
    --size_;
  }
  if (server.sessions.empty() || servers_.size() > kMaxServers) {
    size_ -= server.sessions.size();
    by_key_.erase(server.key);
    servers_.pop_back();
  }
}

}  // namespace vws
