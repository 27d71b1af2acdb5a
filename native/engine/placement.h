#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "engine/base/clock.h"
#include "engine/service.h"

namespace vws {

// Which of an engine's lanes gets a new connection: the one that has the fewest, and among equals the one whose turns
// have taken the least time lately. Any thread.
class Placement {
 public:
  // All lanes, by number.
  explicit Placement(std::vector<Service*> services);

  // The one that gets a new connection, which counts among its own from here on.
  Service& next();
  // The one that listens.
  Service& listening() const { return *lanes_.front().service; }

 private:
  // Lately: since the last look, or the one before.
  static constexpr Milliseconds kLookInterval{100};

  struct Place {
    Service* service;
    std::chrono::nanoseconds busy{0};    // in turns, when we looked
    std::chrono::nanoseconds recent{0};  // in the time before that
  };

  void look();

  std::mutex mutex_;  // guards what follows, but for the services
  std::vector<Place> lanes_;
  TimePoint looked_ = TimePoint::min();
};

}  // namespace vws
