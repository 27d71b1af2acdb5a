// Threads of our own.

#include "engine/os/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <future>

#include "harness.h"

namespace vws {
namespace {

struct Seen {
  int policy = -1;
  uint64_t runtime = 0;
  int nice = -1;
  bool blocks_signals = false;
};

Seen look() {
  Seen seen;
  seen.policy = sched_getscheduler(0);
  // sched_attr: size, policy, flags, nice and priority, runtime, ...
  uint64_t attributes[6] = {};
  if (syscall(SYS_sched_getattr, 0, attributes, sizeof attributes, 0) == 0)
    seen.runtime = attributes[3];
  seen.nice = getpriority(PRIO_PROCESS, 0);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  seen.blocks_signals = sigismember(&mask, SIGTERM) == 1;
  return seen;
}

// Whether the scheduler knows turns of different length, and may be asked.
bool can_ask() {
  utsname system{};
  int major = 0;
  int minor = 0;
  uname(&system);
  std::sscanf(system.release, "%d.%d", &major, &minor);
  return (major > 6 || (major == 6 && minor >= 12)) && prctl(PR_GET_SECCOMP) == 0;
}

TEST("signals are left to the others") {
  Seen seen;
  Thread thread;
  CHECK_EQ(thread.start("vws-test", [&] { seen = look(); }), 0);
  thread.join();
  CHECK(seen.blocks_signals);
  CHECK(!look().blocks_signals);
}

size_t stack_of_this_thread() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  size_t bytes = 0;
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  return bytes;
}

// As musl's threads have it by default.
TEST("stacks are large enough where the system's are small") {
  pthread_attr_t before;
  CHECK_EQ(pthread_getattr_default_np(&before), 0);
  pthread_attr_t small;
  CHECK_EQ(pthread_attr_init(&small), 0);
  CHECK_EQ(pthread_attr_setstacksize(&small, size_t{128} * 1024), 0);
  CHECK_EQ(pthread_setattr_default_np(&small), 0);
  size_t joined = 0;
  Thread thread;
  CHECK_EQ(thread.start("vws-test", [&] { joined = stack_of_this_thread(); }), 0);
  thread.join();
  std::promise<size_t> detached;
  CHECK_EQ(run_detached("vws-test", [&] { detached.set_value(stack_of_this_thread()); }), 0);
  const size_t of_detached = detached.get_future().get();
  CHECK_EQ(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&small);
  pthread_attr_destroy(&before);
  CHECK(joined >= size_t{1024} * 1024);
  CHECK(of_detached >= size_t{1024} * 1024);
}

TEST("processors are those that the thread may use") {
  const unsigned before = usable_processors();
  cpu_set_t mine;
  CHECK_EQ(sched_getaffinity(0, sizeof mine, &mine), 0);
  CHECK_EQ(before, static_cast<unsigned>(CPU_COUNT(&mine)));
  unsigned narrowed = 0;
  Thread thread;
  const auto body = [&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &mine) && CPU_COUNT(&one) == 0) CPU_SET(cpu, &one);
    }
    if (sched_setaffinity(0, sizeof one, &one) == 0) narrowed = usable_processors();
  };
  CHECK_EQ(thread.start("vws-test", body), 0);
  thread.join();
  CHECK_EQ(narrowed, 1u);
  CHECK_EQ(usable_processors(), before);
}

TEST("who lets others go first works for longer, and keeps its share") {
  Seen before;
  Seen after;
  Thread thread;
  const auto body = [&] {
    before = look();
    let_others_first();
    after = look();
  };
  CHECK_EQ(thread.start("vws-test", body), 0);
  thread.join();
  CHECK_EQ(after.policy, before.policy);
  CHECK_EQ(after.nice, before.nice);
  const bool asked = can_ask() && before.policy == SCHED_OTHER;
  CHECK_EQ(after.runtime, asked ? uint64_t{5'000'000} : before.runtime);
}

}  // namespace
}  // namespace vws

TEST_MAIN
