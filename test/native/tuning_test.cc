#include "engine/ws/tuning.h"

#include "harness.h"

TEST("nothing is disabled by default") {
  for (const char* list :
       {static_cast<const char*>(nullptr), "", ",", " , ", "unknown", "simdx,sim"}) {
    const vws::Tuning tuning = vws::parse_tuning(list);
    CHECK(tuning.simd && tuning.direct && tuning.coalesce && tuning.batch);
  }
}

TEST("each switch alone, and several at once") {
  CHECK(!vws::parse_tuning("simd").simd);
  CHECK(vws::parse_tuning("simd").direct);
  CHECK(!vws::parse_tuning("direct").direct);
  CHECK(!vws::parse_tuning("coalesce").coalesce);
  CHECK(!vws::parse_tuning("batch").batch);
  const vws::Tuning tuning = vws::parse_tuning(" simd, unknown,batch direct ");
  CHECK(!tuning.simd && !tuning.batch && !tuning.direct && tuning.coalesce);
}

TEST_MAIN
