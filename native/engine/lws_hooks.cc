#include "engine/lws_hooks.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "engine/base/lazy_memory.h"
#include "engine/lws_calls.h"
#include "engine/lws_compat.h"
#include "engine/tls/tls_io.h"
#include "engine/upgrade.h"

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

namespace vws::hooks {

namespace {
// The innermost scope of this thread, and whether SSL_connect() was just made to wait.
thread_local EngineScope* current_scope = nullptr;
thread_local const SSL* waiting_ssl = nullptr;
}  // namespace

struct Current {
  static bool inside() { return current_scope != nullptr; }

  // The socket that the connection being started is to use, once.
  static int take_socket() {
    if (!current_scope || current_scope->taken_) return -1;
    current_scope->taken_ = true;
    return current_scope->socket_;
  }

  // Whether the engine has been given that socket, and has not connected it yet, as it thinks.
  static bool is_taken(int fd) {
    return current_scope && fd >= 0 && current_scope->taken_ && current_scope->socket_ == fd;
  }

  static void connected() { current_scope->socket_ = -1; }

  // The upgrade of a wsi that is under way or refused; null for one that is established, or not ours.
  static Upgrade* upgrade(lws* wsi) {
    if (!current_scope) return nullptr;
    Upgrade* upgrade = Upgrade::of(wsi);
    if (!upgrade || (upgrade->done() && !upgrade->refused())) return nullptr;
    upgrade->attach(wsi);
    return upgrade;
  }
};

EngineScope::EngineScope() : outer_(current_scope) { current_scope = this; }

EngineScope::EngineScope(int socket) : EngineScope() {
  socket_ = socket;
  taken_ = false;
}

EngineScope::~EngineScope() {
  if (!taken_) close(socket_);  // the engine gave up before it wanted one
  current_scope = outer_;
}

}  // namespace vws::hooks

using vws::Upgrade;
using vws::hooks::Current;

int vws_hook_socket(int domain, int type, int protocol) {
  const int ours = Current::take_socket();
  return ours >= 0 ? ours : socket(domain, type, protocol);
}

int vws_hook_connect(int fd, const struct sockaddr* address, socklen_t length) {
  if (!Current::is_taken(fd)) return connect(fd, address, length);
  Current::connected();
  return 0;
}

int vws_hook_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (Current::is_taken(fd)) return 0;
  if (level == SOL_SOCKET && name == SO_SNDBUF && Current::inside()) return 0;
  return setsockopt(fd, level, name, value, length);
}

int vws_hook_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return open(path, Current::inside() ? flags | O_CLOEXEC : flags, mode);
}

int vws_hook_pipe(int ends[2]) { return Current::inside() ? pipe2(ends, O_CLOEXEC) : pipe(ends); }

char* vws_hook_getenv(const char* name) {
  if (Current::inside() && (!strcmp(name, "http_proxy") || !strcmp(name, "socks_proxy")))
    return nullptr;
  return getenv(name);
}

long vws_hook_sysconf(int name) {
  return Current::inside() && name == _SC_OPEN_MAX ? vws::hooks::kMaxDescriptors : sysconf(name);
}

int vws_hook_getdtablesize() {
  return Current::inside() ? vws::hooks::kMaxDescriptors : getdtablesize();
}

void* lws_zalloc(size_t size, const char* reason) {
  // The tables alone are so large; they are never made larger or smaller.
  if (size < sizeof(void*) * vws::hooks::kMaxDescriptors)
    return vws_original_lws_zalloc(size, reason);
  return vws::LazyMemory::allocate(size);
}

void* lws_realloc(void* memory, size_t size, const char* reason) {
  if (size == 0 && vws::LazyMemory::free(memory)) return nullptr;
  return vws_original_lws_realloc(memory, size, reason);
}

int lws_ssl_client_bio_create(struct lws* wsi) {
  const int result = vws_original_lws_ssl_client_bio_create(wsi);
  if (result < 0) return result;
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->apply_tls(static_cast<SSL*>(lws_get_ssl(wsi))) : result;
}

int lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size) {
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->read(buffer, size)
                 : vws_original_lws_ssl_capable_read(wsi, buffer, size);
}

int lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size) {
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->write(data, size) : vws_original_lws_ssl_capable_write(wsi, data, size);
}

int vws_hook_SSL_connect(SSL* ssl) {
  Upgrade* upgrade = Current::inside() ? Upgrade::of(ssl) : nullptr;
  if (!upgrade) return SSL_connect(ssl);
  vws::hooks::waiting_ssl = nullptr;
  vws::tls_forget_shortage(ssl);
  const int result = SSL_connect(ssl);
  if (result == 1) {
    upgrade->note_tls_memory();
    if (upgrade->certificate_settled(ssl)) return 1;
    vws::hooks::waiting_ssl = ssl;
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
  if (ssl && ssl == vws::hooks::waiting_ssl) return SSL_ERROR_WANT_READ;
  return SSL_get_error(ssl, result);
}
