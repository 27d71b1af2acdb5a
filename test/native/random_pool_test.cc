#include "engine/ws/random_pool.h"

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

TEST_MAIN
