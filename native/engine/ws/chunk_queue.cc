#include "engine/ws/chunk_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "engine/ws/block_pool.h"

namespace vws {

namespace {

constexpr size_t kSmallRoom = kSmallChunk - sizeof(Chunk);
constexpr size_t kLargeRoom = kLargeChunk - sizeof(Chunk);
// What a cache moves to or from the pool at a time, and the most it keeps.
constexpr size_t kBatch = 16;
constexpr size_t kMaxCached = 2 * kBatch;
// splice() rather copies a burst of this size than lengthen the list,
constexpr size_t kWorthCopying = 512;
// and any burst that would leave much room empty, if so much waits already: the peer is slow, and many bursts
// may have to wait for it.
constexpr size_t kMuchWaits = 256 * 1024;

// A chunk whose bytes follow it in memory.
Chunk* make_chunk(void* memory, size_t room) {
  uint8_t* const bytes = static_cast<uint8_t*>(memory) + sizeof(Chunk);
  return new (memory) Chunk{nullptr, bytes, 0, 0, static_cast<uint32_t>(room)};
}

Chunk* allocate_chunk(size_t room) {
  void* memory = std::malloc(sizeof(Chunk) + room);
  return memory == nullptr ? nullptr : make_chunk(memory, room);
}

// A chunk that has no bytes of its own.
struct SharingChunk : Chunk {
  SharedBytes owner;
};

// A chunk larger than the large ones, in memory of the block pool, so that its pages are used
// again.
Chunk* take_huge_chunk(size_t room) {
  if (room > UINT32_MAX - 4096) return nullptr;
  Block block = BlockPool::shared().take(sizeof(Chunk) + room);
  if (!block) return nullptr;
  const size_t capacity = block.capacity() - sizeof(Chunk);
  return make_chunk(block.detach(), capacity);
}

void give_back_huge_chunk(Chunk* chunk) {
  const size_t capacity = sizeof(Chunk) + chunk->capacity;
  Block::adopt(reinterpret_cast<uint8_t*>(chunk), capacity).reset();
}

void free_all(ChunkList& list) {
  while (Chunk* chunk = list.pop()) std::free(chunk);
}

}  // namespace

ChunkPool::~ChunkPool() {
  free_all(small_.list);
  free_all(large_.list);
}

// With the lock held.
void ChunkPool::note_bulk() {
  const size_t bytes = small_.list.count * kSmallChunk + large_.list.count * kLargeChunk;
  bulky_.store(bytes > kQuiet * kLargeChunk, std::memory_order_relaxed);
}

void ChunkPool::trim_idle() {
  ChunkList unused;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (Shelf* shelf : {&small_, &large_}) {
      for (; shelf->fewest > 0; --shelf->fewest) unused.push(shelf->list.pop());
      shelf->fewest = shelf->list.count;
    }
    note_bulk();
  }
  free_all(unused);
}

void ChunkPool::take(Shelf& shelf, ChunkList& to, size_t n) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (; n > 0 && shelf.list.count > 0; --n) to.push(shelf.list.pop());
  shelf.fewest = std::min(shelf.fewest, shelf.list.count);
  note_bulk();
}

void ChunkPool::give(Shelf& shelf, ChunkList& from, size_t n, size_t most) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (; n > 0 && shelf.list.count < most; --n) shelf.list.push(from.pop());
  note_bulk();
}

Chunk* ChunkCache::take(size_t n, bool small) {
  if (n > kLargeRoom) return take_huge_chunk(n);
  const bool fits = small && n <= kSmallRoom;
  ChunkList& list = fits ? small_ : large_;
  if (list.count == 0) pool_.take(fits ? pool_.small_ : pool_.large_, list, kBatch);
  Chunk* chunk = list.pop();
  if (chunk == nullptr) return allocate_chunk(fits ? kSmallRoom : kLargeRoom);
  chunk->next = nullptr;
  chunk->begin = 0;
  chunk->end = 0;
  return chunk;
}

void ChunkCache::give_back(Chunk* chunk) {
  if (chunk->shares()) {
    delete static_cast<SharingChunk*>(chunk);
    return;
  }
  const bool small = chunk->capacity == kSmallRoom;
  if (!small && chunk->capacity != kLargeRoom) {
    give_back_huge_chunk(chunk);
    return;
  }
  ChunkList& list = small ? small_ : large_;
  list.push(chunk);
  if (list.count < kMaxCached) return;
  const size_t kept = list.count - kBatch;
  pool_.give(small ? pool_.small_ : pool_.large_, list, kBatch,
             small ? ChunkPool::kMaxSmall : ChunkPool::kMaxLarge);
  while (list.count > kept) std::free(list.pop());  // the pool was full
}

