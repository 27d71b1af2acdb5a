#include "engine/os/lws_calls.h"

#include <fcntl.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "engine/os/lws_scope.h"

namespace vws::hooks {

namespace {
// The innermost scope of this thread.
thread_local EngineScope* current_scope = nullptr;
}  // namespace

EngineScope::EngineScope() : outer_(current_scope) { current_scope = this; }

EngineScope::EngineScope(int socket) : EngineScope() { offered_.reset(socket); }

// The engine may have given up before it wanted the socket: then it is closed.
EngineScope::~EngineScope() { current_scope = outer_; }

bool EngineScope::inside() { return current_scope != nullptr; }

int EngineScope::take_socket() {
  if (!current_scope || !current_scope->offered_) return -1;
  current_scope->taken_ = current_scope->offered_.release();
  return current_scope->taken_;
}

bool EngineScope::is_taken(int fd) {
  return current_scope && fd >= 0 && current_scope->taken_ == fd;
}

void EngineScope::connected() { current_scope->taken_ = -1; }

}  // namespace vws::hooks

using vws::hooks::EngineScope;

vws_hook_socket_type vws_hook_socket(int domain, int type, int protocol) {
  const int ours = EngineScope::take_socket();
  return ours >= 0 ? static_cast<vws_hook_socket_type>(ours) : socket(domain, type, protocol);
}

int vws_hook_connect(vws_hook_socket_type fd, const struct sockaddr* address, socklen_t length) {
  if (!EngineScope::is_taken(static_cast<int>(fd))) return connect(fd, address, length);
  EngineScope::connected();
  return 0;
}

int vws_hook_setsockopt(vws_hook_socket_type fd, int level, int name, const void* value,
                        socklen_t length) {
  if (EngineScope::is_taken(static_cast<int>(fd))) return 0;
  if (level == SOL_SOCKET && name == SO_SNDBUF && EngineScope::inside()) return 0;
  return setsockopt(fd, level, name, static_cast<const char*>(value), length);
}

char* vws_hook_getenv(const char* name) {
  if (EngineScope::inside() && (!strcmp(name, "http_proxy") || !strcmp(name, "socks_proxy")))
    return nullptr;
  return getenv(name);
}

#ifdef _WIN32

int vws_hook_open(const char* path, int flags, ...) {
  int mode = 0;
  if (flags & _O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, int);
    va_end(more);
  }
  return _open(path, EngineScope::inside() ? flags | _O_NOINHERIT : flags, mode);
}

#else

int vws_hook_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = static_cast<mode_t>(va_arg(more, int));  // as which it was passed
    va_end(more);
  }
  return open(path, EngineScope::inside() ? flags | O_CLOEXEC : flags, mode);
}

int vws_hook_pipe(int ends[2]) {
#if defined(__APPLE__)
  if (pipe(ends) != 0) return -1;
  if (!EngineScope::inside()) return 0;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return 0;
#else
  return EngineScope::inside() ? pipe2(ends, O_CLOEXEC) : pipe(ends);
#endif
}

long vws_hook_sysconf(int name) {
  return EngineScope::inside() && name == _SC_OPEN_MAX ? vws::hooks::kMaxDescriptors
                                                       : sysconf(name);
}

int vws_hook_getdtablesize() {
  return EngineScope::inside() ? vws::hooks::kMaxDescriptors : getdtablesize();
}

#endif
