#pragma once

#include <cerrno>

namespace vws {

// What the errno of send(), recv() and their kin says beyond "it has failed".

// The socket has no room, or nothing to read: it tells when that has changed.
inline bool is_blocked(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// The system is short of memory for the moment. Nothing tells when that has passed.
inline bool is_starved(int error) { return error == ENOBUFS || error == ENOMEM; }

}  // namespace vws
