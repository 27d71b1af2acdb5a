#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/clock.h"

namespace vws {

// How far what was written to a socket has got.
struct OutboundState {
  uint64_t acknowledged = 0;  // bytes that the peer's TCP has taken since the beginning
  uint64_t outstanding = 0;   // bytes that were written and are not acknowledged
  Milliseconds since_acknowledged{0};
};

// Of a TCP socket; nothing for others, and on systems that do not tell.
std::optional<OutboundState> outbound_state(int fd);

}  // namespace vws
