#include "engine/ws/chunk_queue.h"

#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "harness.h"

using vws::ChunkCache;
using vws::ChunkPool;
using vws::ChunkQueue;
using Bytes = std::vector<uint8_t>;

namespace {

struct Fixture {
  ChunkPool pool;
  ChunkCache cache{pool};
};

// Everything in the queue, by way of its entries for writev.
Bytes contents(const ChunkQueue& queue) {
  Bytes out;
  std::vector<iovec> entries(4096);
  const size_t count = queue.fill_iovec(entries.data(), entries.size());
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* data = static_cast<const uint8_t*>(entries[i].iov_base);
    CHECK(entries[i].iov_len > 0);
    out.insert(out.end(), data, data + entries[i].iov_len);
  }
  return out;
}

}  // namespace

TEST("an empty queue holds nothing and gives nothing") {
  Fixture f;
  ChunkQueue queue(f.cache);
  iovec entry;
  size_t n = 1;
  CHECK(queue.empty());
  CHECK_EQ(queue.fill_iovec(&entry, 1), size_t{0});
  CHECK(queue.front(&n) == nullptr);
  CHECK_EQ(n, size_t{0});
  queue.consume(0);
  queue.clear();
  CHECK(sizeof(ChunkQueue) <= 4 * sizeof(void*));
}

TEST("bytes come out as they went in, however they are written and consumed") {
  vws::test::Random random;
  for (int round = 0; round < 300; ++round) {
    Fixture f;
    ChunkQueue queue(f.cache);
    std::deque<uint8_t> model;
    struct Kept {
      vws::SharedBytes bytes;
      Bytes copy;
    };
    vws::SharedSlab slab;
    std::vector<Kept> shared;
    for (int i = 0; i < 200; ++i) {
      const size_t n = random.below(size_t{1} << (1 + random.below(18)));
      const Bytes data = random.bytes(std::min<size_t>(n, 100));
      switch (random.below(7)) {
        case 6: {
          // Of a slab, so that one may follow the other; what shares them must see no change.
          uint8_t* const to = slab.reserve(data.size());
          if (!CHECK(to != nullptr)) return;
          std::copy(data.begin(), data.end(), to);
          shared.push_back({slab.commit(data.size()), data});
          const size_t which =
              random.below(3) == 0 ? random.below(shared.size()) : shared.size() - 1;
          CHECK(queue.append(shared[which].bytes));
          model.insert(model.end(), shared[which].copy.begin(), shared[which].copy.end());
          break;
        }
        case 0:
          CHECK(queue.append(data.data(), data.size()));
          model.insert(model.end(), data.begin(), data.end());
          break;
        case 1: {  // reserve much, use little, or nothing
          uint8_t* to = queue.reserve(n + data.size());
          if (!CHECK(to != nullptr)) return;
          const size_t used = random.below(3) == 0 ? 0 : data.size();
          std::copy(data.begin(), data.begin() + static_cast<long>(used), to);
          queue.commit(used);
          model.insert(model.end(), data.begin(), data.begin() + static_cast<long>(used));
          break;
        }
        case 2: {
          ChunkQueue other(f.cache);
          for (size_t k = random.below(4); k > 0; --k) {
            CHECK(other.append(data.data(), data.size()));
            model.insert(model.end(), data.begin(), data.end());
          }
          queue.splice(other);
          CHECK(other.empty());
          break;
        }
        case 3: {
          const ChunkQueue::Mark mark = queue.mark();
          queue.append(data.data(), data.size());
          if (uint8_t* to = queue.reserve(n + 1)) {
            *to = 1;
            queue.commit(1);
          }
          queue.rollback(mark);
          break;
        }
        default: {
          const size_t gone = random.below(queue.size() + 1);
          queue.consume(gone);
          model.erase(model.begin(), model.begin() + static_cast<long>(gone));
          break;
        }
      }
      if (!CHECK_EQ(queue.size(), model.size())) return;
      size_t front = 0;
      const uint8_t* at = queue.front(&front);
      CHECK_EQ(at == nullptr, model.empty());
      if (i % 10 == 0) CHECK(contents(queue) == Bytes(model.begin(), model.end()));
    }
    for (const Kept& one : shared) {
      CHECK(Bytes(one.bytes.data(), one.bytes.data() + one.bytes.size()) == one.copy);
    }
    CHECK(contents(queue) == Bytes(model.begin(), model.end()));
    ChunkQueue moved = std::move(queue);
    CHECK(queue.empty());
    CHECK_EQ(moved.size(), model.size());
    queue = std::move(moved);
    CHECK(contents(queue) == Bytes(model.begin(), model.end()));
  }
}

