#pragma once

// Makes system calls fail: takes the place of the C library's functions in the program that includes it, once. Calls on
// descriptors that are followed count, and one of them, or all from one on, fail with an errno.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <mutex>
#include <set>
#include <string>

namespace {

enum class Call {
  kNone,
  kSend,
  kReceive,
  kConnect,
  kEpoll,
  kRandom,
  kSeed,  // getrandom() and open()
  kAccept,
};

// Which call fails.
class Faults {
 public:
  enum class Follow { kConnected, kAccepted };
  static Faults& get() {
    static Faults& faults = *new Faults;
    return faults;
  }

  // Whose sockets count: a client's, or a server's.
  void follow(Follow whose) {
    const std::lock_guard<std::mutex> lock(mutex_);
    follow_ = whose;
  }
  void plan(Call call, int error, int at, bool for_good) {
    const std::lock_guard<std::mutex> lock(mutex_);
    call_ = call;
    error_ = error;
    at_ = at;
    for_good_ = for_good;
    count_ = 0;
  }
  int calls() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }
  // How many calls of the planned kind there were.
  int stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    call_ = Call::kNone;
    return count_;
  }

  void opened(int fd, Follow how) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (how == follow_) followed_.insert(fd);
  }
  void include(int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    followed_.insert(fd);
  }
  void closed(int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    followed_.erase(fd);
  }

  // The errno to fail with; 0: none. fd -1: for every descriptor.
  int next(Call call, int fd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (call != call_ || (fd >= 0 && followed_.count(fd) == 0)) return 0;
    const int index = count_++;
    return index == at_ || (for_good_ && index > at_) ? error_ : 0;
  }

 private:
  std::mutex mutex_;
  Follow follow_ = Follow::kConnected;
  Call call_ = Call::kNone;
  int error_ = 0;
  int at_ = 0;
  bool for_good_ = false;
  int count_ = 0;
  std::set<int> followed_;
};

template <typename Function>
Function* real(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool fails(Call call, int fd) {
  const int error = Faults::get().next(call, fd);
  if (error != 0) errno = error;
  return error != 0;
}

}  // namespace

// In place of the C library's.
#define REAL(name) static const auto real_##name = real(&::name, #name)
#define INSTEAD extern "C" __attribute__((visibility("default")))

INSTEAD ssize_t send(int fd, const void* data, size_t n, int flags) {
  REAL(send);
  return fails(Call::kSend, fd) ? -1 : real_send(fd, data, n, flags);
}
INSTEAD ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  REAL(sendmsg);
  return fails(Call::kSend, fd) ? -1 : real_sendmsg(fd, message, flags);
}
INSTEAD ssize_t write(int fd, const void* data, size_t n) {
  REAL(write);
  return fails(Call::kSend, fd) ? -1 : real_write(fd, data, n);
}
INSTEAD ssize_t recv(int fd, void* data, size_t n, int flags) {
  REAL(recv);
  return fails(Call::kReceive, fd) ? -1 : real_recv(fd, data, n, flags);
}
INSTEAD ssize_t readv(int fd, const iovec* pieces, int count) {
  REAL(readv);
  return fails(Call::kReceive, fd) ? -1 : real_readv(fd, pieces, count);
}
INSTEAD ssize_t read(int fd, void* data, size_t n) {
  REAL(read);
  return fails(Call::kReceive, fd) ? -1 : real_read(fd, data, n);
}
INSTEAD int connect(int fd, const sockaddr* address, socklen_t size) {
  REAL(connect);
  Faults::get().opened(fd, Faults::Follow::kConnected);
  const int error = Faults::get().next(Call::kConnect, fd);
  // An interrupted connect() goes on.
  const int result = error == 0 || error == EINTR ? real_connect(fd, address, size) : -1;
  if (error == 0) return result;
  errno = error;
  return -1;
}
INSTEAD int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  REAL(accept4);
  if (fails(Call::kAccept, fd)) return -1;
  const int accepted = real_accept4(fd, address, size, flags);
  if (accepted >= 0) Faults::get().opened(accepted, Faults::Follow::kAccepted);
  return accepted;
}
INSTEAD int epoll_ctl(int poll, int operation, int fd, epoll_event* event) {
  REAL(epoll_ctl);
  const bool may_fail = operation != EPOLL_CTL_DEL;
  return may_fail && fails(Call::kEpoll, fd) ? -1 : real_epoll_ctl(poll, operation, fd, event);
}
INSTEAD int close(int fd) {
  REAL(close);
  Faults::get().closed(fd);
  return real_close(fd);
}
INSTEAD ssize_t getrandom(void* data, size_t n, unsigned flags) {
  REAL(getrandom);
  return fails(Call::kRandom, -1) || fails(Call::kSeed, -1) ? -1 : real_getrandom(data, n, flags);
}
INSTEAD int open(const char* path, int flags, ...) {
  REAL(open);
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return fails(Call::kSeed, -1) ? -1 : real_open(path, flags, mode);
}
