#include "engine/ws/block_pool.h"

#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "harness.h"
#include "support/system.h"

using vws::Block;
using vws::BlockPool;

namespace {
BlockPool& pool() { return BlockPool::shared(); }
}  // namespace

TEST("blocks of every size have the room they were asked for, and little more") {
  vws::test::Random random;
  for (int round = 0; round < 3000; ++round) {
    const size_t n = 1 + random.below(size_t{1} << (1 + random.below(25)));
    Block block = pool().take(n);
    CHECK(static_cast<bool>(block));
    CHECK_EQ(block.size(), size_t{0});
    CHECK(block.capacity() >= n);
    CHECK(block.capacity() <= std::max<size_t>(n + n / 4 + 64, BlockPool::kSmallest));
    std::memset(block.data(), 0xab, block.capacity());
  }
  for (size_t power = 10; power <= 25; ++power) {
    for (long off = -1; off <= 1; ++off) {
      const size_t n = static_cast<size_t>((1l << power) + off);
      Block block = pool().take(n);
      CHECK(block.capacity() >= n);
      std::memset(block.data(), 0xab, block.capacity());
    }
  }
  pool().clear();
  CHECK_EQ(pool().idle_bytes(), size_t{0});
}

TEST("large blocks are used again, small and huge ones are not kept") {
  pool().clear();
  const uint8_t* first;
  {
    Block block = pool().take(100000);
    first = block.data();
  }
  CHECK(pool().idle_bytes() >= 100000);
  {
    Block block = pool().take(99000);  // of the same class
    CHECK(block.data() == first);
    CHECK_EQ(pool().idle_bytes(), size_t{0});
  }
  pool().clear();
  { Block block = pool().take(BlockPool::kLargest + 1); }
  { Block block = pool().take(BlockPool::kSmallest - 64); }
  CHECK_EQ(pool().idle_bytes(), size_t{0});
  { Block block = pool().take(BlockPool::kLargest); }
  CHECK_EQ(pool().idle_bytes(), BlockPool::kLargest);
  pool().clear();
}

TEST("what is kept is bounded") {
  {
    std::vector<Block> blocks;
    for (int i = 0; i < 20; ++i) blocks.push_back(pool().take(8 * 1024 * 1024));
  }
  CHECK(pool().idle_bytes() <= BlockPool::kMaxIdleBytes);
  CHECK(pool().idle_bytes() > 0);
  pool().clear();
  CHECK_EQ(pool().idle_bytes(), size_t{0});
}

TEST("what lay unused between two trims is freed, what was used is kept") {
  pool().clear();
  {
    Block a = pool().take(50000);
    Block b = pool().take(50000);
    Block c = pool().take(50000);
  }
  pool().trim_idle();  // all three were there after it, none before
  const size_t all = pool().idle_bytes();
  CHECK(all >= 150000);
  { Block again = pool().take(50000); }  // one of the three
  pool().trim_idle();
  CHECK_EQ(pool().idle_bytes(), all / 3);
  pool().trim_idle();
  CHECK_EQ(pool().idle_bytes(), size_t{0});
}

TEST("nothing is left to trim some trims after a burst, and late comers are not kept") {
  pool().clear();
  pool().trim_idle();
  CHECK(!pool().bulky());
  std::vector<Block> late;
  {
    std::vector<Block> blocks;
    for (int i = 0; i < 20; ++i) blocks.push_back(pool().take(1024 * 1024));
    for (int i = 0; i < 20; ++i) late.push_back(pool().take(1024 * 1024));
  }
  CHECK(pool().bulky());
  CHECK(pool().idle_bytes() >= size_t{20} * 1024 * 1024);
  int trims = 0;
  for (; pool().bulky() && trims < 10; ++trims) pool().trim_idle();
  CHECK(trims <= 3);
  CHECK(pool().idle_bytes() <= BlockPool::kQuietBytes);
  late.clear();  // as the garbage collector does, long after
  CHECK(pool().idle_bytes() <= BlockPool::kQuietBytes);
  CHECK(!pool().bulky());
  { Block small = pool().take(64 * 1024); }  // what little traffic needs is at hand
  CHECK(!pool().bulky());
  CHECK(pool().idle_bytes() > 0);
  pool().clear();
}

