#pragma once

// What libwebsockets calls the events that it is told of: poll(2)'s, or those of Windows' sockets.

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif

namespace vws::os {

#ifdef _WIN32
inline constexpr int kPollIn = FD_READ | FD_ACCEPT;
inline constexpr int kPollOut = FD_WRITE;
inline constexpr int kPollHangup = FD_CLOSE;
inline constexpr int kPollError = FD_CLOSE;
#else
inline constexpr int kPollIn = POLLIN;
inline constexpr int kPollOut = POLLOUT;
inline constexpr int kPollHangup = POLLHUP;
inline constexpr int kPollError = POLLERR;
#endif

}  // namespace vws::os
