#include "engine/arrivals.h"

#include <chrono>

namespace vws {

bool Arrivals::take(Batch& batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ready_.empty()) {
    consumer_told_ = false;
    return false;
  }
  batch = std::move(ready_.front().batch);
  ready_.pop_front();
  pending_bytes_.fetch_sub(batch.bytes);
  return true;
}

bool Arrivals::is_quiet() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ready_.empty() && !consumer_told_;
}

bool Arrivals::wait(int64_t ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto something = [this] { return !ready_.empty(); };
  if (ms < 0) {
    arrived_.wait(lock, something);
  } else {
    arrived_.wait_for(lock, std::chrono::milliseconds(ms), something);
  }
  return !ready_.empty();
}

void Arrivals::rearm() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    consumer_told_ = true;
  }
  notify_();
}

}  // namespace vws
