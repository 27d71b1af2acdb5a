#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "engine/base/clock.h"

namespace vws {

// Waits awake for what is likely to come within microseconds: the answer of a peer on this machine, or near it. To
// sleep and to be woken up takes about kLimit of a processor's time, and delays what comes by as much. Where nothing
// came, it is tried ever less often, so that it costs nothing where peers are far away.
class ShortWait {
 public:
  static constexpr std::chrono::microseconds kLimit{25};
  // After many failures so many occasions are left out between two tries.
  static constexpr uint32_t kLongestPause = 1023;

  // others: whether the machine has another processor, on which a peer could work meanwhile. Without, ready() is asked
  // once.
  explicit ShortWait(bool others) : others_(others) {}

  // Whether ready() is true, or becomes so in time.
  template <typename Ready>
  bool wait(const Ready& ready) {
    if (ready()) return true;
    if (!others_) return false;
    if (skip_ > 0) {
      --skip_;
      return false;
    }
    const TimePoint until = Clock::now() + kLimit;
    while (!ready()) {
      if (Clock::now() < until) continue;
      skip_ = pause_;
      pause_ = std::min(2 * pause_ + 1, kLongestPause);
      return false;
    }
    pause_ /= 2;
    return true;
  }

 private:
  const bool others_;
  uint32_t pause_ = 1;  // occasions to leave out after the next failure
  uint32_t skip_ = 0;   // to be left out now
};

}  // namespace vws
