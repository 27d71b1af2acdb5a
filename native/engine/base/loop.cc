#include "engine/base/loop.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace vws {

namespace {

// Events taken from the kernel in one turn. More wait for the next turn: level-triggered ones are
// reported again, edge-triggered ones stay queued in the kernel.
constexpr int kEventsPerTurn = 256;

// The loop's own descriptors, told apart from watched ones.
constexpr uint64_t kWakeToken = UINT64_MAX;
constexpr uint64_t kTimerToken = UINT64_MAX - 1;

uint32_t to_epoll(uint32_t interest) {
  uint32_t events = 0;
  if (interest & kReadable) events |= EPOLLIN | EPOLLRDHUP;
  if (interest & kWritable) events |= EPOLLOUT;
  if (interest & kEdge) events |= EPOLLET;
  return events;
}

uint32_t from_epoll(uint32_t events) {
  uint32_t readiness = 0;
  if (events & (EPOLLIN | EPOLLRDHUP)) readiness |= kReadable;
  if (events & EPOLLRDHUP) readiness |= kPeerClosed;
  if (events & EPOLLOUT) readiness |= kWritable;
  if (events & EPOLLHUP) readiness |= kHangup;
  if (events & EPOLLERR) readiness |= kError;
  return readiness;
}

}  // namespace

EventLoop::EventLoop()
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!ok()) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeToken;
  bool watched = epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0;
  event.data.u64 = kTimerToken;
  watched = watched && epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, timer_fd_, &event) == 0;
  if (watched) return;
  close(wake_fd_);
  wake_fd_ = -1;
}

EventLoop::~EventLoop() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
  if (timer_fd_ >= 0) close(timer_fd_);
}

bool EventLoop::watch(int fd, uint32_t interest, IoHandler* handler) {
  const size_t index = static_cast<size_t>(fd);
  if (index >= watches_.size()) watches_.resize(std::max(index + 1, watches_.size() * 2));
  Watch& entry = watches_[index];
  const bool known = entry.registered;
  // Always another one: whoever sleeps on the loop may hold an event of what the descriptor was until now, and
  // the kernel looks again at what is watched anew.
  entry.generation = ++next_generation_;
  entry.handler = handler;
  entry.registered = true;
  entry.only_reads = interest == (kReadable | kEdge);

  epoll_event event{};
  event.events = to_epoll(interest);
  event.data.u64 = (static_cast<uint64_t>(entry.generation) << 32) | static_cast<uint32_t>(fd);
  if (known && epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  // A descriptor that was closed, or replaced by dup2(), left the kernel's set without our help.
  if (!known || errno == ENOENT) {
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0) return true;
    if (errno == EEXIST && epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  }
  entry.handler = nullptr;
  entry.registered = false;
  return false;
}

void EventLoop::unwatch(int fd) {
  const size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= watches_.size() || !watches_[index].registered) return;
  watches_[index].handler = nullptr;
  watches_[index].registered = false;
  if (guess_.fd == fd) guess_ = Guess();
  epoll_event ignored{};
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &ignored);
}

void EventLoop::hand_on(int fd) {
  const size_t index = static_cast<size_t>(fd);
  if (fd < 0 || index >= watches_.size() || !watches_[index].handler) return;
  watches_[index].handler = nullptr;
  handed_on_.push_back(fd);
}

// Nobody has come for them.
void EventLoop::drop_handed_on() {
  for (const int fd : handed_on_) {
    if (!watches_[static_cast<size_t>(fd)].handler) unwatch(fd);
  }
  handed_on_.clear();
}

EventLoop::TimerId EventLoop::after(Milliseconds delay, Task task) {
  const TimerId id = ++next_timer_;
  const TimePoint due = Clock::now() + delay;
  timers_.emplace(due, Timer{id, std::move(task)});
  timer_times_.emplace(id, due);
  return id;
}

void EventLoop::cancel(TimerId id) {
  const auto known = timer_times_.find(id);
  if (known == timer_times_.end()) return;
  const auto range = timers_.equal_range(known->second);
  for (auto it = range.first; it != range.second; ++it) {
    if (it->second.id == id) {
      timers_.erase(it);
      break;
    }
  }
  timer_times_.erase(known);
}

void EventLoop::post(Task task) {
  {
    const std::lock_guard<std::mutex> lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  wake();
}

void EventLoop::wake() {
  if (wake_pending_.exchange(true)) return;
  if (sleeping_.load() || watched_from_outside_.load()) ring();
}

void EventLoop::force_wake() {
  wake_pending_.store(true);
  ring();
}

void EventLoop::ring() {
  const uint64_t one = 1;
  // EAGAIN means that the counter is full: the loop is awake already.
  const ssize_t written = write(wake_fd_, &one, sizeof one);
  static_cast<void>(written);
}

void EventLoop::announce(bool more) {
  if (!watched_from_outside_.load(std::memory_order_relaxed)) return;
  if (more) wake();
  // What turns readable too early, since a timer was cancelled, costs one turn; to change it each time would cost a
  // system call for each connection.
  if (timers_.empty() || timer_fd_due_ <= timers_.begin()->first) return;
  timer_fd_due_ = timers_.begin()->first;
  const auto since_start = timer_fd_due_.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(seconds.count());
  when.it_value.tv_nsec = static_cast<long>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_start - seconds).count());
  timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void EventLoop::wait_until_ready() const {
  pollfd descriptor{epoll_fd_, POLLIN, 0};
  poll(&descriptor, 1, -1);
}

