#pragma once

#include <openssl/ssl.h>

#include "engine/tls/tls_error.h"

namespace vws {

class TlsVerdict;

// What came of a call to SSL_connect(), SSL_read() or SSL_write(). As SSL_get_error(), but that
// function is hooked, and this one leaves the error queue and errno as they are.
enum class TlsStatus {
  kOk,
  kWantRead,
  kWantWrite,
  kClosed,    // close_notify arrived
  kEof,       // TCP ended without it
  kSyscall,   // errno says why
  kProtocol,  // the error queue says why
};
TlsStatus tls_status(const SSL* ssl, int result);

// Why a handshake failed, to be called right after SSL_connect(), on its thread: reads errno and
// the error queue without changing either.
TlsFailure describe_handshake_failure(const SSL* ssl, const TlsVerdict& verdict);

// Why a read or a write failed, likewise. A server that refuses our certificate under TLS 1.3 says
// so here: its alert arrives after the handshake.
TlsFailure describe_io_failure(const SSL* ssl);

}  // namespace vws
