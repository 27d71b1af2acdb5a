#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/net/address.h"

namespace vws {

// The longest header of the PROXY protocol that is taken, with what it carries besides the addresses. Version 1 has 107
// bytes at most, version 2 could have 64 KiB.
constexpr size_t kMaxProxyHeader = 4096;

// A header of the PROXY protocol, version 1 or 2, as load balancers send it in front of a connection's first byte.
struct ProxyHeader {
  enum class State { kMore, kDone, kBad };

  State state = State::kMore;
  size_t size = 0;           // kDone: of the header
  bool proxied = false;      // kDone: whether it has addresses; else they are the connection's own
  Address source;            // the client's
  Address destination;       // where the client has connected to
  const char* problem = "";  // kBad
};

// Reads the header that the bytes begin with. Says the same of the same bytes however they arrive.
ProxyHeader parse_proxy_header(const uint8_t* data, size_t size);

}  // namespace vws
