#include "engine/ws/block_pool.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/os/heap.h"
#include "engine/os/lazy_memory.h"

namespace vws {

namespace {

constexpr size_t kAlignment = 64;

// Aligned allocation is slow, and only pays where much is copied.
uint8_t* allocate(size_t n) {
  void* memory = n < BlockPool::kSmallest ? std::malloc(n) : os::allocate_aligned(kAlignment, n);
  return static_cast<uint8_t*>(memory);
}

// Told by the capacity, which is all that is left of a detached block.
bool is_mapped(size_t capacity) { return capacity > BlockPool::kLargest; }

size_t rounded_up(size_t n) { return (n + kAlignment - 1) & ~(kAlignment - 1); }

}  // namespace

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    reset();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

size_t Block::memory() const {
  return is_mapped(capacity_) ? std::min(LazyMemory::whole_pages(size_), capacity_) : capacity_;
}

void Block::reset() {
  if (data_ != nullptr) BlockPool::shared().give_back(data_, capacity_);
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

uint8_t* Block::detach() {
  size_ = 0;
  capacity_ = 0;
  return std::exchange(data_, nullptr);
}

Block Block::adopt(uint8_t* data, size_t capacity) {
  Block block;
  block.data_ = data;
  block.capacity_ = capacity;
  return block;
}

BlockPool& BlockPool::shared() {
  static BlockPool* const pool = new BlockPool;
  return *pool;
}

// The smallest class that holds n bytes, at most kLargest.
size_t BlockPool::class_of(size_t n) {
  size_t base = kSmallest;
  size_t index = 0;
  while (n > base * 2) {
    base *= 2;
    index += 4;
  }
  if (n <= base) return index;
  return index + (n - base + base / 4 - 1) / (base / 4);
}

size_t BlockPool::class_size(size_t index) {
  const size_t base = kSmallest << (index / 4);
  return base + base / 4 * (index % 4);
}

Block BlockPool::take(size_t n) {
  Block block;
  if (n >= SIZE_MAX / 4) return block;  // no system has that
  if (n > kLargest) {
    block.capacity_ = LazyMemory::whole_pages(n);
    block.data_ = static_cast<uint8_t*>(LazyMemory::map(block.capacity_));
  } else if (rounded_up(n) < kSmallest) {
    block.capacity_ = rounded_up(n);
    block.data_ = allocate(block.capacity_);
  } else {
    const size_t index = class_of(n);
    block.capacity_ = class_size(index);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      taken_bytes_ += block.capacity_;
      if (!busy_ && taken_bytes_ > kQuietBytes) busy_ = true;
      note_bulk();
      FreeList& list = lists_[index];
      if (list.head != nullptr) {
        block.data_ = reinterpret_cast<uint8_t*>(list.head);
        list.head = list.head->next;
        if (--list.count < list.fewest) list.fewest = list.count;
        idle_bytes_ -= block.capacity_;
      }
    }
    if (block.data_ == nullptr) block.data_ = allocate(block.capacity_);
  }
  if (block.data_ == nullptr) block.capacity_ = 0;
  return block;
}

bool BlockPool::grow(Block& block, size_t n) {
  if (block.capacity() >= n) return true;
  if (is_mapped(block.capacity())) return resize(block, n);
  // One that has grown so far may grow further: from here on its pages are moved instead of its bytes.
  Block bigger = take(block.size() > kMostCopied ? std::max(n, static_cast<size_t>(kMapped)) : n);
  if (!bigger) return false;
  if (block.size() != 0) std::memcpy(bigger.data(), block.data(), block.size());
  bigger.set_size(block.size());
  block = std::move(bigger);
  return true;
}

void BlockPool::fit(Block& block) {
  if (!is_mapped(block.capacity())) return;
  const size_t fitting = std::max(block.size(), static_cast<size_t>(kMapped));
  if (LazyMemory::whole_pages(fitting) < block.capacity()) resize(block, fitting);
}

// Of a mapped block.
bool BlockPool::resize(Block& block, size_t n) {
  if (n >= SIZE_MAX / 4) return false;
  const size_t capacity = LazyMemory::whole_pages(n);
  void* const data = LazyMemory::remap(block.data_, block.capacity_, capacity);
  if (data == nullptr) return false;
  block.data_ = static_cast<uint8_t*>(data);
  block.capacity_ = capacity;
  return true;
}

void BlockPool::give_back(uint8_t* data, size_t capacity) {
  if (is_mapped(capacity)) {
    LazyMemory::unmap(data, capacity);
    return;
  }
  if (capacity >= kSmallest) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (idle_bytes_ + capacity <= (busy_ ? kMaxIdleBytes : kQuietBytes)) {
      FreeList& list = lists_[class_of(capacity)];
      FreeBlock* block = reinterpret_cast<FreeBlock*>(data);
      block->next = list.head;
      list.head = block;
      ++list.count;
      idle_bytes_ += capacity;
      return;
    }
  }
  std::free(data);
}

// With the lock held.
void BlockPool::note_bulk() {
  const bool bulky = busy_ || idle_bytes_ > kQuietBytes;
  if (bulky != bulky_.load(std::memory_order_relaxed))
    bulky_.store(bulky, std::memory_order_relaxed);
}

void BlockPool::trim_idle() {
  FreeBlock* unused = nullptr;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < kClasses; ++i) {
      FreeList& list = lists_[i];
      for (; list.fewest > 0; --list.fewest) {
        FreeBlock* block = list.head;
        list.head = block->next;
        --list.count;
        idle_bytes_ -= class_size(i);
        block->next = unused;
        unused = block;
      }
      list.fewest = list.count;
    }
    busy_ = taken_bytes_ > kQuietBytes;
    taken_bytes_ = 0;
    note_bulk();
  }
  while (unused != nullptr) std::free(std::exchange(unused, unused->next));
}

void BlockPool::clear() {
  trim_idle();  // the second time, everything has lain unused since the first
  trim_idle();
}

size_t BlockPool::idle_bytes() {
  std::lock_guard<std::mutex> lock(mutex_);
  return idle_bytes_;
}

}  // namespace vws
