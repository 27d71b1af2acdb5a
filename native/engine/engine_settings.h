#pragma once

#include <cstddef>
#include <functional>

#include "engine/base/clock.h"
#include "engine/service.h"

namespace vws {

// Where the engine runs.
enum class ServiceMode {
  kThread,    // on a thread of its own, which does all reading and writing
  kAdaptive,  // wherever it costs less: see TurnTaking
  kLoop,      // on the consumer's thread: it calls turn() when the poller has events
};

struct EngineSettings {
  ServiceMode mode = ServiceMode::kAdaptive;
  // Threads that connections are spread over; with kLoop there is none, and one lane.
  size_t lanes = 1;
  size_t inbound_high_water = 16 * 1024 * 1024;
  size_t inbound_low_water = 4 * 1024 * 1024;
  Milliseconds trim_interval = Service::kTrimInterval;
  // Called on the thread that runs the turns when the first lane has had no connection for so long. The engine does
  // nothing more from then on; where is_idle() agrees, it is better ended, and made again for the next connection.
  std::function<void()> idle;
  Milliseconds idle_interval = Service::kIdleInterval;
  // Called on the last service thread that ends, as its last act.
  std::function<void()> stopped;
};

}  // namespace vws
