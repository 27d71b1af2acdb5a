#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/arrivals.h"
#include "engine/events.h"
#include "engine/ws/block_pool.h"
#include "engine/ws/tuning.h"

namespace vws {

// The way from a service to the thread that consumes: everything since the last visit, in one crossing. One thread at
// a time.
//
// What waits is bounded by the memory it has, not by the payload: a slab has 64 KiB even for one byte. So that
// one byte in each turn does not cost a slab each, a batch that the consumer will not come to soon is taken
// back and filled further. The bound is for all lanes of the engine together.
class Inbox {
 public:
  // batching false: each record is a batch of its own.
  explicit Inbox(Arrivals& arrivals, bool batching = tuning().batch);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

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
  void tell() const { arrivals_.notify_(); }
  // Whether so much waits that sockets must not be read: from the high-water mark on, until has_drained() says
  // otherwise.
  bool is_full() {
    if (full_.load(std::memory_order_relaxed)) return true;
    return waiting() > arrivals_.high_water_ && become_full();
  }
  // Whether it was full and is below the low-water mark now: then it is full no more.
  bool has_drained();
  // The consumer's thread, after it has taken a batch: whether the service has stopped reading, and should look at
  // has_drained().
  bool may_go_on() const {
    return arrivals_.pending_bytes_.load() <= arrivals_.low_water_ && full_.load();
  }

 private:
  Batch& open_for(size_t slab_bytes, Block Batch::*slab);
  void seal();
  void take_back();
  bool become_full();
  size_t waiting() const { return arrivals_.pending_bytes() + open_.bytes + sealed_bytes_; }

  Arrivals& arrivals_;
  const bool batching_;
  const size_t slab_size_;

  Batch open_;                 // being filled
  size_t open_blocks_ = 0;     // what it has in blocks of messages
  std::vector<Batch> sealed_;  // filled, not yet handed over
  size_t sealed_bytes_ = 0;
  bool behind_ = false;  // batches wait that the consumer will not come to soon
  bool news_ = false;

  // The service sets it, then looks at the bytes that wait; the consumer lessens those, then looks at it. Both
  // sequentially consistent, so that one of the two sees the other.
  std::atomic<bool> full_{false};  // set and cleared by the service
};

}  // namespace vws
