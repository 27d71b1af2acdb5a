#pragma once

#include <sys/event.h>

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/os/readiness.h"
#include "engine/os/unique_fd.h"

namespace vws {

// kqueue(2) of macOS and the BSDs. Described in poller.h. A descriptor that is watched in both directions has an event
// for each of them.
class Poller {
 public:
  static constexpr char kWatchCall[] = "kevent";
  static constexpr int kMostEvents = 256;
  static constexpr uint64_t kFirstOwnToken = UINT64_MAX - 1;

  class Batch {
   public:
    uint64_t token(int i) const { return reinterpret_cast<uintptr_t>(events_[i].udata); }
    uint32_t readiness(int i) const { return from_system(events_[i]); }

   private:
    friend class Poller;
    struct kevent events_[kMostEvents];
  };

  Poller();

  bool ok() const { return static_cast<bool>(queue_); }
  bool watch(int fd, uint32_t interest, uint64_t token, bool known);
  void unwatch(int fd);
  int wait(Batch& batch, int timeout);
  bool settle(uint64_t token);
  void wake();
  void expire_at(TimePoint time);
  int backend_fd() const { return queue_.get(); }
  bool has_events() const;
  void sleep() const;

 private:
  static constexpr uint64_t kTimerToken = kFirstOwnToken;
  static constexpr uint64_t kWakeToken = kFirstOwnToken + 1;

  static uint32_t from_system(const struct kevent& event);

  UniqueFd queue_;
  TimePoint expires_at_ = TimePoint::max();
};

}  // namespace vws
