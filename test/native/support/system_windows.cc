#ifdef _WIN32

#include <sstream>

#include "engine/os/windows.h"
#include "system.h"
// Those above come first.
#include <iphlpapi.h>
#include <psapi.h>

// As Windows' own header has it, which MinGW's leave out.
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif

namespace vws::test {

namespace {

int int_option(int fd, int level, int name) {
  DWORD value = 0;
  int length = sizeof value;
  getsockopt(os::socket_of(fd), level, name, reinterpret_cast<char*>(&value), &length);
  return static_cast<int>(value);
}

void set_option(int fd, int name, const void* value, int size) {
  setsockopt(os::socket_of(fd), SOL_SOCKET, name, static_cast<const char*>(value), size);
}

bool poll_one(int fd, SHORT events, int milliseconds) {
  WSAPOLLFD one{os::socket_of(fd), events, 0};
  return WSAPoll(&one, 1, milliseconds) == 1;
}

}  // namespace

const int kTryAgain = WSATRY_AGAIN;

// Windows has no pairs: a connection over loopback.
SocketPair socket_pair() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const UniqueFd listener(os::open_stream_socket(AF_INET));
  if (os::bind_socket(listener.get(), generic, size) != 0 ||
      os::listen_on(listener.get(), 1) != 0 ||
      os::local_address(listener.get(), generic, &size) != 0)
    return {};
  SocketPair made;
  made.one.reset(os::open_stream_socket(AF_INET));
  set_blocking(made.one.get());
  if (connect_blocking(made.one.get(), generic, size) != 0) return {};
  wait_readable(listener.get(), 20'000);
  made.other.reset(os::accept_stream(listener.get(), nullptr, nullptr));
  os::set_non_blocking(made.one.get());
  for (const int fd : {made.one.get(), made.other.get()}) {
    os::set_option(fd, os::SocketOption::kNoDelay, 1);
    set_buffers(fd, 100'000);  // about as much as a Unix pair takes
  }
  return made;
}

const bool kPairsAreTcp = true;

UniqueFd blocking_socket(int family) {
  UniqueFd made(os::open_stream_socket(family));
  set_blocking(made.get());
  const DWORD limit = 20'000;
  set_option(made.get(), SO_RCVTIMEO, &limit, sizeof limit);
  set_option(made.get(), SO_SNDTIMEO, &limit, sizeof limit);
  return made;
}

void set_blocking(int fd) {
  u_long off = 0;
  ioctlsocket(os::socket_of(fd), FIONBIO, &off);
}

int connect_blocking(int fd, const sockaddr* address, socklen_t length) {
  return connect(os::socket_of(fd), address, length) == 0 ? 0 : os::fail_by_windows();
}

bool wait_readable(int fd, int milliseconds) { return poll_one(fd, POLLRDNORM, milliseconds); }

// It has no other word for it than that a read would tell.
bool has_peer_ended(int fd) {
  char byte;
  return wait_readable(fd, 0) && recv(os::socket_of(fd), &byte, 1, MSG_PEEK) <= 0;
}

void set_buffers(int fd, int bytes) {
  set_option(fd, SO_SNDBUF, &bytes, sizeof bytes);
  set_option(fd, SO_RCVBUF, &bytes, sizeof bytes);
}

void reset_when_closed(int fd) {
  const linger none{1, 0};
  set_option(fd, SO_LINGER, &none, sizeof none);
}

void shut_down(int fd) { shutdown(os::socket_of(fd), SD_BOTH); }

bool has_no_delay(int fd) { return int_option(fd, IPPROTO_TCP, TCP_NODELAY) != 0; }
bool has_keep_alive(int fd) { return int_option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0; }
int keep_alive_delay(int fd) { return int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE); }

// Whether it blocks is not to be asked: reading, where there is nothing, tells.
bool is_private(int fd) {
  char byte;
  DWORD flags = 0;
  return recv(os::socket_of(fd), &byte, 1, MSG_PEEK) < 0 && WSAGetLastError() == WSAEWOULDBLOCK &&
         GetHandleInformation(reinterpret_cast<HANDLE>(os::socket_of(fd)), &flags) != 0 &&
         (flags & HANDLE_FLAG_INHERIT) == 0;
}

int open_descriptors() {
  DWORD count = 0;
  GetProcessHandleCount(GetCurrentProcess(), &count);
  return static_cast<int>(count);
}

size_t resident_bytes() {
  PROCESS_MEMORY_COUNTERS counters{};
  return K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters)
             ? counters.WorkingSetSize
             : 0;
}

bool is_resident(const uint8_t* page) {
  PSAPI_WORKING_SET_EX_INFORMATION about{};
  about.VirtualAddress = const_cast<uint8_t*>(page);
  return K32QueryWorkingSetEx(GetCurrentProcess(), &about, sizeof about) != 0 &&
         about.VirtualAttributes.Valid != 0;
}

// An event, which stays: closing it as a socket fails.
UniqueFd no_socket() {
  static const HANDLE event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  return UniqueFd(static_cast<int>(reinterpret_cast<intptr_t>(event)));
}

const char* const kCannotWatch = "afd_poll ENOTSOCK";

std::string loopback_name() {
  char name[IF_NAMESIZE] = {};
  return if_indextoname(1, name) ? name : "";
}

int process_id() { return static_cast<int>(GetCurrentProcessId()); }

bool ignore_broken_pipes() { return true; }

TemporaryFolder::TemporaryFolder() {
  char base[MAX_PATH + 1] = {};
  GetTempPathA(MAX_PATH, base);
  path_ = std::string(base) + "vws-test-" + std::to_string(process_id()) + "-" +
          std::to_string(GetTickCount64());
  CreateDirectoryA(path_.c_str(), nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::istringstream files(files_);
  for (std::string file; std::getline(files, file);) DeleteFileA(file.c_str());
  RemoveDirectoryA(path_.c_str());
}

std::string TemporaryFolder::file(const std::string& name) {
  const std::string path = path_ + '\\' + name;
  files_ += path + '\n';
  return path;
}

}  // namespace vws::test

#endif