Milliseconds EventLoop::until_next_timer() const {
  if (timers_.empty()) return Milliseconds(-1);
  const auto left = timers_.begin()->first - Clock::now();
  if (left <= Clock::duration::zero()) return Milliseconds(0);
  // Rounded up, so that the turn after the wait finds the timer due.
  return std::chrono::ceil<Milliseconds>(left);
}

bool EventLoop::sleeps_past_timer() const {
  // The sleep ends up to a millisecond late by rounding, and by what passes between two looks at the clock.
  constexpr Milliseconds kSlack{2};
  return sleeps_until_ != TimePoint::min() && !timers_.empty() &&
         timers_.begin()->first < sleeps_until_ - kSlack;
}

int EventLoop::wait_timeout(Milliseconds max_wait) const {
  Milliseconds wait = max_wait;
  const Milliseconds timer = until_next_timer();
  if (timer.count() >= 0 && (wait.count() < 0 || timer < wait)) wait = timer;
  if (wait.count() < 0) return -1;
  return static_cast<int>(std::min<int64_t>(wait.count(), INT_MAX));
}

int EventLoop::run_once(Milliseconds max_wait, std::unique_lock<std::mutex>* lock) {
  drop_handed_on();
  int timeout = has_left() ? 0 : wait_timeout(max_wait);
  epoll_event events[kEventsPerTurn];
  if (timeout != 0) {
    sleeping_.store(true);
    if (wake_pending_.load()) timeout = 0;
  }
  int count = 0;
  const bool guessed = timeout == 0 && !has_left() && guess();
  if (guessed || has_left()) {
    // Whatever else is ready keeps backend_fd() readable.
  } else if (lock && timeout != 0) {
    sleeps_until_ = timeout < 0 ? TimePoint::max() : Clock::now() + Milliseconds(timeout);
    lock->unlock();
    count = epoll_wait(epoll_fd_, events, kEventsPerTurn, timeout);
    lock->lock();
    sleeps_until_ = TimePoint::min();
  } else {
    count = epoll_wait(epoll_fd_, events, kEventsPerTurn, timeout);
  }
  sleeping_.store(false);
  // Cleared before the queues are looked at: what is queued later sets it again.
  wake_pending_.store(false);
  if (!guessed) woke_at_ = Clock::now();
  part_began_ = woke_at_;
  over_ = false;

  int served = 0;
  for (int i = 0; i < count && !over_; ++i) {
    served += serve(events[i].data.u64, events[i].events);
    if (!over_) continue;
    for (int rest = count - 1; rest > i; --rest)
      left_.push_back({events[rest].data.u64, events[rest].events});
  }
  if (count > 0)
    learn(count == 1 ? static_cast<int>(static_cast<uint32_t>(events[0].data.u64)) : -1);
  while (count == 0 && has_left() && !over_) {
    const Event event = left_.back();
    left_.pop_back();
    served += serve(event.token, event.events);
  }
  served += run_posted();
  served += run_timers(woke_at_);
  return served;
}

int EventLoop::serve(uint64_t token, uint32_t events) {
  if (token == kWakeToken) {
    uint64_t value;
    const ssize_t got = read(wake_fd_, &value, sizeof value);
    static_cast<void>(got);
    return 0;
  }
  if (token == kTimerToken) {
    uint64_t times;
    const ssize_t got = read(timer_fd_, &times, sizeof times);
    static_cast<void>(got);
    timer_fd_due_ = TimePoint::max();
    return 0;
  }
  const size_t fd = static_cast<uint32_t>(token);
  const Watch entry = fd < watches_.size() ? watches_[fd] : Watch{};
  if (!entry.handler || entry.generation != static_cast<uint32_t>(token >> 32)) return 0;
  entry.handler->on_ready(static_cast<int>(fd), from_epoll(events));
  return 1;
}

bool EventLoop::guess() {
  if (guess_.right < 0 || !watched_from_outside_.load(std::memory_order_relaxed)) return false;
  woke_at_ = Clock::now();
  const Watch& entry = watches_[static_cast<size_t>(guess_.fd)];
  const bool may = ++guess_.right <= Guess::kMostInARow && entry.handler && entry.only_reads;
  if (may && entry.handler->try_read()) return true;
  guess_.right = -1;
  return false;
}

void EventLoop::learn(int only_fd) {
  guess_.right = only_fd >= 0 && only_fd == guess_.fd ? 0 : -1;
  guess_.fd = only_fd;
}

bool EventLoop::has_ready() const {
  if (has_left()) return true;
  if (until_next_timer().count() == 0) return true;
  pollfd descriptor{epoll_fd_, POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

int EventLoop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard<std::mutex> lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
  return static_cast<int>(tasks.size());
}

int EventLoop::run_timers(TimePoint now) {
  int served = 0;
  // Tasks may add and cancel timers: each round takes the first that is due, and none that was added
  // by a task of this turn with no delay can keep the turn from ending, since now does not move.
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Task task = std::move(timers_.begin()->second.task);
    timer_times_.erase(timers_.begin()->second.id);
    timers_.erase(timers_.begin());
    task();
    ++served;
    look_at_clock();
    if (over_) break;
  }
  return served;
}

}  // namespace vws
