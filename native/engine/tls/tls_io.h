#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/os/iovec.h"
#include "engine/tls/openssl_ptr.h"
#include "engine/tls/tls_error.h"

namespace vws {

// What a read or write came to. Bytes may have moved whatever the state.
struct IoResult {
  enum State {
    kOk,         // all room filled, or all bytes taken: there may be more
    kWantRead,   // go on when the socket is readable
    kWantWrite,  // go on when it is writable
    kClosed,     // the peer ended TLS properly
    kEof,        // it ended TCP without ending TLS first, as many do
    kError,      // why
  };
  State state = kOk;
  size_t bytes = 0;
  // Writes that end in kWantWrite or kWantRead: so many bytes behind those counted are encrypted
  // already. The next write must begin with the same bytes, at any address, in as many pieces or
  // more, and may have more behind them.
  size_t sealed = 0;
  // With kWantRead and kWantWrite: the errno if the system was short of memory (is_starved()). The socket
  // does not tell when that has passed: go on after a moment.
  int starved = 0;
  TlsFailure failure;
};

// Before the handshake: takes the place of OpenSSL's own socket, which takes errors that will not pass
// (ENOTCONN, EPROTO) for reasons to wait.
void tls_use_socket(SSL* ssl);

// Bracket SSL_do_handshake() where tls_use_socket() was called: the errno if it waits since the system is short of
// memory (IoResult::starved), else 0.
void tls_forget_shortage(const SSL* ssl);
int tls_shortage(const SSL* ssl);

// To be called once, when the engine has handed the connection over: from here on several records
// go to a system call, both ways. (Not before: the engine waits for the socket to turn readable
// although what it waits for has been read ahead.)
void tls_begin_bulk(SSL* ssl);

// Reads until the room is full or nothing is left to read. State kOk: call again, more may be
// waiting in the SSL, for which the socket does not turn readable. short_means_empty: for sockets
// watched for edges (EPOLLET), whose end has not been announced: a read that does not fill its room
// has emptied the socket, and saves the one that would tell so. Service thread.
IoResult tls_read(SSL* ssl, uint8_t* buffer, size_t size, bool short_means_empty = false);

// Writes until everything is taken or the socket takes no more, in records as full as can be:
// pieces are joined, so that a burst of small frames costs one record. Service thread.
IoResult tls_write(SSL* ssl, const struct iovec* pieces, size_t count);

inline IoResult tls_write(SSL* ssl, const uint8_t* data, size_t size) {
  const struct iovec piece { const_cast<uint8_t*>(data), size };
  return tls_write(ssl, &piece, 1);
}

}  // namespace vws