void ChunkCache::flush() {
  pool_.give(pool_.small_, small_, small_.count, ChunkPool::kMaxSmall);
  pool_.give(pool_.large_, large_, large_.count, ChunkPool::kMaxLarge);
  free_all(small_);
  free_all(large_);
}

ChunkQueue::ChunkQueue(ChunkQueue&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      cache_(other.cache_) {}

ChunkQueue& ChunkQueue::operator=(ChunkQueue&& other) noexcept {
  if (this != &other) {
    clear();
    head_ = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, nullptr);
    size_ = std::exchange(other.size_, 0);
    cache_ = other.cache_;
  }
  return *this;
}

void ChunkQueue::push(Chunk* chunk) {
  if (tail_ == nullptr) {
    head_ = chunk;
  } else {
    tail_->next = chunk;
  }
  tail_ = chunk;
}

bool ChunkQueue::add_chunk(size_t n) {
  Chunk* chunk = cache_->take(n, head_ == nullptr);
  if (chunk == nullptr) return false;
  push(chunk);
  return true;
}

uint8_t* ChunkQueue::reserve_slow(size_t n) {
  if (size_ == 0) clear();  // a reservation that was not used, and is too small now
  if (!add_chunk(n)) return nullptr;
  return tail_->bytes();
}

uint8_t* ChunkQueue::reserve_some(size_t wanted, size_t* got) {
  if (tail_ == nullptr || tail_->room() == 0) {
    if (!add_chunk(std::min(wanted, kLargeRoom))) return nullptr;
  }
  *got = std::min<size_t>(wanted, tail_->room());
  return tail_->bytes() + tail_->end;
}

bool ChunkQueue::append(const void* data, size_t n) {
  const uint8_t* from = static_cast<const uint8_t*>(data);
  while (n > 0) {
    size_t got = 0;
    uint8_t* to = reserve_some(n, &got);
    if (to == nullptr) return false;
    std::memcpy(to, from, got);
    commit(got);
    from += got;
    n -= got;
  }
  return true;
}

bool ChunkQueue::append(const SharedBytes& bytes) {
  const size_t n = bytes.size();
  // Behind those that came before, where they were made one after the other.
  if (tail_ != nullptr && tail_->shares() && tail_->bytes() + tail_->end == bytes.data() &&
      static_cast<SharingChunk*>(tail_)->owner.block_ == bytes.block_) {
    tail_->end += static_cast<uint32_t>(n);
    size_ += n;
    return true;
  }
  if (n <= kWorthCopying && tail_ != nullptr && tail_->room() >= n) {
    std::memcpy(tail_->bytes() + tail_->end, bytes.data(), n);
    commit(n);
    return true;
  }
  if (n > UINT32_MAX) return false;
  // Small ones that were made far apart are gathered: each would keep the memory of all that was made between them.
  if (n <= kWorthCopying && tail_ != nullptr && tail_->shares() && tail_->used() <= kWorthCopying) {
    Chunk* const own = cache_->take(n, true);
    if (own == nullptr) return false;
    push(own);
    std::memcpy(own->bytes(), bytes.data(), n);
    commit(n);
    return true;
  }
  if (size_ == 0) clear();  // a reservation that was not used
  const auto size = static_cast<uint32_t>(n);
  Chunk* const chunk =
      new (std::nothrow) SharingChunk{{nullptr, bytes.memory(), 0, size, size}, bytes};
  if (chunk == nullptr) return false;
  push(chunk);
  size_ += n;
  return true;
}

size_t ChunkQueue::fill_iovec(struct iovec* entries, size_t max) const {
  size_t count = 0;
  for (Chunk* chunk = head_; chunk != nullptr && count < max; chunk = chunk->next) {
    if (chunk->used() == 0) continue;
    entries[count].iov_base = chunk->bytes() + chunk->begin;
    entries[count].iov_len = chunk->used();
    ++count;
  }
  return count;
}

const uint8_t* ChunkQueue::front(size_t* n) const {
  for (Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
    if (chunk->used() == 0) continue;
    *n = chunk->used();
    return chunk->bytes() + chunk->begin;
  }
  *n = 0;
  return nullptr;
}

void ChunkQueue::consume(size_t n) {
  size_ -= n;
  while (head_ != nullptr) {
    const size_t used = head_->used();
    if (n < used) {
      head_->begin += static_cast<uint32_t>(n);
      return;
    }
    n -= used;
    Chunk* done = head_;
    head_ = done->next;
    cache_->give_back(done);
    if (n == 0 && size_ != 0) return;
  }
  tail_ = nullptr;
}

