#pragma once

#include <cstdint>

namespace vws {

// What a descriptor is ready for, or is watched for. kHangup and kError are always reported.
enum Readiness : uint32_t {
  kReadable = 1u << 0,
  kWritable = 1u << 1,
  kHangup = 1u << 2,  // both directions are shut
  kError = 1u << 3,
  kEdge = 1u << 4,        // watch only: report changes, not levels
  kPeerClosed = 1u << 5,  // the peer will send nothing more; comes with kReadable
};

}  // namespace vws
