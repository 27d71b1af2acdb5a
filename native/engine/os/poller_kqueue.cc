#if !defined(__linux__) && !defined(_WIN32)

#include "engine/os/poller_kqueue.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace vws {

namespace {

// Of the timer and of the wake-up, among themselves.
constexpr uintptr_t kOwn = 0;

// A token has to fit where the system keeps what is ours.
static_assert(sizeof(void*) >= sizeof(uint64_t), "kqueue on 64 bits only");

struct kevent change(uintptr_t what, int16_t filter, int flags, uint64_t token) {
  struct kevent event {};
  EV_SET(&event, what, filter, static_cast<uint16_t>(flags), 0, 0,
         reinterpret_cast<void*>(static_cast<uintptr_t>(token)));
  return event;
}

bool apply(int queue, const struct kevent& event) {
  return kevent(queue, &event, 1, nullptr, 0, nullptr) == 0;
}

}  // namespace

Poller::Poller() : queue_(kqueue()) {
  if (!queue_) return;
  fcntl(queue_.get(), F_SETFD, FD_CLOEXEC);
  if (!apply(queue_.get(), change(kOwn, EVFILT_USER, EV_ADD | EV_CLEAR, kWakeToken)))
    queue_.reset();
}

// What is added again would keep EV_CLEAR, and not every kqueue would look at it anew.
bool Poller::watch(int fd, uint32_t interest, uint64_t token, bool known) {
  if (known) unwatch(fd);
  const int edge = (interest & kEdge) ? EV_CLEAR : 0;
  const auto add = [&](int16_t filter) {
    return apply(queue_.get(), change(static_cast<uintptr_t>(fd), filter, EV_ADD | edge, token));
  };
  const bool reads = (interest & kReadable) == 0 || add(EVFILT_READ);
  if (reads && ((interest & kWritable) == 0 || add(EVFILT_WRITE))) return true;
  const int error = errno;
  unwatch(fd);
  errno = error;
  return false;
}

void Poller::unwatch(int fd) {
  const auto what = static_cast<uintptr_t>(fd);
  apply(queue_.get(), change(what, EVFILT_READ, EV_DELETE, 0));
  apply(queue_.get(), change(what, EVFILT_WRITE, EV_DELETE, 0));
}

int Poller::wait(Batch& batch, int timeout) {
  timespec limit{};
  limit.tv_sec = timeout / 1000;
  limit.tv_nsec = static_cast<long>(timeout % 1000) * 1'000'000;
  return kevent(queue_.get(), nullptr, 0, batch.events_, kMostEvents,
                timeout < 0 ? nullptr : &limit);
}

// Both are dealt with when they have been told.
bool Poller::settle(uint64_t token) {
  if (token < kFirstOwnToken) return false;
  if (token == kTimerToken) expires_at_ = TimePoint::max();
  return true;
}

void Poller::wake() {
  struct kevent event = change(kOwn, EVFILT_USER, 0, kWakeToken);
  event.fflags = NOTE_TRIGGER;
  apply(queue_.get(), event);
}

void Poller::expire_at(TimePoint time) {
  if (expires_at_ <= time) return;
  expires_at_ = time;
  const auto left = std::max(time - Clock::now(), Clock::duration::zero());
  struct kevent event = change(kOwn, EVFILT_TIMER, EV_ADD | EV_ONESHOT, kTimerToken);
  // Milliseconds, which every one of these systems takes without a flag.
  event.data = static_cast<decltype(event.data)>(std::chrono::ceil<Milliseconds>(left).count());
  apply(queue_.get(), event);
}

bool Poller::has_events() const {
  pollfd descriptor{queue_.get(), POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

void Poller::sleep() const {
  pollfd descriptor{queue_.get(), POLLIN, 0};
  poll(&descriptor, 1, -1);
}

// EV_EOF of the reading direction is the peer's end. Of the writing direction it may be what we have ended ourselves:
// an error tells it from that, and a connection that is gone has the other one, too.
uint32_t Poller::from_system(const struct kevent& event) {
  uint32_t readiness = 0;
  const bool ended = (event.flags & EV_EOF) != 0;
  if (event.filter == EVFILT_READ) readiness |= ended ? kReadable | kPeerClosed : kReadable;
  if (event.filter == EVFILT_WRITE) readiness |= kWritable;
  if ((event.flags & EV_ERROR) != 0 || (ended && event.fflags != 0)) readiness |= kError;
  return readiness;
}

}  // namespace vws

#endif
