#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/loop.h"
#include "engine/net/address.h"
#include "engine/net/connect_error.h"
#include "engine/net/socket_calls.h"
#include "engine/os/unique_fd.h"

namespace vws {

struct DialOptions {
  std::optional<Address> local;     // bind to this before connecting
  bool keep_alive = false;          // SO_KEEPALIVE
  int keep_alive_delay = 0;         // seconds before the first probe; 0: the system's
  Milliseconds attempt_delay{250};  // RFC 8305 §5: the next address is tried after this long
  SocketCalls* calls = &SocketCalls::system();
};

// Connects to the first of several addresses that answers (happy eyeballs, RFC 8305 §5): the next
// is tried when the last has failed or has been silent for a while, and the others are closed when
// one has won. Sockets are non-blocking, close-on-exec, and without Nagle's delay. The loop's
// thread only.
class Dialer : private IoHandler {
 public:
  struct Outcome {
    UniqueFd fd;          // the winner, handed on by the loop if it was watched; empty: all failed
    Address local, peer;  // its ends
    std::vector<AttemptError> failures;  // also of those that failed before one won
  };
  using Callback = std::function<void(Outcome)>;

  Dialer(EventLoop& loop, std::vector<Address> addresses, DialOptions options, Callback callback);
  ~Dialer() override;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // The callback runs once, perhaps before start() returns, and may destroy the dialer.
  void start();
  // What has failed so far, and what is still waited for: for the report of a deadline.
  const std::vector<AttemptError>& failures() const { return failures_; }
  std::vector<Address> pending() const;

 private:
  struct Attempt {
    Address address;
    UniqueFd fd;
    Address local, peer;  // once it is connected
    // Unix sockets only: since when the queue of the listener has been full, and the next look.
    std::optional<TimePoint> busy_since;
    EventLoop::TimerId busy_timer = 0;
  };
  enum class Step { kConnected, kPending, kFailed };

  void on_ready(int fd, uint32_t readiness) override;
  void on_busy_timer(int fd);
  // Opens attempts until one is pending or has won, or all have failed. Ends in finish(), or not.
  void try_next();
  // What has become of the attempt with this descriptor. Ends in try_next() or finish(), or not.
  void settle(size_t index, Step step);

  Step open(Attempt& attempt);
  Step connect(Attempt& attempt);
  Step retry_later(Attempt& attempt);
  Step finish_connect(Attempt& attempt);
  // An errno, or 0.
  int set_options(int fd, int family);
  int bind_local(int fd);
  Step fail(const Attempt& attempt, ConnectStage stage, int error, const char* reason,
            const std::string& what);

  size_t index_of(int fd) const;
  void drop(size_t index);
  void drop_all();
  // Calls back; the dialer may be gone when it returns.
  void finish(std::unique_ptr<Attempt> winner);

  EventLoop& loop_;
  std::vector<Address> addresses_;
  DialOptions options_;
  Callback callback_;
  size_t next_ = 0;                                 // index in addresses_
  std::vector<std::unique_ptr<Attempt>> attempts_;  // those under way
  std::vector<AttemptError> failures_;
  EventLoop::TimerId next_timer_ = 0;
};

}  // namespace vws
