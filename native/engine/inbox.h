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
#include "engine/ws/tuning.h"

namespace vws {

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

// The way from the service to the thread that consumes: everything since the last visit, in one crossing.
//
// What waits is bounded by the memory it has, not by the payload: a slab has 64 KiB even for one byte. So that
// one byte in each turn does not cost a slab each, a batch that the consumer will not come to soon is taken
// back and filled further.
class Inbox {
 public:
  // notify is called, by tell() and rearm(), when there is something to take and the consumer does
  // not know. After that it stays silent until take() has found nothing.
  // batching false: each record is a batch of its own.
  Inbox(std::function<void()> notify, size_t high_water, size_t low_water,
        bool batching = tuning().batch);
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
  // Whether the consumer is to be told of what was published: with tell(), by whoever takes the news, without any lock.
  bool has_news() const { return news_; }
  bool take_news() { return std::exchange(news_, false); }
  void tell() const { notify_(); }
  // Whether so much waits that sockets must not be read: from the high-water mark on, until has_drained() says
  // otherwise.
  bool is_full() {
    if (full_.load(std::memory_order_relaxed)) return true;
    return waiting() > high_water_ && become_full();
  }
  // Whether it was full and is below the low-water mark now: then it is full no more.
  bool has_drained();

  // ---- The consumer's side; one thread.
  // False if there is nothing. below_low: the service has stopped reading, and should look at has_drained().
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
  void take_back();
  bool become_full();
  size_t waiting() const {
    return pending_bytes_.load(std::memory_order_relaxed) + open_.bytes + sealed_bytes_;
  }

  const std::function<void()> notify_;
  const size_t high_water_;
  const size_t low_water_;
  const bool batching_;
  const size_t slab_size_;

  Batch open_;                 // being filled; the service's
  size_t open_blocks_ = 0;     // what it has in blocks of messages
  std::vector<Batch> sealed_;  // filled, not yet handed over; the service's
  size_t sealed_bytes_ = 0;
  bool behind_ = false;  // batches wait that the consumer will not come to soon; the service's
  bool news_ = false;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Batch> ready_;     // guarded by mutex_
  bool consumer_told_ = false;  // guarded by mutex_
  bool interrupted_ = false;    // guarded by mutex_
  // The service sets full_, then looks at pending_bytes_; the consumer lessens pending_bytes_, then looks at
  // full_. Both sequentially consistent, so that one of the two sees the other.
  std::atomic<size_t> pending_bytes_{0};  // in ready_
  std::atomic<bool> full_{false};         // set and cleared by the service
};

}  // namespace vws
