#pragma once

#include <chrono>
#include <cstdint>

namespace vws {

// How much work the engine's turns are, whoever runs them: for the decision whether that should be its own
// thread or the consumer's. Guarded by the lock of those turns.
class LoadMeter {
 public:
  using Clock = std::chrono::steady_clock;

  // What is measured is judged after this long.
  static constexpr std::chrono::milliseconds kWindow{20};
  // A consumer that spends more of its time than this on turns, which are longer than that, is better relieved of
  // them. Shorter ones cost no more than to wake another thread for each, and to be woken by it.
  static constexpr double kHeavyShare = 0.6;
  static constexpr std::chrono::microseconds kLongTurn{200};
  static constexpr std::chrono::microseconds kShortTurn{100};
  // Turns that move so many bytes on average are copying and ciphering more than anything else. With less, a peer that
  // waits for its answer waits longer for two wake-ups than for the copying.
  static constexpr uint64_t kBulkBytes = 160 * 1024;
  static constexpr uint64_t kSmallBytes = 96 * 1024;

  // Begins anew.
  void restart(Clock::time_point now) { *this = LoadMeter(now); }
  // A turn that began and ended so, and moved so many bytes.
  void add(Clock::time_point began, Clock::time_point ended, uint64_t bytes) {
    busy_ += ended - began;
    bytes_ += bytes;
    ++turns_;
    now_ = ended;
  }
  // Whether enough was seen to judge.
  bool ripe() const { return now_ - since_ >= kWindow && turns_ >= 4; }
  bool heavy() const {
    return bytes_ >= turns_ * kBulkBytes || (share() > kHeavyShare && busy_ >= turns_ * kLongTurn);
  }
  bool light() const { return bytes_ < turns_ * kSmallBytes && busy_ < turns_ * kShortTurn; }

  LoadMeter() = default;

 private:
  explicit LoadMeter(Clock::time_point now) : since_(now), now_(now) {}

  double share() const {
    const auto wall = now_ - since_;
    return wall.count() > 0 ? static_cast<double>(busy_.count()) / static_cast<double>(wall.count())
                            : 0;
  }

  Clock::time_point since_{};
  Clock::time_point now_{};
  Clock::duration busy_{0};
  uint64_t bytes_ = 0;
  uint64_t turns_ = 0;
};

}  // namespace vws
