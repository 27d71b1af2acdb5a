#include "engine/tls/client_context.h"

#include "engine/tls/verify.h"

namespace vws {

namespace {

// Answers OpenSSL that it need not keep the session itself.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  if (TlsVerdict* verdict = TlsVerdict::of(ssl)) verdict->keep_session(session);
  return 0;
}

}  // namespace

void init_openssl() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
}

void prepare_client_context(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, judge_certificate, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  // An idle connection holds no buffers; a write takes what the socket takes, from anywhere;
  // nothing is looked for in stores to go with our own certificate.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
                                SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION);
}

SslCtxPtr make_client_context() {
  init_openssl();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (context) prepare_client_context(context.get());
  return context;
}

}  // namespace vws
