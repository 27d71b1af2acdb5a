#include "engine/ws/tuning.h"

#include <vector>

#include "harness.h"

namespace {

// Every switch, in a fixed order.
std::vector<bool> states(const char* list) {
  const vws::Tuning t = vws::parse_tuning(list);
  return {t.simd, t.direct, t.coalesce, t.batch, t.inline_writes, t.gather, t.external, t.strings};
}

}  // namespace

TEST("nothing is disabled by default") {
  for (const char* list :
       {static_cast<const char*>(nullptr), "", ",", " , ", "unknown", "simdx,sim"}) {
    CHECK(states(list) == std::vector<bool>(8, true));
  }
}

TEST("each switch alone, and several at once") {
  const char* names[] = {"simd",   "direct", "coalesce", "batch",
                         "inline", "gather", "external", "strings"};
  for (size_t i = 0; i < 8; ++i) {
    std::vector<bool> expected(8, true);
    expected[i] = false;
    CHECK(states(names[i]) == expected);
  }
  const vws::Tuning tuning = vws::parse_tuning(" simd, unknown,batch direct ");
  CHECK(!tuning.simd && !tuning.batch && !tuning.direct && tuning.coalesce);
}

TEST_MAIN
