#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/io_handler.h"
#include "engine/base/outside_watcher.h"
#include "engine/base/watch_table.h"
#include "engine/os/poller.h"

namespace vws {

// How long a turn may go on before what is left waits for the next one, so that nobody holds the loop for long. A
// turn has two parts, each of which may take that long: the loop's own (descriptors, timers), and what its owner does
// with what they told.
constexpr std::chrono::microseconds kTurnLimit{1500};

// An event loop of one thread: descriptors, timers and work posted by other threads. Everything but
// post() and wake() belongs to the thread that runs it.
class EventLoop {
 public:
  using TimerId = uint64_t;  // 0 is never a timer
  using Task = std::function<void()>;

  EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // False if the kernel refused a descriptor at construction; nothing else may be called then.
  bool ok() const { return poller_.ok(); }

  // Watches fd. The handler must stay alive until unwatch() or hand_on(). False (with errno set) if refused.
  // Watching a descriptor that is watched already changes its handler and its interest.
  bool watch(int fd, uint32_t interest, IoHandler* handler) {
    return watches_.watch(fd, interest, handler);
  }
  void unwatch(int fd) {
    watches_.unwatch(fd);
    outside_.forget(fd);
  }
  // For messages, when watch() has failed with that errno: the system's call, and the name of the error.
  static std::string not_watched(int error);
  // As unwatch(), of a descriptor that somebody else will watch in this turn: one system call then instead of two.
  void hand_on(int fd) { watches_.hand_on(fd); }

  // Runs task once, no earlier than delay from now. May be called, and timers cancelled, from tasks.
  TimerId after(Milliseconds delay, Task task);
  void cancel(TimerId id);

  // Any thread: runs task on the loop's thread, in order, as soon as it turns.
  void post(Task task);
  // Any thread: makes a run_once() that sleeps return, or the next one not sleep. Costs a system call
  // only when the loop sleeps and no wake-up is pending.
  void wake();

  // Any thread: the same whatever the loop seems to do. For who runs the loop in another's place: two threads may
  // wait on it for a moment, of which sleeping_ knows one.
  void force_wake();

  // One turn: waits for at most max_wait (negative: without limit) or until the next timer, then runs
  // what is ready. Returns the number of descriptors, timers and tasks served. With a lock, which the
  // caller holds, the turn sleeps without it, so that another thread may hold the loop meanwhile.
  int run_once(Milliseconds max_wait, std::unique_lock<std::mutex>* lock = nullptr);

  // The descriptor that turns readable when run_once(0) has something to do; of timers and of work that the owner
  // has left to the next turn it tells after announce().
  int backend_fd() const { return poller_.backend_fd(); }
  // For who waits for it by other means.
  Poller& poller() { return poller_; }
  // Somebody else sleeps on backend_fd() instead of run_once(): wake() makes it readable, always.
  void set_watched_from_outside(bool watched) { outside_.set_present(watched); }
  // At the end of a turn that somebody else may have to go on with: backend_fd() turns readable when the next timer
  // is due, or at once if there is more to do.
  void announce(bool more);
  // Any thread: whether backend_fd() is readable.
  bool shows_work() const { return poller_.has_events(); }
  // Any thread: sleeps until it is, without serving anything. A signal may end it early.
  void wait_until_ready() const { poller_.sleep(); }
  // What takes long asks, now and then, whether the turn, or this part of it, is over. To look at the clock costs more
  // than to ask what it said last.
  void begin_part() {
    part_began_ = Clock::now();
    over_ = false;
  }
  void look_at_clock() { over_ = over_ || Clock::now() - part_began_ >= kTurnLimit; }
  bool over() const { return over_; }
  // Whether run_once() has left events to the next one.
  bool has_left() const { return !left_.empty(); }
  // Whether a descriptor is ready or a timer due, without serving them.
  bool has_ready() const;
  // When the last run_once() began to serve.
  TimePoint woke_at() const { return woke_at_; }
  // Whether the thread that sleeps in run_once() would not wake in time for the next timer, since that was
  // added meanwhile by whoever holds the loop: then that one must wake() it.
  bool sleeps_past_timer() const;
  // How long until the next timer; negative if there is none.
  Milliseconds until_next_timer() const;

 private:
  struct Timer {
    TimerId id;
    Task task;
  };
  // What the kernel has told of a descriptor.
  struct Event {
    uint64_t token;
    uint32_t readiness;
  };

  int serve(uint64_t token, uint32_t readiness);
  int run_timers(TimePoint now);
  int run_posted();
  int wait_timeout(Milliseconds max_wait) const;

  Poller poller_;
  WatchTable watches_{poller_};
  OutsideWatcher outside_;
  std::vector<Event> left_;  // not served yet; the first of them last
  TimePoint part_began_ = TimePoint::min();
  bool over_ = false;
  std::multimap<TimePoint, Timer> timers_;
  std::map<TimerId, TimePoint> timer_times_;
  TimerId next_timer_ = 0;

  std::mutex posted_mutex_;
  std::vector<Task> posted_;  // guarded by posted_mutex_
  // wake() sets wake_pending_, then looks at sleeping_; run_once() sets sleeping_, then looks at
  // wake_pending_. Both sequentially consistent, so that one of the two sees the other.
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> sleeping_{false};
  TimePoint sleeps_until_ = TimePoint::min();
  TimePoint woke_at_ = TimePoint::min();
};

}  // namespace vws
