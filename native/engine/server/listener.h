#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/loop.h"
#include "engine/http/forwarded.h"
#include "engine/http/request_head.h"
#include "engine/net/address.h"
#include "engine/net/networks.h"
#include "engine/os/unique_fd.h"
#include "engine/own_socket.h"
#include "engine/tls/server_tls.h"

namespace vws {

class Incoming;
class Service;

// What a listener allows. 0: no limit.
struct ListenerLimits {
  RequestHead::Limits head;
  Milliseconds handshake_timeout{
      10000};                  // from accept to the end of the request's head, TLS included
  uint32_t handshakes = 1000;  // at once; more wait in the system's backlog
  uint32_t connections = 0;    // in all; more are closed
  uint32_t connections_per_address = 0;  // likewise; of clients that have one
};

// Who speaks for clients, and how.
struct ListenerProxies {
  bool all_send_header = false;  // every connection begins with a header of the PROXY protocol
  Networks send_header;          // those of these addresses do
  TrustedProxies trusted;        // say in a header of the request for whom they ask

  bool sends_header(const Address& peer) const {
    return all_send_header || send_header.contains(peer);
  }
};

struct ListenerSettings : ListenerLimits {
  ListenerProxies proxies;
};

// Counted since the beginning, but for the first two.
struct ListenerStats {
  uint64_t connections = 0;  // open, handshakes included
  uint64_t handshakes = 0;   // under way
  uint64_t accepted = 0;
  uint64_t over_limit = 0;              // closed for ListenerLimits::connections
  uint64_t over_limit_per_address = 0;  // likewise
  uint64_t timeouts = 0;                // handshakes that took too long
  uint64_t malformed = 0;               // requests that are no HTTP
  uint64_t over_header_size = 0;        // requests over RequestHead::Limits::bytes
  uint64_t over_headers_count = 0;      // and over RequestHead::Limits::headers
  uint64_t over_handshakes = 0;         // how often ListenerLimits::handshakes let others wait
  uint64_t proxy_failures = 0;  // headers of the PROXY protocol that were missing or malformed
  uint64_t tls_failures = 0;
  uint64_t not_upgrades = 0;  // answered 426

  ListenerStats& operator+=(const ListenerStats& other);
};

// How many connections a listener has, in all and for an address, and how many of those are handshakes; for as long as
// any of them lives. Any thread.
class Admissions {
 public:
  // The lane that accepts, which alone adds connections.
  bool admit(const ListenerLimits& limits, ListenerStats& stats);
  bool admit_address(const std::string& address, const ListenerLimits& limits,
                     ListenerStats& stats);
  void leave(const std::string& address);
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

  void begin_handshake() { handshakes_.fetch_add(1); }
  void end_handshake() { handshakes_.fetch_sub(1); }
  uint64_t handshakes() const { return handshakes_.load(); }
  // The lane that accepts has too many under way, and is to be told when one has ended on another lane. One may have
  // ended before that lane could see this: so it looks at handshakes() again.
  void hold_back() { held_back_.store(true); }
  // A handshake has ended on another lane: whether to tell.
  bool take_held_back() { return held_back_.load() && held_back_.exchange(false); }

 private:
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> handshakes_{0};
  std::atomic<bool> held_back_{false};
  std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> by_address_;  // guarded by mutex_
};

// A connection's place among them, which it leaves when it has ended.
class Admission final {
 public:
  // Has been admitted.
  explicit Admission(std::shared_ptr<Admissions> admissions) : admissions_(std::move(admissions)) {}
  ~Admission() { admissions_->leave(address_); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Whose connection it is, once that is known. False: the client has as many as it may have.
  bool belongs_to(const Address& client, const ListenerLimits& limits, ListenerStats& stats);

 private:
  const std::shared_ptr<Admissions> admissions_;
  std::string address_;  // under which it is counted; empty: it is not
};

// Accepts connections and reads their requests; what asks for an upgrade becomes a Connection and waits for
// JavaScript's decision (Kind::kRequest). Everything runs on the thread that holds the service.
//
// With several lanes each has one of the same number, of which the one with the socket accepts for all, and hands a
// connection at once to that of the lane on which it is to live.
class Listener final : private IoHandler {
 public:
  Listener(Service& service, int32_t id, UniqueFd socket, ListenerSettings settings,
           std::shared_ptr<const ServerTls> tls, std::shared_ptr<Admissions> admissions);
  ~Listener() override;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Accepts from here on. What the kernel refuses now (a descriptor to watch, a connection) is tried again.
  void start();
  // Accepts nothing more. Handshakes under way go on.
  void stop();
  bool stopped() const { return !socket_; }
  bool idle() const { return incoming_.empty(); }
  // One that has stopped is forgotten from here on, as soon as it is idle.
  void release() { released_ = true; }
  bool released() const { return released_; }
  // For connections accepted from now on.
  void set_tls(std::shared_ptr<const ServerTls> tls) { tls_ = std::move(tls); }
  // What the lanes count together is in those of the one that accepts.
  ListenerStats stats() const;

  // ---- For Incoming.
  int32_t id() const { return id_; }
  Service& service() { return service_; }
  const ListenerLimits& limits() const { return settings_; }
  const ListenerProxies& proxies() const { return settings_.proxies; }
  ListenerStats& counters() { return stats_; }
  // The handshake has ended, one way or the other. Destroys the incoming connection.
  void finished(Incoming& incoming);

 private:
  void on_ready(int fd, uint32_t readiness) override;
  bool accept_one();
  void take(UniqueFd socket, const Address& peer);
  void begin(UniqueFd socket, const Address& peer, std::shared_ptr<Admission> admission);
  void pause();
  void retry_later(const char* call);

  Service& service_;
  const int32_t id_;
  UniqueFd socket_;
  const bool accepts_;
  const ListenerSettings settings_;
  std::shared_ptr<const ServerTls> tls_;
  ListenerStats stats_;
  const std::shared_ptr<Admissions> admissions_;
  std::vector<std::unique_ptr<Incoming>> incoming_;  // each at its place
  bool watching_ = false;
  bool released_ = false;
  bool troubled_ = false;  // has been logged, and nothing was accepted since
  EventLoop::TimerId retry_timer_ = 0;
};

}  // namespace vws
