#pragma once

#include <cerrno>
#include <string>

// A system that has none never gives it.
#ifndef EHOSTDOWN
#define EHOSTDOWN 10064
#endif

namespace vws {

// "ECONNREFUSED" for ECONNREFUSED; "errno 12345" for what the system does not know.
std::string errno_name(int number);

// The system's words for an errno. Any thread.
std::string errno_text(int number);

}  // namespace vws