TEST("small bytes that were made far apart are gathered, and do not keep what lies between them") {
  Fixture f;
  ChunkQueue queue(f.cache);
  vws::SharedSlab slab;
  Bytes expected;
  for (int i = 0; i < 100; ++i) {
    for (size_t n : {size_t{10}, vws::SharedSlab::kSize - 10}) {
      uint8_t* const to = slab.reserve(n);
      if (!CHECK(to != nullptr)) return;
      std::fill(to, to + n, static_cast<uint8_t>(i));
      const vws::SharedBytes made = slab.commit(n);
      if (n != 10) continue;
      CHECK(queue.append(made));
      expected.insert(expected.end(), n, static_cast<uint8_t>(i));
    }
  }
  struct iovec pieces[100];
  CHECK_EQ(queue.fill_iovec(pieces, 100), size_t{2});
  CHECK(contents(queue) == expected);
}

TEST("a burst of small frames is a few pieces, and huge ones are one") {
  Fixture f;
  ChunkQueue queue(f.cache);
  for (int i = 0; i < 1000; ++i) {
    uint8_t* to = queue.reserve(72);
    std::fill(to, to + 72, static_cast<uint8_t>(i));
    queue.commit(72);
  }
  std::vector<iovec> entries(100);
  CHECK(queue.fill_iovec(entries.data(), 100) <= 3);
  CHECK_EQ(queue.fill_iovec(entries.data(), 1), size_t{1});
  ChunkQueue huge(f.cache);
  uint8_t* to = huge.reserve(5 * 1024 * 1024);
  if (!CHECK(to != nullptr)) return;
  std::fill(to, to + 5 * 1024 * 1024, uint8_t{7});
  huge.commit(5 * 1024 * 1024);
  CHECK_EQ(huge.fill_iovec(entries.data(), 100), size_t{1});
  CHECK(huge.reserve(SIZE_MAX / 4) == nullptr);
  CHECK_EQ(huge.size(), size_t{5 * 1024 * 1024});
}

TEST("a small burst is appended to what is waiting rather than linked") {
  Fixture f;
  ChunkQueue queue(f.cache);
  queue.append("first", 5);
  for (int i = 0; i < 10; ++i) {
    ChunkQueue burst(f.cache);
    burst.append("next", 4);
    queue.splice(burst);
  }
  iovec entries[20];
  CHECK_EQ(queue.fill_iovec(entries, 20), size_t{1});
  CHECK_EQ(queue.size(), size_t{45});
}

TEST("bursts of any size that wait for a slow peer have no more than some times their size") {
  const size_t bursts[] = {1, 100, 600, 1500, 2100, 5000, 9000, 20000, 31000, 40000, 66000, 150000};
  for (const size_t burst : bursts) {
    Fixture f;
    ChunkQueue waiting(f.cache);
    const Bytes bytes(burst, 7);
    while (waiting.size() < 4 * 1024 * 1024) {
      ChunkQueue made(f.cache);
      CHECK(made.append(bytes.data(), bytes.size()));
      waiting.splice(made);
      if (burst < 100 && waiting.size() > 100000) break;
    }
    if (!CHECK(waiting.memory() <= 5 * waiting.size() / 2 + 8 * 1024 * 1024))
      std::printf("  bursts of %zu: %zu bytes have %zu\n", burst, waiting.size(), waiting.memory());
  }
}

TEST("one thread fills and another empties") {
  ChunkPool pool;
  std::mutex mutex;
  const size_t total = 60 * 1000 * 1000;
  {
    ChunkCache consumer_cache(pool);
    ChunkQueue shared(consumer_cache);  // guarded by mutex
    std::thread producer([&] {
      ChunkCache cache(pool);
      vws::test::Random random;
      size_t sent = 0;
      while (sent < total) {
        ChunkQueue burst(cache);
        for (size_t k = 1 + random.below(20); k > 0 && sent < total; --k) {
          const size_t n =
              std::min(total - sent, 1 + random.below(random.below(8) == 0 ? 100000 : 100));
          uint8_t* to = burst.reserve(n);
          for (size_t i = 0; i < n; ++i) to[i] = static_cast<uint8_t>((sent + i) * 31);
          burst.commit(n);
          sent += n;
        }
        const std::lock_guard<std::mutex> lock(mutex);
        shared.splice(burst);
      }
    });
    size_t received = 0;
    size_t wrong = 0;
    ChunkQueue mine(consumer_cache);
    while (received < total) {
      {
        const std::lock_guard<std::mutex> lock(mutex);
        mine.splice(shared);
      }
      size_t n = 0;
      while (const uint8_t* at = mine.front(&n)) {
        for (size_t i = 0; i < n; ++i) wrong += at[i] != static_cast<uint8_t>((received + i) * 31);
        received += n;
        mine.consume(n);
      }
    }
    producer.join();
    CHECK_EQ(wrong, size_t{0});
  }
  pool.trim_idle();
  pool.trim_idle();
}

TEST_MAIN
