#pragma once

#include <cstdint>

#include "engine/os/readiness.h"

namespace vws {

// Receives the readiness of one descriptor. Runs on the thread that runs the loop.
class IoHandler {
 public:
  virtual ~IoHandler() = default;
  virtual void on_ready(int fd, uint32_t readiness) = 0;
  // Reads at once, without knowing whether anything has come. False: it had not, or nothing may be read
  // now. Only for descriptors that are watched as kReadable | kEdge.
  virtual bool try_read() { return false; }
};

}  // namespace vws
