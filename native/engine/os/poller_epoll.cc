#if defined(__linux__)

#include "engine/os/poller_epoll.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

namespace vws {

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!ok()) return;
  if (watch(wake_.get(), kReadable, kWakeToken, false) &&
      watch(timer_.get(), kReadable, kTimerToken, false))
    return;
  wake_.reset();
}

bool Poller::watch(int fd, uint32_t interest, uint64_t token, bool known) {
  epoll_event event{};
  if (interest & kReadable) event.events |= EPOLLIN | EPOLLRDHUP;
  if (interest & kWritable) event.events |= EPOLLOUT;
  if (interest & kEdge) event.events |= EPOLLET;
  event.data.u64 = token;
  if (known && epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return true;
  // A descriptor that was closed, or replaced by dup2(), left the kernel's set without our help.
  if (known && errno != ENOENT) return false;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  return errno == EEXIST && epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

void Poller::unwatch(int fd) {
  epoll_event ignored{};
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &ignored);
}

bool Poller::settle(uint64_t token) {
  if (token < kFirstOwnToken) return false;
  uint64_t count;
  const ssize_t got = read(token == kWakeToken ? wake_.get() : timer_.get(), &count, sizeof count);
  static_cast<void>(got);
  if (token == kTimerToken) expires_at_ = TimePoint::max();
  return true;
}

void Poller::wake() {
  const uint64_t one = 1;
  // EAGAIN means that the counter is full: whoever waits is awake already.
  const ssize_t written = write(wake_.get(), &one, sizeof one);
  static_cast<void>(written);
}

void Poller::expire_at(TimePoint time) {
  if (expires_at_ <= time) return;
  expires_at_ = time;
  const auto since_start = time.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(seconds.count());
  when.it_value.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_start - seconds).count());
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

bool Poller::has_events() const {
  pollfd descriptor{epoll_.get(), POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

void Poller::sleep() const {
  pollfd descriptor{epoll_.get(), POLLIN, 0};
  poll(&descriptor, 1, -1);
}

}  // namespace vws

#endif
