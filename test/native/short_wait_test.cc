// Waiting awake for a moment: it ends, and is tried ever less often where nothing comes.

#include "engine/base/short_wait.h"

#include "harness.h"

namespace vws::test {

namespace {

// How often wait() asks on an occasion on which nothing comes.
int asked_in_vain(ShortWait& wait) {
  int asked = 0;
  CHECK(!wait.wait([&] {
    ++asked;
    return false;
  }));
  return asked;
}

// Occasions that are left out before the next on which it waits.
int left_out(ShortWait& wait) {
  for (int n = 0;; ++n) {
    if (asked_in_vain(wait) > 1) return n;
  }
}

}  // namespace

TEST("what is there already is not waited for") {
  ShortWait wait(true);
  int asked = 0;
  CHECK(wait.wait([&] { return ++asked == 1; }));
  CHECK_EQ(asked, 1);
}

TEST("what comes in time is found") {
  ShortWait wait(true);
  int asked = 0;
  CHECK(wait.wait([&] { return ++asked == 2; }));
}

TEST("a wait in vain ends, not before its time") {
  ShortWait wait(true);
  const TimePoint began = Clock::now();
  CHECK(asked_in_vain(wait) > 1);
  CHECK(Clock::now() - began >= ShortWait::kLimit);
}

TEST("failures make it rare, up to a limit, and successes frequent again") {
  ShortWait wait(true);
  CHECK_EQ(left_out(wait), 0);
  CHECK_EQ(left_out(wait), 1);
  CHECK_EQ(left_out(wait), 3);
  CHECK_EQ(left_out(wait), 7);
  for (int i = 0; i < 10; ++i) left_out(wait);
  CHECK_EQ(left_out(wait), static_cast<int>(ShortWait::kLongestPause));
  for (uint32_t i = 0; i < ShortWait::kLongestPause; ++i) CHECK_EQ(asked_in_vain(wait), 1);
  for (int i = 0; i < 10; ++i) {
    int asked = 0;
    CHECK(wait.wait([&] { return ++asked == 2; }));
  }
  CHECK_EQ(left_out(wait), 0);
  CHECK_EQ(left_out(wait), 0);
  CHECK_EQ(left_out(wait), 1);
}

TEST("without another processor it asks once") {
  ShortWait wait(false);
  CHECK_EQ(asked_in_vain(wait), 1);
  CHECK(wait.wait([] { return true; }));
}

}  // namespace vws::test

TEST_MAIN
