#pragma once

#include <functional>
#include <string>

#include "engine/os/address_types.h"

namespace vws::os {

// What getaddrinfo(3) answers: 0, or one of its EAI_ codes; the errno where that is kLookupSystemError.
struct LookupStatus {
  int gai_code = 0;
  int system_errno = 0;
};

extern const int kLookupNotFound;       // EAI_NONAME
extern const int kLookupSystemError;    // EAI_SYSTEM, or a number of ours where there is none
extern const int kLookupAddressFamily;  // the name has no address of the kind asked for

// Looks a name up, taking the time it takes. family: AF_INET, AF_INET6, or AF_UNSPEC for what this machine has
// addresses for. each is called with the IPv4 and IPv6 addresses, in the system's order, which may have some twice.
LookupStatus look_up(const std::string& host, int family,
                     const std::function<void(const sockaddr*, socklen_t)>& each);

// Whether the family, and not the name, is why there is no address.
bool is_wrong_family(int gai_code);

// The name under which Node's users know an error of getaddrinfo(3): "ENOTFOUND" for EAI_NONAME and EAI_NODATA, the
// name itself ("EAI_AGAIN") for others, that of the errno for kLookupSystemError.
std::string lookup_error_name(const LookupStatus& status);
// The system's words for it.
std::string lookup_error_text(const LookupStatus& status);

}  // namespace vws::os
