#ifndef _WIN32

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "system.h"

// macOS has them under other names.
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE TCP_KEEPALIVE
#endif
#ifndef POLLRDHUP
#define POLLRDHUP POLLHUP
#endif

namespace vws::test {

namespace {

UniqueFd made_private(int fd) {
  UniqueFd made(fd);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return made;
}

int int_option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(fd, level, name, &value, &length);
  return value;
}

bool poll_one(int fd, short events, int milliseconds) {
  pollfd one{fd, events, 0};
  return poll(&one, 1, milliseconds) == 1;
}

}  // namespace

const int kTryAgain = EAI_AGAIN;

SocketPair socket_pair() {
  int fds[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return {};
  SocketPair made{made_private(fds[0]), made_private(fds[1])};
  for (const int fd : fds) os::set_non_blocking(fd);
  return made;
}

const bool kPairsAreTcp = false;

UniqueFd blocking_socket(int family) {
  UniqueFd made = made_private(socket(family, SOCK_STREAM, 0));
  const timeval limit{20, 0};
  setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return made;
}

void set_blocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

int connect_blocking(int fd, const sockaddr* address, socklen_t length) {
  return connect(fd, address, length);
}

bool wait_readable(int fd, int milliseconds) { return poll_one(fd, POLLIN, milliseconds); }

bool has_peer_ended(int fd) { return poll_one(fd, POLLRDHUP, 0); }

void set_buffers(int fd, int bytes) { setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); }

void reset_when_closed(int fd) {
  const linger none{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

void shut_down(int fd) { shutdown(fd, SHUT_RDWR); }

bool has_no_delay(int fd) { return int_option(fd, IPPROTO_TCP, TCP_NODELAY) != 0; }
bool has_keep_alive(int fd) { return int_option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0; }
int keep_alive_delay(int fd) { return int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE); }

bool is_private(int fd) {
  return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

int open_descriptors() {
  int count = 0;
  DIR* const directory = opendir("/dev/fd");
  if (!directory) return 0;
  while (readdir(directory)) ++count;
  closedir(directory);
  return count;
}

// From Linux's /proc; elsewhere 0.
size_t resident_bytes() {
  long total = 0;
  long pages = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  const int read = fscanf(file, "%ld %ld", &total, &pages);
  fclose(file);
  return read == 2 ? static_cast<size_t>(pages) * static_cast<size_t>(getpagesize()) : 0;
}

bool is_resident(const uint8_t* page) {
#ifdef __linux__
  unsigned char answer = 0;
#else
  char answer = 0;
#endif
  return mincore(const_cast<uint8_t*>(page), 1, &answer) == 0 && (answer & 1) != 0;
}

UniqueFd no_socket() { return UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)); }

#ifdef __linux__
const char* const kCannotWatch = "epoll_ctl EPERM";
#else
const char* const kCannotWatch = "kevent EINVAL";
#endif

std::string loopback_name() {
  char name[IF_NAMESIZE] = {};
  return if_indextoname(1, name) ? name : "";
}

int process_id() { return getpid(); }

bool ignore_broken_pipes() { return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR; }

TemporaryFolder::TemporaryFolder() {
  char pattern[] = "/tmp/vws-test-XXXXXX";
  path_ = mkdtemp(pattern) ? pattern : "";
}

TemporaryFolder::~TemporaryFolder() {
  std::istringstream files(files_);
  for (std::string file; std::getline(files, file);) unlink(file.c_str());
  rmdir(path_.c_str());
}

std::string TemporaryFolder::file(const std::string& name) {
  const std::string path = path_ + '/' + name;
  files_ += path + '\n';
  return path;
}

}  // namespace vws::test

#endif
