#pragma once

#include <string>

#include "engine/net/address.h"
#include "engine/net/networks.h"

namespace vws {

// Proxies that say in a header for whom they ask, and in which.
struct TrustedProxies {
  enum class Header { kXForwardedFor, kForwarded };

  Networks networks;
  Header header = Header::kXForwardedFor;

  const char* header_name() const {
    return header == Header::kForwarded ? "forwarded" : "x-forwarded-for";
  }
};

// For whom a request was made that came from peer: the last address in the header that is no trusted proxy's. Each
// proxy adds to the end of the header the address that it was asked from, so it is read from there; what stands before
// the first address that is not trusted anybody may have written, and is not looked at. Empty if a trusted proxy does
// not tell the address. value: the header's; of several, joined by commas in their order.
Address client_address(const TrustedProxies& proxies, const Address& peer,
                       const std::string& value);

// The values of a header in raw lines ("Name: value\r\n"), joined by commas.
std::string header_value(const std::string& lines, const char* name);

}  // namespace vws