void ChunkQueue::rollback(const Mark& mark) {
  if (mark.tail == nullptr) {
    clear();
    return;
  }
  while (mark.tail->next != nullptr) {
    cache_->give_back(std::exchange(mark.tail->next, mark.tail->next->next));
  }
  mark.tail->end = mark.end;
  tail_ = mark.tail;
  size_ = mark.size;
}

// Makes two chunks of one, so that offset bytes are in the first, which is returned; null without memory. The
// smaller part is copied.
Chunk* ChunkQueue::split(Chunk* before, Chunk* chunk, size_t offset) {
  const size_t rest = chunk->used() - offset;
  const uint8_t* const from = chunk->bytes() + chunk->begin;
  if (rest <= offset) {
    Chunk* const second = cache_->take(rest, true);
    if (second == nullptr) return nullptr;
    std::memcpy(second->bytes(), from + offset, rest);
    second->end = static_cast<uint32_t>(rest);
    chunk->end -= static_cast<uint32_t>(rest);
    second->next = std::exchange(chunk->next, second);
    if (tail_ == chunk) tail_ = second;
    return chunk;
  }
  Chunk* const first = cache_->take(offset, true);
  if (first == nullptr) return nullptr;
  std::memcpy(first->bytes(), from, offset);
  first->end = static_cast<uint32_t>(offset);
  chunk->begin += static_cast<uint32_t>(offset);
  first->next = chunk;
  (before == nullptr ? head_ : before->next) = first;
  return first;
}

bool ChunkQueue::insert(size_t offset, const void* data, size_t n) {
  if (n == 0) return true;
  if (offset == size_) {
    uint8_t* const to = reserve(n);
    if (to == nullptr) return false;
    std::memcpy(to, data, n);
    commit(n);
    return true;
  }
  Chunk* before = nullptr;
  Chunk* chunk = head_;
  for (; offset >= chunk->used(); chunk = chunk->next) {
    offset -= chunk->used();
    before = chunk;
  }
  if (offset > 0) {
    before = split(before, chunk, offset);
    if (before == nullptr) return false;
  }
  if (before == nullptr || before->room() < n) {
    Chunk* const made = cache_->take(n, true);
    if (made == nullptr) return false;
    Chunk*& link = before == nullptr ? head_ : before->next;
    made->next = std::exchange(link, made);
    before = made;
  }
  std::memcpy(before->bytes() + before->end, data, n);
  before->end += static_cast<uint32_t>(n);
  size_ += n;
  return true;
}

void ChunkQueue::Cursor::skip(uint64_t n) {
  at_ += n;
  // The place behind the last byte is left where it is: the next chunk may not exist yet.
  while (at_ >= chunk_->used() && chunk_->next != nullptr) {
    at_ -= chunk_->used();
    chunk_ = chunk_->next;
  }
}

uint8_t ChunkQueue::Cursor::next() {
  const uint8_t byte = chunk_->bytes()[chunk_->begin + at_];
  skip(1);
  return byte;
}

void ChunkQueue::clear() {
  while (head_ != nullptr) cache_->give_back(std::exchange(head_, head_->next));
  tail_ = nullptr;
  size_ = 0;
}

size_t ChunkQueue::memory() const {
  size_t bytes = 0;
  for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next)
    bytes += sizeof(Chunk) + chunk->capacity;
  return bytes;
}

// Whether more than half of its room is empty; of more chunks than a few all but the last are full.
bool ChunkQueue::is_sparse() const {
  size_t capacity = 0;
  size_t count = 0;
  for (const Chunk* chunk = head_; chunk != nullptr; chunk = chunk->next) {
    if (++count > 3) return false;
    capacity += chunk->capacity;
  }
  return capacity > 2 * size_;
}

void ChunkQueue::splice(ChunkQueue& other) {
  if (other.size_ == 0) {
    other.clear();
    return;
  }
  const bool copy = other.size_ <= kWorthCopying || (size_ >= kMuchWaits && other.is_sparse());
  if (copy && tail_ != nullptr && tail_->room() >= other.size_) {
    for (Chunk* chunk = other.head_; chunk != nullptr; chunk = chunk->next) {
      std::memcpy(tail_->bytes() + tail_->end, chunk->bytes() + chunk->begin, chunk->used());
      commit(chunk->used());
    }
    other.clear();
    return;
  }
  if (size_ == 0) clear();
  if (tail_ == nullptr) {
    head_ = other.head_;
  } else {
    tail_->next = other.head_;
  }
  tail_ = other.tail_;
  size_ += other.size_;
  other.head_ = nullptr;
  other.tail_ = nullptr;
  other.size_ = 0;
}

}  // namespace vws
