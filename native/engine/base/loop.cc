#include "engine/base/loop.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "engine/os/error_names.h"

namespace vws {

std::string EventLoop::not_watched(int error) {
  return std::string(Poller::kWatchCall) + ' ' + errno_name(error);
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
  if (sleeping_.load() || outside_.is_present()) poller_.wake();
}

void EventLoop::force_wake() {
  wake_pending_.store(true);
  poller_.wake();
}

void EventLoop::announce(bool more) {
  if (!outside_.is_present()) return;
  if (more) wake();
  // What turns readable too early, since a timer was cancelled, costs one turn; to change it each time would cost a
  // system call for each connection.
  if (!timers_.empty()) poller_.expire_at(timers_.begin()->first);
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
  watches_.drop_handed_on();
  int timeout = has_left() ? 0 : wait_timeout(max_wait);
  Poller::Batch events;
  if (timeout != 0) {
    sleeping_.store(true);
    if (wake_pending_.load()) timeout = 0;
  }
  int count = 0;
  bool guessed = false;
  // Where there is no descriptor, what was guessed right would be told all the same.
  if (timeout == 0 && !has_left() && backend_fd() >= 0 && outside_.may_guess()) {
    woke_at_ = Clock::now();
    guessed = outside_.guess(watches_);
  }
  if (guessed || has_left()) {
    // Whatever else is ready keeps backend_fd() readable.
  } else if (lock && timeout != 0) {
    sleeps_until_ = timeout < 0 ? TimePoint::max() : Clock::now() + Milliseconds(timeout);
    lock->unlock();
    count = poller_.wait(events, timeout);
    lock->lock();
    sleeps_until_ = TimePoint::min();
  } else {
    count = poller_.wait(events, timeout);
  }
  sleeping_.store(false);
  // Cleared before the queues are looked at: what is queued later sets it again.
  wake_pending_.store(false);
  if (!guessed) woke_at_ = Clock::now();
  part_began_ = woke_at_;
  over_ = false;

  int served = 0;
  for (int i = 0; i < count && !over_; ++i) {
    served += serve(events.token(i), events.readiness(i));
    if (!over_) continue;
    for (int rest = count - 1; rest > i; --rest)
      left_.push_back({events.token(rest), events.readiness(rest)});
  }
  if (count > 0) outside_.learn(count == 1 ? WatchTable::fd_of(events.token(0)) : -1);
  while (count == 0 && has_left() && !over_) {
    const Event event = left_.back();
    left_.pop_back();
    served += serve(event.token, event.readiness);
  }
  served += run_posted();
  served += run_timers(woke_at_);
  return served;
}

int EventLoop::serve(uint64_t token, uint32_t readiness) {
  if (token >= Poller::kFirstOwnToken && poller_.settle(token)) return 0;
  IoHandler* const handler = watches_.handler_of(token);
  if (!handler) return 0;
  handler->on_ready(WatchTable::fd_of(token), readiness);
  return 1;
}

bool EventLoop::has_ready() const {
  if (has_left()) return true;
  if (until_next_timer().count() == 0) return true;
  return poller_.has_events();
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
