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
#include "engine/lws_compat.h"
#include "engine/tls/tls_io.h"
#include "engine/upgrade.h"

// Names the linker gives to what is wrapped, and to what was there before.
extern "C" {
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr* address, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr* address, socklen_t length);
int __real_setsockopt(int fd, int level, int name, const void* value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t length);
int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...);
int __real_pipe(int ends[2]);
int __wrap_pipe(int ends[2]);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
int __real_getdtablesize();
int __wrap_getdtablesize();
void* __real_lws_zalloc(size_t size, const char* reason);
void* __wrap_lws_zalloc(size_t size, const char* reason);
void* __real_lws_realloc(void* memory, size_t size, const char* reason);
void* __wrap_lws_realloc(void* memory, size_t size, const char* reason);
char* __real_getenv(const char* name);
char* __wrap_getenv(const char* name);
int __real_lws_ssl_client_bio_create(struct lws* wsi);
int __wrap_lws_ssl_client_bio_create(struct lws* wsi);
int __real_lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size);
int __wrap_lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size);
int __real_lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size);
int __wrap_lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size);
int __real_SSL_connect(SSL* ssl);
int __wrap_SSL_connect(SSL* ssl);
int __real_SSL_get_error(const SSL* ssl, int result);
int __wrap_SSL_get_error(const SSL* ssl, int result);
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

int __wrap_socket(int domain, int type, int protocol) {
  const int ours = Current::take_socket();
  return ours >= 0 ? ours : __real_socket(domain, type, protocol);
}

int __wrap_connect(int fd, const struct sockaddr* address, socklen_t length) {
  if (!Current::is_taken(fd)) return __real_connect(fd, address, length);
  Current::connected();
  return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (Current::is_taken(fd)) return 0;
  if (level == SOL_SOCKET && name == SO_SNDBUF && Current::inside()) return 0;
  return __real_setsockopt(fd, level, name, value, length);
}

int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return __real_open(path, Current::inside() ? flags | O_CLOEXEC : flags, mode);
}

int __wrap_pipe(int ends[2]) {
  return Current::inside() ? pipe2(ends, O_CLOEXEC) : __real_pipe(ends);
}

char* __wrap_getenv(const char* name) {
  if (Current::inside() && (!strcmp(name, "http_proxy") || !strcmp(name, "socks_proxy")))
    return nullptr;
  return __real_getenv(name);
}

long __wrap_sysconf(int name) {
  return Current::inside() && name == _SC_OPEN_MAX ? vws::hooks::kMaxDescriptors
                                                   : __real_sysconf(name);
}

int __wrap_getdtablesize() {
  return Current::inside() ? vws::hooks::kMaxDescriptors : __real_getdtablesize();
}

void* __wrap_lws_zalloc(size_t size, const char* reason) {
  // The tables alone are so large; they are never made larger or smaller.
  if (size < sizeof(void*) * vws::hooks::kMaxDescriptors) return __real_lws_zalloc(size, reason);
  return vws::LazyMemory::allocate(size);
}

void* __wrap_lws_realloc(void* memory, size_t size, const char* reason) {
  if (size == 0 && vws::LazyMemory::free(memory)) return nullptr;
  return __real_lws_realloc(memory, size, reason);
}

int __wrap_lws_ssl_client_bio_create(struct lws* wsi) {
  const int result = __real_lws_ssl_client_bio_create(wsi);
  if (result < 0) return result;
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->apply_tls(static_cast<SSL*>(lws_get_ssl(wsi))) : result;
}

int __wrap_lws_ssl_capable_read(struct lws* wsi, unsigned char* buffer, int size) {
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->read(buffer, size) : __real_lws_ssl_capable_read(wsi, buffer, size);
}

int __wrap_lws_ssl_capable_write(struct lws* wsi, unsigned char* data, int size) {
  Upgrade* upgrade = Current::upgrade(wsi);
  return upgrade ? upgrade->write(data, size) : __real_lws_ssl_capable_write(wsi, data, size);
}

int __wrap_SSL_connect(SSL* ssl) {
  Upgrade* upgrade = Current::inside() ? Upgrade::of(ssl) : nullptr;
  if (!upgrade) return __real_SSL_connect(ssl);
  vws::hooks::waiting_ssl = nullptr;
  vws::tls_forget_shortage(ssl);
  const int result = __real_SSL_connect(ssl);
  if (result == 1) {
    upgrade->note_tls_memory();
    if (upgrade->certificate_settled(ssl)) return 1;
    vws::hooks::waiting_ssl = ssl;
    return -1;
  }
  const int error = __real_SSL_get_error(ssl, result);
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

int __wrap_SSL_get_error(const SSL* ssl, int result) {
  if (ssl && ssl == vws::hooks::waiting_ssl) return SSL_ERROR_WANT_READ;
  return __real_SSL_get_error(ssl, result);
}
