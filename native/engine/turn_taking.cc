#include "engine/turn_taking.h"

#include <algorithm>
#include <utility>

namespace vws {

namespace {

// Turns that change hands again soon do so ever less often.
constexpr Milliseconds kShortestSpell{20};
constexpr Milliseconds kLongestSpell{2000};
constexpr Milliseconds kSoon{250};

// With one processor nothing is won by another thread, except against a consumer that blocks.
bool has_processors() {
  static const bool several = usable_processors() > 1;
  return several;
}

}  // namespace

bool TurnTaking::start() {
  return thread_.start("vws-service", [this] { run(); }) == 0;
}

void TurnTaking::stop() {
  begin_stop();
  thread_.join();
}

bool TurnTaking::begin_stop() {
  if (!thread_.running()) return false;
  stopping_.store(true);
  relieve();
  return true;
}

// Any thread: stopping_ or consumer_runs_ has changed, and the thread has to see it wherever it sleeps.
void TurnTaking::relieve() {
  { const std::lock_guard<std::mutex> lock(stand_by_mutex_); }
  stand_by_.notify_one();
  service_.loop().force_wake();
}

void TurnTaking::offer(std::function<void()> hand_back) {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  hand_back_ = std::move(hand_back);
  spell_ = kShortestSpell;
  changed_ = Clock::now();
  meter_.restart(changed_);
}

bool TurnTaking::take() {
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  if (!asked_) return false;
  asked_ = false;
  consumer_runs_.store(true, std::memory_order_release);
  service_.loop().set_watched_from_outside(true);
  changed_ = Clock::now();
  meter_.restart(changed_);
  // The thread is asleep in a turn: it is to stand by.
  service_.loop().force_wake();
  return true;
}

void TurnTaking::give_back() {
  if (!consumer_runs()) return;
  const std::lock_guard<std::mutex> lock(service_.turn_mutex());
  if (consumer_runs()) hand_over();
}

// Under the lock; either thread.
void TurnTaking::hand_over() {
  consumer_runs_.store(false, std::memory_order_release);
  service_.loop().set_watched_from_outside(false);
  const TimePoint now = Clock::now();
  spell_ = now - changed_ < kSoon ? std::min(2 * spell_, kLongestSpell) : kShortestSpell;
  changed_ = now;
  meter_.restart(now);
  relieve();
}

void TurnTaking::note_turn(TimePoint began, uint64_t moved) {
  const TimePoint ended = Clock::now();
  service_.note_turn(ended - began);
  meter_.add(began, ended, service_.work_done() - moved);
  // A turn that came to its limit is one too many.
  const bool overran = service_.overran();
  if (!overran && !meter_.ripe()) return;
  if (has_processors() && (overran || meter_.heavy())) {
    hand_over();
  } else {
    meter_.restart(Clock::now());
  }
}

void TurnTaking::turn(Milliseconds max_wait) {
  if (!consumer_runs()) return;
  Service::TurnLock lock(service_);
  // cppcheck-suppress identicalConditionAfterEarlyExit ; the thread may have had the lock until now
  if (!consumer_runs()) return;
  const uint64_t moved = service_.work_done();
  const TimePoint began = service_.turn(max_wait, lock);
  looked_.fetch_add(1);
  note_turn(began, moved);
}

bool TurnTaking::inline_turn(size_t bytes) {
  if (!consumer_runs()) return false;
  const Service::TurnLock lock(service_);
  // cppcheck-suppress identicalConditionAfterEarlyExit ; likewise
  if (!consumer_runs()) return false;
  if (bytes > kMuch && has_processors()) {
    hand_over();
    return false;
  }
  const TimePoint began = Clock::now();
  const uint64_t moved = service_.work_done();
  service_.inline_turn();
  note_turn(began, moved);
  return true;
}

// ---- The thread

void TurnTaking::run() {
  // Bulk can wait for a moment; JavaScript, and the collector's helpers, for which it waits, should not.
  let_others_first();
  Service::TurnLock lock(service_);
  while (!stopping_.load()) {
    if (consumer_runs()) {
      lock.release();
      stand_by();
      lock.take();
      continue;
    }
    const uint64_t moved = service_.work_done();
    const TimePoint began = service_.turn(Milliseconds(-1), lock);
    const TimePoint ended = Clock::now();
    service_.note_turn(ended - began);
    // The consumer has taken over while this turn slept: what the turn has left, work and timers, is the consumer's.
    if (consumer_runs()) service_.loop().force_wake();
    if (hand_back_ && wants_relief(began, ended, moved)) {
      asked_ = true;
      lock.release();
      hand_back_();
      lock.take();
    } else {
      lock.tell();
    }
  }
  lock.release();
  if (stopped_) stopped_();
}

bool TurnTaking::wants_relief(TimePoint began, TimePoint now, uint64_t moved) {
  meter_.add(began, now, service_.work_done() - moved);
  if (asked_ || consumer_runs() || !meter_.ripe()) return false;
  const bool light = meter_.light() || !has_processors();
  meter_.restart(now);
  return light && now - changed_ >= spell_;
}

// Without the lock: whoever runs turns must not wait for one that only watches.
void TurnTaking::stand_by() {
  const auto relieved = [this] { return stopping_.load() || !consumer_runs(); };
  while (!relieved()) {
    service_.loop().wait_until_ready();
    const uint32_t looked = looked_.load();
    {
      std::unique_lock<std::mutex> lock(stand_by_mutex_);
      if (stand_by_.wait_for(lock, kPatience, relieved)) return;
    }
    if (looked_.load() != looked) continue;
    const std::lock_guard<std::mutex> lock(service_.turn_mutex());
    // The consumer may have been in a turn until now.
    if (!relieved() && looked_.load() == looked && service_.has_waiting_work()) hand_over();
  }
}

}  // namespace vws
