#include "engine/inbox.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "engine/ws/tuning.h"

namespace vws {

namespace {
// What a record weighs besides its payload, so that a flood of empty messages is bounded as well.
constexpr size_t kRecordWeight = 64;
}  // namespace

Inbox::Inbox(std::function<void()> notify, size_t high_water, size_t low_water)
    : notify_(std::move(notify)), high_water_(high_water), low_water_(low_water) {}

void Inbox::seal() {
  sealed_bytes_ += open_.bytes;
  sealed_.push_back(std::move(open_));
  open_ = Batch();
}

Batch& Inbox::open_for(size_t slab_bytes, Block Batch::*slab) {
  const bool full =
      open_.records.size() >= Batch::kMaxRecords ||
      (slab && (open_.*slab) && (open_.*slab).size() + slab_bytes > (open_.*slab).capacity());
  const bool alone = !tuning().batch && !open_.records.empty();
  if (full || alone) seal();
  open_.bytes += kRecordWeight + slab_bytes;
  return open_;
}

void Inbox::add(int32_t connection, Kind kind, int32_t a, int32_t b) {
  open_for(0, nullptr).records.push_back({connection, kind, a, b});
}

void Inbox::add_value(int32_t connection, Kind kind, Value value, int32_t other, bool value_in_b) {
  Batch& batch = open_for(0, nullptr);
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
  if (!block) block = BlockPool::shared().take(std::max(n, Batch::kSlabSize));
  const size_t offset = block.size();
  if (n) memcpy(block.data() + offset, data, n);
  block.set_size(offset + n);
  batch.records.push_back(
      {connection, kind, static_cast<int32_t>(offset), static_cast<int32_t>(n)});
}

void Inbox::add_block(int32_t connection, bool text, bool as_string, bool ascii, Block block) {
  const size_t size = block.size();
  const Kind kind = as_string ? (ascii ? Kind::kReceiveAsciiBlock : Kind::kReceiveTextBlock)
                              : Kind::kReceiveLarge;
  add_value(connection, kind, std::move(block), text ? 1 : 0);
  open_.bytes += size;
  // Large messages are handed over as they come: the consumer works on one while the next arrives.
  if (open_.bytes >= Batch::kSlabSize) seal();
}

void Inbox::publish() {
  if (open_.records.empty() && sealed_.empty()) return;
  const size_t bytes = sealed_bytes_ + open_.bytes;
  bool tell = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Batch& batch : sealed_) ready_.push_back(std::move(batch));
    if (!open_.records.empty()) ready_.push_back(std::move(open_));
    if (pending_bytes_.fetch_add(bytes) + bytes > high_water_) was_over_.store(true);
    if (!consumer_told_) {
      consumer_told_ = true;
      tell = true;
    }
  }
  open_ = Batch();
  sealed_.clear();
  sealed_bytes_ = 0;
  arrived_.notify_one();
  if (tell) notify_();
}

bool Inbox::take(Batch& batch, bool* below_low) {
  *below_low = false;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ready_.empty()) {
    consumer_told_ = false;
    return false;
  }
  batch = std::move(ready_.front());
  ready_.pop_front();
  const size_t left = pending_bytes_.fetch_sub(batch.bytes) - batch.bytes;
  if (left <= low_water_ && was_over_.exchange(false)) *below_low = true;
  return true;
}

bool Inbox::is_quiet() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ready_.empty() && !consumer_told_;
}

bool Inbox::wait(int64_t ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto something = [this] { return !ready_.empty() || interrupted_; };
  if (ms < 0) {
    arrived_.wait(lock, something);
  } else {
    arrived_.wait_for(lock, std::chrono::milliseconds(ms), something);
  }
  interrupted_ = false;
  return !ready_.empty();
}

void Inbox::interrupt() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    interrupted_ = true;
  }
  arrived_.notify_one();
}

void Inbox::rearm() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    consumer_told_ = true;
  }
  notify_();
}

}  // namespace vws
