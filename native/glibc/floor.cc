// What the addon needs of glibc that is younger than the floor it is linked for
// (scripts/cross/glibc-stubs.js), by means of what the floor has. Only compiled for prebuilt
// binaries; the linker's version script keeps all of it inside.

// node-gyp sets it; it makes stat another name of stat64, and both are defined here.
#undef _FILE_OFFSET_BITS

#include <cerrno>
#include <ctime>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>

#include "glibc/find_segment.h"

#if !defined(__GLIBC__)
#error "only for glibc"
#endif

// stat and its kin are functions of glibc's since 2.33; before, the headers made calls of __xstat
// out of them, with the version of the structure as an argument. OpenSSL calls them.
extern "C" {

int __xstat(int version, const char* path, struct stat* result);
int __lxstat(int version, const char* path, struct stat* result);
int __fxstat(int version, int fd, struct stat* result);
int __xstat64(int version, const char* path, struct stat64* result);
int __lxstat64(int version, const char* path, struct stat64* result);
int __fxstat64(int version, int fd, struct stat64* result);

// _STAT_VER of glibc's bits/stat.h, up to 2.32.
#if defined(__x86_64__) || defined(__s390x__) || defined(__powerpc64__)
constexpr int kStatVersion = 1;
#elif defined(__aarch64__) || defined(__riscv)
constexpr int kStatVersion = 0;
#elif defined(__arm__) || defined(__mips__) || defined(__i386__)
constexpr int kStatVersion = 3;
#else
#error "_STAT_VER is not known for this target"
#endif

int stat(const char* path, struct stat* result) noexcept {
  return __xstat(kStatVersion, path, result);
}
int lstat(const char* path, struct stat* result) noexcept {
  return __lxstat(kStatVersion, path, result);
}
int fstat(int fd, struct stat* result) noexcept { return __fxstat(kStatVersion, fd, result); }
int stat64(const char* path, struct stat64* result) noexcept {
  return __xstat64(kStatVersion, path, result);
}
int lstat64(const char* path, struct stat64* result) noexcept {
  return __lxstat64(kStatVersion, path, result);
}
int fstat64(int fd, struct stat64* result) noexcept { return __fxstat64(kStatVersion, fd, result); }

// Since 2.32; libstdc++ spares atomic operations while it is set. A process that loads an addon has
// threads.
extern char __libc_single_threaded;
char __libc_single_threaded = 0;

// Since 2.30. std::condition_variable waits with it on the steady clock. Without it the wait is on
// the wall clock; a timeout that comes too early, because that was put forward, is a spurious
// wake-up, which every caller must expect.
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const struct timespec* deadline) {
  using Function = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "pthread_cond_clockwait"));
  if (real != nullptr) return real(condition, mutex, clock, deadline);

  constexpr long kSecond = 1'000'000'000;
  timespec now{};
  timespec wall{};
  clock_gettime(clock, &now);
  clock_gettime(CLOCK_REALTIME, &wall);
  wall.tv_sec += deadline->tv_sec - now.tv_sec;
  wall.tv_nsec += deadline->tv_nsec - now.tv_nsec;
  if (wall.tv_nsec < 0) {
    wall.tv_nsec += kSecond;
    --wall.tv_sec;
  } else if (wall.tv_nsec >= kSecond) {
    wall.tv_nsec -= kSecond;
    ++wall.tv_sec;
  }
  const int result = pthread_cond_timedwait(condition, mutex, &wall);
  if (result != ETIMEDOUT) return result;
  clock_gettime(clock, &now);
  const bool early = now.tv_sec < deadline->tv_sec ||
                     (now.tv_sec == deadline->tv_sec && now.tv_nsec < deadline->tv_nsec);
  return early ? 0 : ETIMEDOUT;
}

#if __GLIBC_PREREQ(2, 35)

// Since 2.35. libgcc's unwinder finds the tables of a function by it.
int _dl_find_object(void* address, dl_find_object* result) noexcept {
  vws_segment segment{};
  segment.address = reinterpret_cast<ElfW(Addr)>(address);
  if (!vws_find_segment(&segment)) return -1;
  *result = {};
  result->dlfo_map_start = reinterpret_cast<void*>(segment.start);
  result->dlfo_map_end = reinterpret_cast<void*>(segment.end);
  result->dlfo_eh_frame = reinterpret_cast<void*>(segment.unwind);
#if DLFO_STRUCT_HAS_EH_COUNT
  result->dlfo_eh_count = static_cast<int>(segment.unwind_size / 8);
#endif
  return 0;
}

#endif

}  // extern "C"
