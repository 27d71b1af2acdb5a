#pragma once

// POLLIN and its kin, which libwebsockets is told of.

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#endif
