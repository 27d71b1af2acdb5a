#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "engine/base/thread.h"
#include "engine/load_meter.h"
#include "engine/service.h"

namespace vws {

// Who runs the service's turns: a thread of its own, or the consumer's event loop, which is the cheaper
// while there is little to do (two wake-ups less for each message that comes alone) and the dearer when
// there is much. Both change under the service's turn_mutex(). Where nothing else is said, functions are
// for the consumer's thread.
//
// The thread begins. When its turns have become light it asks the consumer, by hand_back, to take() them.
// From then on it stands by: it takes them over again when the consumer's turns have become heavy, or when
// the consumer is busy with something else while work waits, so that a consumer that blocks delays neither
// pongs nor what was sent.
class TurnTaking {
 public:
  // How long a consumer may be busy while work waits. The thread looks so often, while the consumer is not
  // asleep, and not at all while it is.
  static constexpr Milliseconds kPatience{10};
  // More than so much to be written at once is left to the thread.
  static constexpr size_t kMuch = 128 * 1024;

  // stopped is called on the thread, as its last act; it may be empty.
  explicit TurnTaking(Service& service, std::function<void()> stopped = {})
      : service_(service), stopped_(std::move(stopped)) {}
  // Joins the thread.
  ~TurnTaking() { stop(); }
  TurnTaking(const TurnTaking&) = delete;
  TurnTaking& operator=(const TurnTaking&) = delete;

  // Starts the thread. False if the system allows none.
  bool start();
  // Asks the thread to end, without waiting for it. False if there is none.
  bool begin_stop();
  void stop();

  // The consumer can run turns. hand_back runs on the thread, under the lock: it should have the consumer call
  // take() soon.
  void offer(std::function<void()> hand_back);
  // The consumer watches the service's descriptor from now on, and runs the turns. False if the thread has
  // changed its mind.
  bool take();
  // Whether the consumer runs the turns. On its own thread the answer holds at most until it lets go of it.
  bool consumer_runs() const { return consumer_runs_.load(std::memory_order_acquire); }

  // A turn of the consumer's, without sleeping.
  void turn() { turn(Milliseconds(0)); }
  // The same by a consumer that has nothing else to do for so long.
  void sleeping_turn(Milliseconds max_wait);
  // Commands were submitted, which come to so many bytes: a turn that looks at nothing else. False if the thread
  // runs the turns, or should for this.
  bool inline_turn(size_t bytes);

  // The consumer's event loop has woken up, or goes to sleep.
  void woke();
  void sleeps() { busy_.store(false); }

 private:
  void turn(Milliseconds max_wait);
  void run();
  void stand_by(std::unique_lock<std::mutex>& lock);
  void consider_hand_back(TimePoint began, uint64_t moved);
  void note_turn(TimePoint began, uint64_t moved);
  void hand_over();

  Service& service_;
  const std::function<void()> stopped_;
  Thread thread_;
  std::condition_variable stand_by_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> consumer_runs_{false};  // written under the lock

  // Under the lock.
  std::function<void()> hand_back_;  // empty: the consumer has not offered
  bool asked_ = false;               // hand_back was called, and not answered
  LoadMeter meter_;
  Milliseconds spell_{0};  // the thread runs turns at least so long
  TimePoint changed_;      // when turns last changed hands

  // What the consumer's event loop tells.
  std::atomic<bool> busy_{true};
  std::atomic<uint32_t> wakings_{0};
  std::atomic<bool> dormant_{false};  // the thread waits for busy_
};

}  // namespace vws
