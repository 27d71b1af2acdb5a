#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstddef>

#include "engine/lws_compat.h"
#include "engine/os/lazy_memory.h"
#include "engine/os/lws_calls.h"
#include "engine/os/lws_scope.h"
#include "engine/tls/tls_io.h"
#include "engine/upgrade.h"

// The hooks into libwebsockets' own functions and OpenSSL's; the others are in os/lws_calls.cc.

// What libwebsockets has under these names, which are ours now (cmake/Hooks.cmake).
extern "C" {
void* vws_original_lws_zalloc(size_t size, const char* reason);
void* lws_zalloc(size_t size, const char* reason);
void* vws_original_lws_realloc(void* memory, size_t size, const char* reason);
void* lws_realloc(void* memory, size_t size, const char* reason);
int vws_original_lws_ssl_client_bio_create(struct lws* wsi);
int lws_ssl_client_bio_create(struct lws* wsi);
int vws_original_lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size);
int lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size);
int vws_original_lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size);
int lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size);
}

using vws::Upgrade;
using vws::hooks::EngineScope;

namespace {

// Whether SSL_connect() was just made to wait.
thread_local const SSL* waiting_ssl = nullptr;

// The upgrade of a wsi that is under way or refused; null for one that is established, or not ours.
Upgrade* current_upgrade(lws* wsi) {
  if (!EngineScope::inside()) return nullptr;
  Upgrade* upgrade = Upgrade::of(wsi);
  if (!upgrade || (upgrade->done() && !upgrade->refused())) return nullptr;
  upgrade->attach(wsi);
  return upgrade;
}

}  // namespace

void* lws_zalloc(size_t size, const char* reason) {
  // The tables alone are so large; they are never made larger or smaller.
  if (size < vws::hooks::kSmallestTable) return vws_original_lws_zalloc(size, reason);
  return vws::LazyMemory::allocate(size);
}

void* lws_realloc(void* memory, size_t size, const char* reason) {
  if (size == 0 && vws::LazyMemory::free(memory)) return nullptr;
  return vws_original_lws_realloc(memory, size, reason);
}

int lws_ssl_client_bio_create(struct lws* wsi) {
  const int result = vws_original_lws_ssl_client_bio_create(wsi);
  if (result < 0) return result;
  Upgrade* upgrade = current_upgrade(wsi);
  return upgrade ? upgrade->apply_tls(static_cast<SSL*>(lws_get_ssl(wsi))) : result;
}

int lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size) {
  Upgrade* upgrade = current_upgrade(wsi);
  return upgrade ? upgrade->read(buffer, size)
                 : vws_original_lws_ssl_capable_read(wsi, buffer, size);
}

int lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size) {
  Upgrade* upgrade = current_upgrade(wsi);
  return upgrade ? upgrade->write(data, size) : vws_original_lws_ssl_capable_write(wsi, data, size);
}

int vws_hook_SSL_connect(SSL* ssl) {
  Upgrade* upgrade = EngineScope::inside() ? Upgrade::of(ssl) : nullptr;
  if (!upgrade) return SSL_connect(ssl);
  waiting_ssl = nullptr;
  vws::tls_forget_shortage(ssl);
  const int result = SSL_connect(ssl);
  if (result == 1) {
    upgrade->note_tls_memory();
    if (upgrade->certificate_settled(ssl)) return 1;
    waiting_ssl = ssl;
    return -1;
  }
  const int error = SSL_get_error(ssl, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    const int starved = vws::tls_shortage(ssl);
    if (starved == 0) upgrade->note_tls_memory();
    if (starved == 0 || upgrade->rest_tls()) return result;
    upgrade->note_tls_starved(starved);
  } else {
    upgrade->note_tls_failure(ssl);
  }
  // 2.4 takes a failure that left no error behind (the peer hung up) for a success.
  if (ERR_peek_error() == 0) ERR_raise(ERR_LIB_SSL, SSL_R_SSL_HANDSHAKE_FAILURE);
  return -1;
}

int vws_hook_SSL_get_error(const SSL* ssl, int result) {
  if (ssl && ssl == waiting_ssl) return SSL_ERROR_WANT_READ;
  return SSL_get_error(ssl, result);
}
