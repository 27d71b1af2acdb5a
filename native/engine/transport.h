#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/loop.h"

struct iovec;
struct ssl_st;

namespace vws {

// What a read or a write came to.
struct Transfer {
  size_t bytes = 0;
  size_t sealed =
      0;  // write over TLS: so many bytes behind those are encrypted; the next write begins with them
  bool drained = false;  // nothing more for now: a readiness follows
  bool ended = false;    // nothing more at all
  int starved = 0;       // errno: the system has no memory for it now
  std::string detail;    // why it ended, if not by the peer's wish
};

// The bytes of an open connection: where they come from and go to, and how it ends. Everything runs on the thread that
// holds the service.
class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // -1, and null, where there is none.
  virtual int fd() const = 0;
  virtual ssl_st* ssl() const = 0;

  // The handler is told of readiness from here on. False, with errno, if the kernel does not watch the socket.
  virtual bool begin(IoHandler* handler) = 0;
  // It has been full: the handler is to be told when it takes more, too. False likewise.
  virtual bool watch_writable(IoHandler* handler) = 0;

  // Over TLS into the first piece only. peer_closed: the peer's end has been announced, and is not announced again.
  virtual Transfer read(struct iovec* pieces, int count, bool peer_closed) = 0;
  virtual Transfer write(const struct iovec* pieces, size_t count) = 0;

  // We send nothing more.
  virtual void shut_down() = 0;
  // Ends TCP. Nothing else may be called after it, and the handler is not called any more.
  virtual void close() = 0;
  // At the end of the turn in which it was opened: gives up what only the opening handshake needed.
  virtual void settle() {}
};

// From and to a socket; ssl null: without TLS. As Transport's.
Transfer read_socket(int fd, ssl_st* ssl, struct iovec* pieces, int count, bool peer_closed);
Transfer write_socket(int fd, ssl_st* ssl, const struct iovec* pieces, size_t count);

// Over a socket, with or without TLS.
class SocketTransport : public Transport {
 public:
  Transfer read(struct iovec* pieces, int count, bool peer_closed) override;
  Transfer write(const struct iovec* pieces, size_t count) override;
  void shut_down() override;

 private:
  bool shut_ = false;
};

}  // namespace vws
