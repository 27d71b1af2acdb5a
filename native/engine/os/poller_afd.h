#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/os/readiness.h"

namespace vws {

// A completion port, and polls of AFD, the part of Windows that is below its sockets. Each poll tells once, as libuv
// and others use them. Described in poller.h.
//
// A poll tells what is, not what has changed. For who wants to know of changes (kEdge), a socket is polled again when
// it has been read since, or was found full: note_read() and its kin, which socket_windows.cc calls. So something may
// be told twice, and nothing is told on and on.
class Poller {
 public:
  static constexpr char kWatchCall[] = "afd_poll";
  static constexpr int kMostEvents = 256;
  static constexpr uint64_t kFirstOwnToken = UINT64_MAX - 1;

  struct Event {
    uint64_t token;
    uint32_t readiness;
  };

  class Batch {
   public:
    uint64_t token(int i) const { return events_[static_cast<size_t>(i)].token; }
    uint32_t readiness(int i) const { return events_[static_cast<size_t>(i)].readiness; }

   private:
    friend class Poller;
    std::array<Event, kMostEvents> events_;
  };

  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  bool ok() const { return port_ != nullptr; }
  bool watch(int fd, uint32_t interest, uint64_t token, bool known);
  void unwatch(int fd);
  int wait(Batch& batch, int timeout);
  bool settle(uint64_t token);
  void wake();
  void expire_at(TimePoint time);
  // There is none that anybody else could wait for: who wants to know has a thread that sleeps (sleep_until()).
  int backend_fd() const { return -1; }
  bool has_events() const;
  void sleep() const;
  // As sleep(), but ends as well when over is set, by any thread, which calls rouse() then.
  void sleep_until(const std::atomic<bool>& over) const;
  void rouse() const;

  // What was done with a socket, on whatever thread: it was read or looked into, to whatever end; found full.
  static void note_read(int fd);
  static void note_full(int fd);

 private:
  class Port;

  static constexpr uint64_t kTimerToken = kFirstOwnToken;
  static constexpr uint64_t kWakeToken = kFirstOwnToken + 1;

  std::unique_ptr<Port> port_;  // null: the system has refused one
};

}  // namespace vws
