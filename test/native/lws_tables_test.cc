// The engine's tables have a place for each descriptor, and take no memory for those that there are not.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "consumer.h"
#include "engine/os/lazy_memory.h"
#include "harness.h"
#include "support/system.h"

namespace vws {
namespace {

using test::Consumer;

TEST("the tables take no memory for descriptors that there are not") {
  { Consumer first; }
  const size_t before = test::resident_bytes();
  std::vector<std::unique_ptr<Consumer>> engines;
  for (int i = 0; i < 6; ++i) engines.push_back(std::make_unique<Consumer>(ServiceMode::kLoop));
  const size_t each = (test::resident_bytes() - before) / 6;
  if (!CHECK(each < 4 * 1024 * 1024)) std::printf("  %zu bytes each\n", each);
}

TEST("lazy memory is zero, goes back, and knows its own") {
  constexpr size_t kSize = 64 * 1024 * 1024;
  const size_t before = test::resident_bytes();
  auto* const memory = static_cast<uint8_t*>(LazyMemory::allocate(kSize));
  if (!CHECK(memory != nullptr)) return;
  CHECK_EQ(memory[0], 0);
  CHECK_EQ(memory[kSize - 1], 0);
  memory[kSize / 2] = 1;
  CHECK(test::resident_bytes() < before + kSize / 4);
  CHECK(LazyMemory::free(memory));
  CHECK(!LazyMemory::free(memory));
  CHECK(!LazyMemory::free(nullptr));
  int other = 0;
  CHECK(!LazyMemory::free(&other));
}

}  // namespace
}  // namespace vws

TEST_MAIN
