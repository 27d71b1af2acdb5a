#pragma once

#include <cstdint>
#include <string>

#include "engine/os/unique_fd.h"

namespace vws {

// Where a server listens: one of an address with a port, a Unix path, and a descriptor that listens already.
struct ListenAddress {
  std::string host;  // numeric; empty: all addresses
  uint16_t port = 0;
  std::string path;  // of a Unix socket
  int fd = -1;       // which is not taken over: its copy is
  int backlog = 511;
  bool ipv6_only = false;
  bool reuse_port = false;
};

// Why there is no socket, in Node's terms.
struct ListenError {
  int number = 0;            // errno
  const char* syscall = "";  // "listen", as Node has it for bind() too
};

// A listening socket, or none with *error. Any thread.
UniqueFd open_listening_socket(const ListenAddress& address, ListenError* error);

}  // namespace vws
