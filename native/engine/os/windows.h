#pragma once

// For the files of this folder that are for Windows: its headers, in the order they need, and what its sockets say in
// POSIX's words.
//
// Descriptors are ints here as everywhere. Windows' own are as wide as pointers, but it promises that no handle has
// more than 32 significant bits.

#include <winsock2.h>
// Those above come first.
#include <ws2tcpip.h>

#include <cerrno>
#include <cstdint>

namespace vws::os {

inline SOCKET socket_of(int fd) { return static_cast<SOCKET>(static_cast<intptr_t>(fd)); }
inline int descriptor_of(SOCKET socket) { return static_cast<int>(static_cast<intptr_t>(socket)); }

// The errno that means the same as an error of WSAGetLastError(). Any thread.
int errno_of(int windows_error);
// Puts the reason why a call on sockets has just failed in errno. Always -1.
int fail_by_windows();

// Before the first call on sockets, once; again it costs nothing. Any thread.
void start_sockets();

}  // namespace vws::os
