#pragma once

// Where we step between the engine and what it calls. The calls are renamed when the engine is compiled
// (lws_calls.h, cmake/Hooks.cmake), so that its own files stay as they are. Each hook acts only on the service thread
// while it is inside an EngineScope, and passes everything else through.
//
//   socket, connect            the engine gets the socket that our connector made, and has connected
//   lws_ssl_client_bio_create  the connection's own TLS settings are put on the fresh SSL object
//   SSL_connect, SSL_get_error the verdict on a certificate may be awaited; failures are described
//   lws_ssl_capable_write      the request is completed (Upgrade::write)
//   lws_ssl_capable_read       the response is looked at before the engine gets it (Upgrade::read)
//   setsockopt                 our connector has set what that socket needs, and not every kind takes what the
//                              engine would set; 2.4 would pin SO_SNDBUF to the size of its receive buffer
//   open, pipe                 2.4 would let the programs that the process starts have its descriptors
//   sysconf, getdtablesize     the engine has two tables with a place for each descriptor that there may be
//   lws_zalloc, lws_realloc    they take memory as they fill up, whatever `ulimit -n` says
//   WSAEventSelect             on Windows it has 64 events to wait for sockets with, which it never does here
//   getenv                     proxies come from our options, never from the engine's environment

#include <cstddef>

#include "engine/os/unique_fd.h"

namespace vws::hooks {

// Descriptors with this number or a higher one cannot be a connection's. Linux has none, unless fs.nr_open
// has been raised.
constexpr int kMaxDescriptors = 1 << 20;

// The engine's tables are at least so large, and nothing else that it asks for is.
#ifdef _WIN32
constexpr size_t kSmallestTable = 30'000 * sizeof(void*);  // its own number of descriptors there
#else
constexpr size_t kSmallestTable = kMaxDescriptors * sizeof(void*);
#endif

// Marks calls into the engine. While the engine starts a connection, it knows the socket, which is owned here
// until the engine takes it for its own.
class EngineScope {
 public:
  EngineScope();
  explicit EngineScope(int socket);
  ~EngineScope();
  EngineScope(const EngineScope&) = delete;
  EngineScope& operator=(const EngineScope&) = delete;

  // For the hooks. Of the innermost scope of this thread:
  static bool inside();
  // The socket that the connection being started is to use, once; else -1.
  static int take_socket();
  // Whether the engine has been given that socket, and has not connected it yet, as it thinks.
  static bool is_taken(int fd);
  static void connected();

 private:
  EngineScope* outer_;
  UniqueFd offered_;
  int taken_ = -1;
};

}  // namespace vws::hooks
