#include "engine/inbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/ws/tuning.h"

namespace vws {

namespace {
// A vector has room for up to twice what is in it.
constexpr size_t kRecordWeight = 2 * sizeof(Record);
constexpr size_t kValueWeight = 2 * sizeof(Value);

// Batches that are left to the consumer before one is taken back: it is to have something to do meanwhile.
constexpr size_t kLeft = 2;
}  // namespace

Inbox::Inbox(Arrivals& arrivals, bool batching)
    : arrivals_(arrivals),
      batching_(batching),
      slab_size_(batching ? std::clamp(arrivals.high_water_ / 4, size_t{1024}, Batch::kSlabSize)
                          : 1) {}

void Inbox::seal() {
  sealed_bytes_ += open_.bytes;
  sealed_.push_back(std::move(open_));
  open_ = Batch();
  open_blocks_ = 0;
}

// The last batch of ours that waits goes on being filled, if the consumer has others before it. Nothing sleeps
// between this and publish().
void Inbox::take_back() {
  behind_ = false;
  const std::lock_guard<std::mutex> lock(arrivals_.mutex_);
  auto& ready = arrivals_.ready_;
  for (size_t i = ready.size(); i-- > kLeft;) {
    if (ready[i].from != this) continue;
    if (ready[i].batch.bytes >= Batch::kMaxBytes) return;
    open_ = std::move(ready[i].batch);
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(i));
    arrivals_.pending_bytes_.fetch_sub(open_.bytes);
    return;
  }
}

Batch& Inbox::open_for(size_t slab_bytes, Block Batch::*slab) {
  if (open_.records.empty() && behind_ && sealed_.empty()) take_back();
  const bool full =
      open_.records.size() >= Batch::kMaxRecords || open_.bytes >= Batch::kMaxBytes ||
      (slab && (open_.*slab) && (open_.*slab).size() + slab_bytes > (open_.*slab).capacity());
  const bool alone = !batching_ && !open_.records.empty();
  if (full || alone) seal();
  open_.bytes += kRecordWeight;
  return open_;
}

void Inbox::add(int32_t connection, Kind kind, int32_t a, int32_t b) {
  open_for(0, nullptr).records.push_back({connection, kind, a, b});
}

void Inbox::add_value(int32_t connection, Kind kind, Value value, int32_t other, bool value_in_b) {
  Batch& batch = open_for(0, nullptr);
  batch.bytes += kValueWeight + memory_of(value);
  const auto index = static_cast<int32_t>(batch.values.size());
  batch.values.push_back(std::move(value));
  batch.records.push_back(
      {connection, kind, value_in_b ? other : index, value_in_b ? index : other});
}

void Inbox::add_bytes(int32_t connection, Kind kind, const uint8_t* data, size_t n) {
  const bool text = kind == Kind::kReceiveText || kind == Kind::kReceiveAscii;
  Block Batch::*slab = text ? &Batch::text : &Batch::slab;
  Batch& batch = open_for(n, slab);
  Block& block = batch.*slab;
  if (!block) {
    block = BlockPool::shared().take(std::max(n, slab_size_));
    batch.bytes += block.capacity();
  }
  const size_t offset = block.size();
  if (n) memcpy(block.data() + offset, data, n);
  block.set_size(offset + n);
  batch.records.push_back(
      {connection, kind, static_cast<int32_t>(offset), static_cast<int32_t>(n)});
}

void Inbox::add_block(int32_t connection, bool text, bool as_string, bool ascii, Block block) {
  const size_t memory = block.memory();
  const Kind kind = as_string ? (ascii ? Kind::kReceiveAsciiBlock : Kind::kReceiveTextBlock)
                              : Kind::kReceiveLarge;
  add_value(connection, kind, std::move(block), text ? 1 : 0);
  open_blocks_ += memory;
  // Large messages are handed over as they come: the consumer works on one while the next arrives.
  if (open_blocks_ >= Batch::kSlabSize) seal();
}

void Inbox::publish() {
  if (open_.records.empty() && sealed_.empty()) return;
  const size_t bytes = sealed_bytes_ + open_.bytes;
  {
    const std::lock_guard<std::mutex> lock(arrivals_.mutex_);
    auto& ready = arrivals_.ready_;
    for (Batch& batch : sealed_) ready.push_back({std::move(batch), this});
    if (!open_.records.empty()) ready.push_back({std::move(open_), this});
    behind_ = batching_ && ready.size() > kLeft;
    arrivals_.pending_bytes_.fetch_add(bytes);
    if (!arrivals_.consumer_told_) {
      arrivals_.consumer_told_ = true;
      news_ = true;
    }
  }
  open_ = Batch();
  open_blocks_ = 0;
  sealed_.clear();
  sealed_bytes_ = 0;
  arrivals_.arrived_.notify_one();
}

bool Inbox::become_full() {
  full_.store(true);
  // If the consumer has taken all of it before it could see this, nobody would say when to go on.
  if (arrivals_.pending_bytes_.load() + open_.bytes + sealed_bytes_ > arrivals_.low_water_) {
    return true;
  }
  full_.store(false);
  return false;
}

bool Inbox::has_drained() {
  if (!full_.load(std::memory_order_relaxed)) return false;
  if (arrivals_.pending_bytes_.load() + open_.bytes + sealed_bytes_ > arrivals_.low_water_) {
    return false;
  }
  full_.store(false);
  return true;
}

}  // namespace vws
