#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "engine/events.h"
#include "engine/ws/block_pool.h"

namespace vws {

// Records with what they carry: small payload lies in one of two slabs (bytes, and text), the rest in
// values. A slab is small, so that a view that lives long pins little.
struct Batch {
  // A batch is complete with this many records or when a slab is full.
  static constexpr size_t kMaxRecords = 2048;
  static constexpr size_t kSlabSize = 64 * 1024;
  // Messages from this size on have memory of their own.
  static constexpr size_t kLargeMessage = 16 * 1024;

  std::vector<Record> records;
  std::vector<Value> values;
  Block slab;
  Block text;
  size_t bytes = 0;  // what it counts for against the high-water mark
};

// The way from the service to the thread that consumes: everything since the last visit, in one crossing.
class Inbox {
 public:
  // notify is called, on the service's thread, when there is something to take and the consumer does
  // not know. After that it stays silent until take() has found nothing.
  Inbox(std::function<void()> notify, size_t high_water, size_t low_water);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // ---- The service's side; one thread at a time.
  void add(int32_t connection, Kind kind, int32_t a = 0, int32_t b = 0);
  void add_value(int32_t connection, Kind kind, Value value, int32_t a_or_b = 0,
                 bool value_in_b = false);
  // Payload that is copied into a slab.
  void add_bytes(int32_t connection, Kind kind, const uint8_t* data, size_t n);
  // A message that has a block of its own; as_string: text that JavaScript gets as a string.
  void add_block(int32_t connection, bool text, bool as_string, bool ascii, Block block);
  // Hands over what was added. At the end of each turn.
  void publish();
  bool has_full_batch() const { return !sealed_.empty(); }
  // Whether so much waits that sockets must not be read.
  bool over_high_water() const {
    return pending_bytes_.load(std::memory_order_relaxed) + open_.bytes + sealed_bytes_ >
           high_water_;
  }

  // ---- The consumer's side; one thread.
  // False if there is nothing. below_low: so little waits, after it was too much, that the service should
  // read again.
  bool take(Batch& batch, bool* below_low);
  // Whether everything was taken, and the consumer has seen that there is no more.
  bool is_quiet();
  size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  // Blocks until there is something to take; false after ms milliseconds (negative: no limit), or when
  // interrupted.
  bool wait(int64_t ms);
  // Any thread: ends wait().
  void interrupt();
  // Consumer: forget that it was told, so that what is there is announced again.
  void rearm();

 private:
  Batch& open_for(size_t slab_bytes, Block Batch::*slab);
  void seal();

  const std::function<void()> notify_;
  const size_t high_water_;
  const size_t low_water_;

  Batch open_;                 // being filled; the service's
  std::vector<Batch> sealed_;  // filled, not yet handed over; the service's
  size_t sealed_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Batch> ready_;               // guarded by mutex_
  bool consumer_told_ = false;            // guarded by mutex_
  bool interrupted_ = false;              // guarded by mutex_
  std::atomic<size_t> pending_bytes_{0};  // in ready_
  std::atomic<bool> was_over_{false};
};

}  // namespace vws
