#pragma once

#include <openssl/ssl.h>

#include "engine/tls/openssl_ptr.h"

namespace vws {

// Starts OpenSSL, before anything else does: without the system's configuration file, which is made
// for another build of it, and without an exit handler, which would take it away from threads that
// still run. Once is enough, more do no harm. Any thread.
void init_openssl();

// Makes a context of the engine ready for TlsConfig::apply(): verification (verify.h), the
// collecting of sessions (session_cache.h), and what saves memory and system calls.
void prepare_client_context(SSL_CTX* context);

// A context of our own, prepared, that trusts nobody by itself. Can be given to the engine as its
// provided_client_ssl_ctx. Null without memory.
SslCtxPtr make_client_context();

}  // namespace vws
