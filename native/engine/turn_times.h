#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vws {

// How long the turns of a service took, since its beginning, whoever ran them. Guarded by the lock of those turns.
class TurnTimes {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Upper bounds of the classes, each including its bound; there is one more above the last.
  static constexpr std::array<std::chrono::microseconds, 10> kBounds{
      std::chrono::microseconds(10),    std::chrono::microseconds(50),
      std::chrono::microseconds(100),   std::chrono::microseconds(250),
      std::chrono::microseconds(500),   std::chrono::microseconds(1000),
      std::chrono::microseconds(2500),  std::chrono::microseconds(5000),
      std::chrono::microseconds(10000), std::chrono::microseconds(50000)};
  using Counts = std::array<uint64_t, kBounds.size() + 1>;

  void add(Duration took) {
    size_t place = 0;
    while (place < kBounds.size() && took > kBounds[place]) ++place;
    ++counts_[place];
    sum_ += took;
  }
  void add(const TurnTimes& others) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += others.counts_[i];
    sum_ += others.sum_;
  }
  const Counts& counts() const { return counts_; }
  Duration sum() const { return sum_; }

 private:
  Counts counts_{};
  Duration sum_{0};
};

}  // namespace vws