TEST("growing keeps what is in use") {
  Block block;
  CHECK(pool().grow(block, 10));
  std::memcpy(block.data(), "0123456789", 10);
  block.set_size(10);
  for (const size_t n : {11, 1000, 40000, 1000000, 20000000}) {
    CHECK(pool().grow(block, n));
    CHECK(block.capacity() >= n);
    CHECK_EQ(block.size(), size_t{10});
    CHECK(std::memcmp(block.data(), "0123456789", 10) == 0);
  }
  const uint8_t* before = block.data();
  CHECK(pool().grow(block, 5));
  CHECK(block.data() == before);
  CHECK(!pool().grow(block, SIZE_MAX / 4));
  CHECK(block.data() == before);
}

// With the half of it that it has grown from: no more than a process with pointers of 32 bits has room for.
constexpr size_t kMuch = BlockPool::kLargest * (sizeof(void*) == 8 ? 64 : 16);

TEST("what is large and grows on is not copied, and has memory as far as it is used") {
  Block block;
  CHECK(pool().grow(block, BlockPool::kMostCopied + 1));
  std::memset(block.data(), 7, BlockPool::kMostCopied + 1);
  block.set_size(BlockPool::kMostCopied + 1);
  CHECK(pool().grow(block, 2 * block.size()));
  CHECK(block.capacity() > BlockPool::kLargest);
  CHECK(block.memory() < block.size() + 65536);
  // Its pages are moved: those that were never touched do not exist afterwards either.
  for (size_t n = BlockPool::kLargest * 2; n <= kMuch; n *= 2) {
    CHECK(pool().grow(block, n));
    CHECK(block.capacity() >= n);
    CHECK(vws::test::is_resident(block.data()));
    CHECK(!vws::test::is_resident(block.data() + n / 2 + BlockPool::kLargest / 2));
    block.set_size(n);  // would be copied
  }
  block.set_size(BlockPool::kMostCopied + 1);
  CHECK_EQ(block.data()[0], 7);
  CHECK_EQ(block.data()[BlockPool::kMostCopied], 7);
  CHECK_EQ(block.data()[kMuch - 1], 0);
  CHECK(!pool().grow(block, SIZE_MAX / 4));
  pool().fit(block);
  CHECK(block.capacity() <= BlockPool::kLargest + 65536);
  CHECK_EQ(block.data()[BlockPool::kMostCopied], 7);
  // Small ones are what they were.
  Block small = pool().take(100000);
  const size_t before = small.capacity();
  pool().fit(small);
  CHECK_EQ(small.capacity(), before);
  CHECK_EQ(small.memory(), before);
}

TEST("ownership moves, and survives a detour through C") {
  Block a = pool().take(100);
  a.set_size(7);
  Block b = std::move(a);
  CHECK(!a);  // cppcheck-suppress accessMoved
  CHECK_EQ(b.size(), size_t{7});
  const size_t capacity = b.capacity();
  uint8_t* data = b.detach();
  CHECK(!b);
  Block c = Block::adopt(data, capacity);
  CHECK(c.data() == data);
  c = pool().take(5);
  Block& self = c;
  c = std::move(self);
  CHECK(static_cast<bool>(c));
  CHECK(!pool().take(SIZE_MAX));
}

TEST("threads that take, hand on and give back") {
  pool().clear();
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([seed] {
      vws::test::Random random(seed * 7919);
      std::vector<Block> held;
      for (int i = 0; i < 5000; ++i) {
        Block block = pool().take(1 + random.below(300000));
        block.data()[0] = static_cast<uint8_t>(seed);
        block.data()[block.capacity() - 1] = static_cast<uint8_t>(seed);
        held.push_back(std::move(block));
        if (held.size() > 10) held.erase(held.begin() + static_cast<long>(random.below(10)));
        if (i % 500 == 0) pool().trim_idle();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool().clear();
  CHECK_EQ(pool().idle_bytes(), size_t{0});
}

TEST_MAIN
