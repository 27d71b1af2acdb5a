#include "engine/placement.h"

#include <algorithm>
#include <utility>

namespace vws {

Placement::Placement(std::vector<Service*> services) {
  for (Service* service : services) lanes_.push_back({service});
}

Service& Placement::next() {
  if (lanes_.size() == 1) {
    listening().expect();
    return listening();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  look();
  const auto load = [](const Place& lane) {
    const auto lately = lane.recent + (lane.service->busy() - lane.busy);
    return std::make_pair(lane.service->load(), lately);
  };
  const auto least = std::min_element(
      lanes_.begin(), lanes_.end(),
      [&load](const Place& one, const Place& other) { return load(one) < load(other); });
  least->service->expect();
  return *least->service;
}

void Placement::look() {
  const TimePoint now = Clock::now();
  if (looked_ != TimePoint::min() && now - looked_ < kLookInterval) return;
  looked_ = now;
  for (Place& lane : lanes_) {
    const auto busy = lane.service->busy();
    lane.recent = busy - lane.busy;
    lane.busy = busy;
  }
}

}  // namespace vws
