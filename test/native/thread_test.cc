// Threads of our own.

#include "engine/base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <csignal>

#include "harness.h"

namespace vws {
namespace {

struct Seen {
  int policy = -1;
  int nice = -1;
  bool blocks_signals = false;
};

Seen look() {
  Seen seen;
  seen.policy = sched_getscheduler(0);
  seen.nice = getpriority(PRIO_PROCESS, 0);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  seen.blocks_signals = sigismember(&mask, SIGTERM) == 1;
  return seen;
}

TEST("signals are left to the others") {
  Seen seen;
  Thread thread;
  CHECK_EQ(thread.start("vws-test", [&] { seen = look(); }), 0);
  thread.join();
  CHECK(seen.blocks_signals);
  CHECK(!look().blocks_signals);
}

TEST("who lets others go first keeps its share") {
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
}

}  // namespace
}  // namespace vws

TEST_MAIN
