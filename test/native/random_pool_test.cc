#include "engine/ws/random_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <set>

#include "harness.h"

using vws::MaskKey;
using vws::MaskKeySource;

TEST("keys do not repeat, and every bit is set about half of the time") {
  MaskKeySource source;
  std::set<MaskKey> seen;
  std::array<int, 32> ones{};
  const int n = 20000;
  int repeated = 0;
  for (int i = 0; i < n; ++i) {
    const MaskKey key = source.next();
    if (!seen.insert(key).second) ++repeated;
    for (size_t bit = 0; bit < 32; ++bit) ones[bit] += key[bit / 8] >> (bit % 8) & 1;
  }
  // About n^2 / 2^33 = 0.05 repetitions are expected. Twelve standard deviations for the bits.
  CHECK(repeated < 4);
  for (const int count : ones) CHECK(std::abs(count - n / 2) < 12 * std::sqrt(n) / 2);
}

TEST("two sources differ") {
  MaskKeySource a;
  MaskKeySource b;
  int same = 0;
  for (int i = 0; i < 3000; ++i) same += a.next() == b.next();
  CHECK(same < 3);
}

TEST("a forked child does not go on with its parent's keys") {
  MaskKeySource source;
  source.next();
  int ends[2];
  if (!CHECK(pipe(ends) == 0)) return;
  const pid_t child = fork();
  if (child == 0) {
    MaskKey keys[64];
    for (MaskKey& key : keys) key = source.next();
    _exit(write(ends[1], keys, sizeof keys) == static_cast<ssize_t>(sizeof keys) ? 0 : 1);
  }
  MaskKey theirs[64];
  CHECK(read(ends[0], theirs, sizeof theirs) == static_cast<ssize_t>(sizeof theirs));
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
  int same = 0;
  for (const MaskKey& key : theirs) same += key == source.next();
  CHECK(same < 2);
  close(ends[0]);
  close(ends[1]);
}

TEST_MAIN
