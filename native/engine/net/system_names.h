#pragma once

#include <string>

namespace vws {

// "ECONNREFUSED" for ECONNREFUSED; "errno 12345" for what the system does not know.
std::string errno_name(int number);

// The name under which Node's users know an error of getaddrinfo(3): "ENOTFOUND" for EAI_NONAME and
// EAI_NODATA, the name itself ("EAI_AGAIN") for others, that of system_errno for EAI_SYSTEM.
std::string gai_name(int gai_code, int system_errno);

// The system's words for an errno. Any thread.
std::string errno_text(int number);

}  // namespace vws
