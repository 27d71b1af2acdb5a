#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/events.h"
#include "engine/ws/block_pool.h"

namespace vws {

class Inbox;

// Records with what they carry: small payload lies in one of two slabs (bytes, and text), the rest in
// values. A slab is small, so that a view that lives long pins little.
struct Batch {
  // A batch is complete with this many records, when a slab is full, or when it has so much memory.
  static constexpr size_t kMaxRecords = 2048;
  static constexpr size_t kMaxBytes = 256 * 1024;
  static constexpr size_t kSlabSize = 64 * 1024;
  // Messages from this size on have memory of their own.
  static constexpr size_t kLargeMessage = 16 * 1024;

  std::vector<Record> records;
  std::vector<Value> values;
  Block slab;
  Block text;
  size_t bytes = 0;  // memory that it has, at most
};

// What the lanes of an engine have handed over, each by its Inbox, and the consumer has not taken.
class Arrivals {
 public:
  // notify is called, by tell() and rearm(), when there is something to take and the consumer does
  // not know. After that it stays silent until take() has found nothing.
  Arrivals(std::function<void()> notify, size_t high_water, size_t low_water)
      : notify_(std::move(notify)), high_water_(high_water), low_water_(low_water) {}
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  // ---- The consumer's side; one thread.
  // The batch that has waited longest. False if there is none.
  bool take(Batch& batch);
  // Whether everything was taken, and the consumer has seen that there is no more.
  bool is_quiet();
  // Bytes of memory that wait.
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  // Blocks until there is something to take; false after ms milliseconds (negative: no limit).
  bool wait(int64_t ms);
  // Forget that the consumer was told, so that what is there is announced again.
  void rearm();

 private:
  friend class Inbox;
  struct Ready {
    Batch batch;
    const Inbox* from;
  };

  const std::function<void()> notify_;
  const size_t high_water_;
  const size_t low_water_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Ready> ready_;               // guarded by mutex_
  bool consumer_told_ = false;            // guarded by mutex_
  std::atomic<size_t> pending_bytes_{0};  // in ready_
};

}  // namespace vws
