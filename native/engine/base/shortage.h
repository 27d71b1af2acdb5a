#pragma once

#include <algorithm>
#include <optional>

#include "engine/base/clock.h"

namespace vws {

// A time in which the system has no memory for a socket (is_starved()). Nothing tells when that has passed: it is tried
// again after a moment, then ever later, until it has lasted too long. Belongs to one thread.
class Shortage {
 public:
  static constexpr Milliseconds kLimit{10000};

  // It still has none: when to try again. Nothing: it has lasted for limit.
  std::optional<Milliseconds> next_try(Milliseconds limit = kLimit) {
    constexpr Milliseconds kShortest{1};
    constexpr Milliseconds kLongest{250};
    const TimePoint now = Clock::now();
    if (since_ == TimePoint::min()) {
      since_ = now;
      delay_ = kShortest;
    } else if (now - since_ >= limit) {
      return std::nullopt;
    }
    const Milliseconds delay = delay_;
    delay_ = std::min(2 * delay_, kLongest);
    return delay;
  }
  // It has.
  void pass() { since_ = TimePoint::min(); }

 private:
  TimePoint since_ = TimePoint::min();  // min(): it has
  Milliseconds delay_{0};
};

}  // namespace vws
