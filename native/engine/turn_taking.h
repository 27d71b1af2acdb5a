#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "engine/load_meter.h"
#include "engine/os/thread.h"
#include "engine/service.h"

namespace vws {

// Who runs the service's turns: a thread of its own, or the consumer's event loop, which is the cheaper
// while there is little to do (two wake-ups less for each message that comes alone) and the dearer when
// there is much. Where nothing else is said, functions are for the consumer's thread.
//
// The states, each of which only the one named leaves, holding turn_mutex():
//
//   the thread runs       the thread: calls hand_back() when its turns have become light, and goes on
//   the thread has asked  the consumer: take()
//   the consumer runs     the consumer: hand_over() when its turns have become heavy.
//                         The thread: hand_over() when the consumer lets work wait.
//
// While the consumer runs the turns, the thread stands by. It sleeps on the descriptor that tells the consumer's
// loop of work, and so sleeps as long as there is none. When it wakes up it gives the consumer kPatience; if that has
// not looked at the descriptors meanwhile, and something still waits, the thread takes over. It needs no word from
// the consumer, so that it does not matter where that is blocked: in a handler of ours, of another socket's, in a
// timer or between them. All that waits must show on the descriptor for that: EventLoop::announce() sees to it.
//
// Three things wake a thread that stands by and is to run the turns, or to end: the loop's own wake-up, which nobody
// else takes from the descriptor once the consumer has ceased to run turns, when it sleeps there; stand_by_, while it
// gives the consumer time; and the same wake-up if it still sleeps in its last turn.
class TurnTaking {
 public:
  // How long a consumer may let work wait.
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

  // The consumer can run turns; once. hand_back runs on the thread: it should have the consumer call take() soon.
  void offer(std::function<void()> hand_back);
  // The consumer watches the service's descriptor from now on, and runs the turns. False if the thread has
  // changed its mind.
  bool take();
  // The consumer will be away for a while: the thread runs the turns until it asks again.
  void give_back();
  // Whether the consumer runs the turns. On its own thread the answer holds at most until it lets go of it.
  bool consumer_runs() const { return consumer_runs_.load(std::memory_order_acquire); }

  // A turn of the consumer's, which sleeps at most so long.
  void turn(Milliseconds max_wait = Milliseconds(0));
  // Commands were submitted, which come to so many bytes: a turn that looks at nothing else. False if the thread
  // runs the turns, or should for this.
  bool inline_turn(size_t bytes);

 private:
  void run();
  void stand_by();
  bool wants_relief(TimePoint began, TimePoint now, uint64_t moved);
  void note_turn(TimePoint began, uint64_t moved);
  void hand_over();
  void relieve();

  Service& service_;
  const std::function<void()> stopped_;
  Thread thread_;
  // Of its own, so that a thread that stands by is in nobody's way.
  std::mutex stand_by_mutex_;
  std::condition_variable stand_by_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> consumer_runs_{false};  // written under the lock
  // Turns in which the consumer has looked at the descriptors; written under the lock.
  std::atomic<uint32_t> looked_{0};

  // Under the lock.
  std::function<void()> hand_back_;  // empty: the consumer has not offered. Called without the lock
  bool asked_ = false;               // hand_back was called, and not answered
  LoadMeter meter_;
  Milliseconds spell_{0};  // the thread runs turns at least so long
  TimePoint changed_;      // when turns last changed hands
};

}  // namespace vws
