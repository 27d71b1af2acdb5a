#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "engine/os/iovec.h"
#include "engine/ws/shared_bytes.h"

namespace vws {

// A piece of a ChunkQueue; its bytes follow it in memory, unless it shares those of others.
struct Chunk {
  Chunk* next;
  uint8_t* memory;
  uint32_t begin;  // first byte not consumed
  uint32_t end;    // first byte not written
  uint32_t capacity;
  uint8_t* bytes() { return memory; }
  const uint8_t* bytes() const { return memory; }
  bool shares() const { return memory != reinterpret_cast<const uint8_t*>(this + 1); }
  // Nothing is ever written behind bytes that are shared.
  uint32_t room() const { return shares() ? 0 : capacity - end; }
  uint32_t used() const { return end - begin; }
};

// Chunks come in two sizes, counting their heads: a queue begins with a small one, so that many
// connections with little to send stay cheap, and goes on with large ones. What does not fit a
// large one gets a chunk of its own.
constexpr size_t kSmallChunk = 2 * 1024;
constexpr size_t kLargeChunk = 64 * 1024;

struct ChunkList {
  Chunk* head = nullptr;
  size_t count = 0;
  void push(Chunk* chunk) {
    chunk->next = head;
    head = chunk;
    ++count;
  }
  Chunk* pop() {
    Chunk* chunk = head;
    if (chunk != nullptr) {
      head = chunk->next;
      --count;
    }
    return chunk;
  }
};

// Chunks not in use, shared by threads, each of which has a ChunkCache in front. Guarded by mutex_.
class ChunkPool {
 public:
  static constexpr size_t kMaxSmall = 4096;  // 8 MiB
  static constexpr size_t kMaxLarge = 256;   // 16 MiB
  static constexpr size_t kQuiet = 16;       // large ones that are not worth a trim: 1 MiB

  ChunkPool() = default;
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // Any thread: frees what lay unused since the last call. To be called now and then, seconds
  // apart, while bulky().
  void trim_idle();
  // Any thread: whether so much lies unused that it is worth trimming.
  bool bulky() const { return bulky_.load(std::memory_order_relaxed); }

 private:
  friend class ChunkCache;
  struct Shelf {
    ChunkList list;
    size_t fewest = 0;  // least count since the last trim_idle()
  };
  void take(Shelf& shelf, ChunkList& to, size_t n);
  void give(Shelf& shelf, ChunkList& from, size_t n, size_t most);
  void note_bulk();

  std::atomic<bool> bulky_{false};
  std::mutex mutex_;
  Shelf small_;
  Shelf large_;
};

// One thread's stock of chunks: takes from the pool and gives back to it several at a time, so that
// chunks that one thread fills and another empties cost few locks. Must not outlive the pool.
class ChunkCache {
 public:
  explicit ChunkCache(ChunkPool& pool) : pool_(pool) {}
  ~ChunkCache() { flush(); }
  ChunkCache(const ChunkCache&) = delete;
  ChunkCache& operator=(const ChunkCache&) = delete;

  // An empty chunk with room for at least n bytes; null without memory.
  Chunk* take(size_t n, bool small);
  void give_back(Chunk* chunk);
  // Hands the whole stock to the pool.
  void flush();

 private:
  ChunkPool& pool_;
  ChunkList small_;
  ChunkList large_;
};

// A FIFO of bytes, laid out so that a burst goes out in one writev. Holds no memory when empty.
// Belongs to one thread at a time; bytes cross to another thread's queue by splice().
class ChunkQueue {
 public:
  explicit ChunkQueue(ChunkCache& cache) : cache_(&cache) {}
  ~ChunkQueue() { clear(); }
  ChunkQueue(ChunkQueue&& other) noexcept;
  ChunkQueue& operator=(ChunkQueue&& other) noexcept;
  ChunkQueue(const ChunkQueue&) = delete;
  ChunkQueue& operator=(const ChunkQueue&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // Bytes of memory that it has; walks all chunks.
  size_t memory() const;

  // Room for n contiguous bytes at the end; null without memory. commit() says how many were
  // written.
  uint8_t* reserve(size_t n) {
    if (tail_ != nullptr && tail_->room() >= n) return tail_->bytes() + tail_->end;
    return reserve_slow(n);
  }
  void commit(size_t n) {
    tail_->end += static_cast<uint32_t>(n);
    size_ += n;
  }
  // Room at the end of whatever size is there, at least one byte; for data that may be cut
  // anywhere.
  uint8_t* reserve_some(size_t wanted, size_t* got);
  // False without memory (what was appended before stays).
  bool append(const void* data, size_t n);
  // Bytes that others have, too: small ones are copied where there is room, others stay where they are. False without
  // memory.
  bool append(const SharedBytes& bytes);

  // Fills at most max entries from the front; returns how many.
  size_t fill_iovec(struct iovec* entries, size_t max) const;
  // The first contiguous piece.
  const uint8_t* front(size_t* n) const;
  // Undoes what was appended since; nothing may have been consumed or spliced meanwhile.
  struct Mark {
    Chunk* tail;
    uint32_t end;
    size_t size;
  };
  Mark mark() const { return {tail_, tail_ != nullptr ? tail_->end : 0, size_}; }
  void rollback(const Mark& mark);
  // Puts n bytes where they will come out behind the first offset ones. Meant for few bytes near the front: at
  // most half a chunk is copied, and chunks before the place are walked. False without memory; the queue is then
  // as it was.
  bool insert(size_t offset, const void* data, size_t n);
  // Drops n bytes from the front.
  void consume(size_t n);
  void clear();

  // Moves all of other to the end of this queue, without copying more than a few bytes, unless so much waits that
  // room counts more than time. other is left empty, with its own cache. The chunks will go back to this queue's
  // cache.
  void splice(ChunkQueue& other);
  // Makes chunks that are freed from now on go to another thread's cache.
  void set_cache(ChunkCache& cache) { cache_ = &cache; }

  // Looks at the bytes of a queue, from its front on, without taking them. The queue must not change meanwhile.
  class Cursor {
   public:
    explicit Cursor(const ChunkQueue& queue) : chunk_(queue.head_) {}
    // There must be so many bytes left.
    void skip(uint64_t n);
    uint8_t next();

   private:
    const Chunk* chunk_;
    uint64_t at_ = 0;  // in chunk_, from its first byte that is not consumed
  };

 private:
  Chunk* split(Chunk* before, Chunk* chunk, size_t offset);
  bool is_sparse() const;
  void push(Chunk* chunk);
  uint8_t* reserve_slow(size_t n);
  bool add_chunk(size_t n);

  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  size_t size_ = 0;
  ChunkCache* cache_;
};

}  // namespace vws
