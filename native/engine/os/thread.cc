#ifndef _WIN32

#include "engine/os/thread.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

namespace vws {

namespace {

#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)

// As sched_setattr(2) describes it; the C library has none before 2.41.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // ns; of an ordinary thread, how long it works at a time
  uint64_t deadline = 0;
  uint64_t period = 0;
};

// The system's own is at most 2.8 ms.
constexpr uint64_t kLongTurnNs = 5'000'000;

#endif

void name_this_thread(const char* name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#elif defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#else
  static_cast<void>(name);
#endif
}

// TLS, and a look-up of a name through what a system has plugged in, may need more than musl's default
// (128 KiB); macOS's is 512 KiB, glibc's 8 MiB. Only what is touched takes memory.
constexpr size_t kSmallestStackBytes = size_t{1024} * 1024;

// detach_state: PTHREAD_CREATE_JOINABLE, PTHREAD_CREATE_DETACHED.
int create_thread(pthread_t* thread, int detach_state, void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setdetachstate(&attributes, detach_state);
  size_t stack = 0;
  if (pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < kSmallestStackBytes)
    pthread_attr_setstacksize(&attributes, kSmallestStackBytes);
  // With all signals blocked: a new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

int Thread::start(const char* name, std::function<void()> body) {
  name_ = name;
  body_ = std::move(body);
  const int error = create_thread(&thread_, PTHREAD_CREATE_JOINABLE, &Thread::main, this);
  if (error != 0) return error;
  running_ = true;
  return 0;
}

void Thread::join() {
  if (!std::exchange(running_, false)) return;
  pthread_join(thread_, nullptr);
}

int run_detached(const char* name, std::function<void()> body) {
  struct Start {
    const char* name;
    std::function<void()> body;
  };
  auto start = std::make_unique<Start>(Start{name, std::move(body)});
  pthread_t thread;
  const auto main = [](void* argument) -> void* {
    const std::unique_ptr<Start> own(static_cast<Start*>(argument));
    name_this_thread(own->name);
    own->body();
    return nullptr;
  };
  const int error = create_thread(&thread, PTHREAD_CREATE_DETACHED, main, start.get());
  if (error == 0) static_cast<void>(start.release());
  return error;
}

void let_others_first() {
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
  // A filter of system calls may end the process for asking.
  if (prctl(PR_GET_SECCOMP) != 0) return;
  SchedulingAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != 0) return;  // SCHED_OTHER
  attributes.runtime = kLongTurnNs;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

unsigned usable_processors() {
#if defined(__linux__)
  cpu_set_t mine;
  // Fails where there are more processors than the set has room for.
  if (sched_getaffinity(0, sizeof mine, &mine) == 0) return static_cast<unsigned>(CPU_COUNT(&mine));
#endif
  const unsigned all = std::thread::hardware_concurrency();
  return all == 0 ? 1 : all;
}

unsigned all_processors() {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : static_cast<unsigned>(online);
}

// The new thread.
void* Thread::main(void* self) {
  auto* const thread = static_cast<Thread*>(self);
  name_this_thread(thread->name_);
  thread->body_();
  return nullptr;
}

}  // namespace vws

#endif
