#include "engine/ws/tuning.h"

#include <iterator>
#include <vector>

#include "harness.h"

namespace {

constexpr const char* kNames[] = {"simd",   "direct",   "coalesce", "batch",  "inline",
                                  "gather", "external", "guess",    "strings"};

// Every switch, in that order.
std::vector<bool> states(const char* list) {
  const vws::Tuning t = vws::parse_tuning(list);
  return {t.simd,   t.direct,   t.coalesce, t.batch,  t.inline_writes,
          t.gather, t.external, t.guess,    t.strings};
}

}  // namespace

TEST("nothing is disabled by default") {
  for (const char* list :
       {static_cast<const char*>(nullptr), "", ",", " , ", "unknown", "simdx,sim"}) {
    CHECK(states(list) == std::vector<bool>(std::size(kNames), true));
  }
}

TEST("each switch alone, and several at once") {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    std::vector<bool> expected(std::size(kNames), true);
    expected[i] = false;
    CHECK(states(kNames[i]) == expected);
  }
  const vws::Tuning tuning = vws::parse_tuning(" simd, unknown,batch direct ");
  CHECK(!tuning.simd && !tuning.batch && !tuning.direct && tuning.coalesce);
}

TEST_MAIN
