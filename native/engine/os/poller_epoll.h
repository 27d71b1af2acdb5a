#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/os/readiness.h"
#include "engine/os/unique_fd.h"

namespace vws {

// epoll(7), with an eventfd(2) and a timerfd(2) among what it watches. Described in poller.h.
class Poller {
 public:
  static constexpr char kWatchCall[] = "epoll_ctl";
  static constexpr int kMostEvents = 256;
  static constexpr uint64_t kFirstOwnToken = UINT64_MAX - 1;

  class Batch {
   public:
    uint64_t token(int i) const { return events_[i].data.u64; }
    uint32_t readiness(int i) const { return from_system(events_[i].events); }

   private:
    friend class Poller;
    epoll_event events_[kMostEvents];
  };

  Poller();

  bool ok() const { return epoll_ && wake_ && timer_; }
  bool watch(int fd, uint32_t interest, uint64_t token, bool known);
  void unwatch(int fd);
  int wait(Batch& batch, int timeout) {
    return epoll_wait(epoll_.get(), batch.events_, kMostEvents, timeout);
  }
  bool settle(uint64_t token);
  void wake();
  void expire_at(TimePoint time);
  int backend_fd() const { return epoll_.get(); }
  bool has_events() const;
  void sleep() const;

 private:
  static constexpr uint64_t kTimerToken = kFirstOwnToken;
  static constexpr uint64_t kWakeToken = kFirstOwnToken + 1;

  static uint32_t from_system(uint32_t events) {
    uint32_t readiness = 0;
    if (events & (EPOLLIN | EPOLLRDHUP)) readiness |= kReadable;
    if (events & EPOLLRDHUP) readiness |= kPeerClosed;
    if (events & EPOLLOUT) readiness |= kWritable;
    if (events & EPOLLHUP) readiness |= kHangup;
    if (events & EPOLLERR) readiness |= kError;
    return readiness;
  }

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  TimePoint expires_at_ = TimePoint::max();
};

}  // namespace vws
