#include "engine/ws/close_codes.h"

#include <set>

#include "harness.h"

TEST("every code that exists, and no other, may be on the wire") {
  const std::set<uint32_t> registered = {1000, 1001, 1002, 1003, 1007, 1008,
                                         1009, 1010, 1011, 1012, 1013, 1014};
  for (uint32_t code = 0; code <= 0xffff; ++code) {
    const bool want = registered.count(code) != 0 || (code >= 3000 && code <= 4999);
    CHECK_EQ(vws::valid_close_code(code), want);
  }
}

TEST_MAIN
