#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "file_descriptor.h"

namespace bench {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

using SslContext = std::unique_ptr<SSL_CTX, SslContextDeleter>;

// What both sides set: few system calls and little memory a connection, partial writes allowed.
void tune(SSL_CTX* context);

// A non-blocking stream of bytes over a connected socket, with TLS where a context is given.
class Transport {
 public:
  enum class Role { kServer, kClient };
  enum class Status { kOk, kWantRead, kWantWrite, kClosed };
  struct Result {
    Status status;
    size_t bytes;
  };

  Transport(FileDescriptor socket, SSL_CTX* context, Role role);

  // Goes on with the TLS handshake; kOk when there is none or it is done.
  Status handshake();
  // Reads until the buffer is full or nothing is left. kOk with what was read, if anything was.
  Result read(uint8_t* data, size_t size);
  // Writes what the socket takes. kWantWrite when it took less than all, or flush() has some of it left.
  Result write(const uint8_t* data, size_t size);
  // Sends what write() has taken and the socket has not: kWantWrite if some is left, to be tried again when the
  // socket is writable.
  Status flush();

  // Ends with a reset, so that neither side keeps the port in TIME_WAIT.
  void reset_on_close();
  int fd() const { return socket_.get(); }

 private:
  Result read_plain(uint8_t* data, size_t size);
  Result read_tls(uint8_t* data, size_t size);
  Status tls_status(int result) const;
  void gather_records();

  FileDescriptor socket_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
  bool handshaken_;
  bool gathers_ = false;
};

}  // namespace bench
