#pragma once

namespace vws {

// What differs between the two sides of a connection (RFC 6455 §5.1).
struct Role {
  bool masks;           // the frames it sends
  bool expects_masked;  // frames from its peer
};

constexpr Role kClientRole{true, false};
constexpr Role kServerRole{false, true};

}  // namespace vws
