#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace vws {

// A contiguous piece of memory with one owner, aligned as malloc's (from BlockPool::kSmallest on,
// to 64 bytes). It goes back to the pool, on whatever thread, when the block is destroyed.
class Block {
 public:
  Block() = default;
  ~Block() { reset(); }
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  explicit operator bool() const { return data_ != nullptr; }
  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }  // bytes in use
  size_t capacity() const { return capacity_; }
  // Bytes of memory that it takes: of a mapped block only what is in use.
  size_t memory() const;
  void set_size(size_t size) { size_ = size; }
  void reset();

  // For C interfaces that keep a pointer: gives up ownership. adopt() takes it back; capacity is
  // what capacity() said before.
  uint8_t* detach();
  static Block adopt(uint8_t* data, size_t capacity);

 private:
  friend class BlockPool;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Free lists of large blocks, so that their pages are used again instead of being mapped, zeroed
// and faulted in for each message. One for the process, never destroyed (a block may be given back
// while the process ends). Blocks below kSmallest are left to malloc; those above kLargest are mapped: they grow
// without being copied, and have memory as far as they are written to. All functions may be called
// on any thread; state is guarded by mutex_.
class BlockPool {
 public:
  static constexpr size_t kSmallest = 32 * 1024;        // smaller blocks are not kept
  static constexpr size_t kLargest = 16 * 1024 * 1024;  // nor are larger ones
  static constexpr uint64_t kMapped = kLargest + 1;     // those that are mapped begin here
  static constexpr size_t kMostCopied = 1024 * 1024;    // by a block that grows again and again
  static constexpr size_t kMaxIdleBytes = 64 * 1024 * 1024;  // most that is kept altogether
  static constexpr size_t kQuietBytes = 1024 * 1024;         // and while little is taken

  static BlockPool& shared();

  // A block of at least n bytes (n > 0), size() 0; an empty block if there is no memory.
  Block take(size_t n);
  // Moves the first size() bytes to a block of at least n bytes. False, with block as it was,
  // without memory.
  bool grow(Block& block, size_t n);
  // Gives back what a block has beyond its size(), where that is much and costs no copy.
  void fit(Block& block);

  // Frees what lay unused since the last call. To be called now and then, seconds apart, while bulky().
  void trim_idle();
  // Whether there is, or may soon be, something worth trimming: more than kQuietBytes have been taken since
  // the last trim, or lie idle. Once it is false, blocks that come back late (from the garbage collector)
  // are not kept beyond kQuietBytes, so that nobody needs to wake up for them.
  bool bulky() const { return bulky_.load(std::memory_order_relaxed); }
  // Frees everything that is kept.
  void clear();
  size_t idle_bytes();

 private:
  friend class Block;
  // Four classes to each power of two: at most a quarter of a block is lost.
  static constexpr size_t kClasses = 9 * 4 + 1;
  struct FreeBlock {
    FreeBlock* next;
  };
  struct FreeList {
    FreeBlock* head = nullptr;
    size_t count = 0;
    size_t fewest = 0;  // least count since the last trim_idle()
  };

  static size_t class_of(size_t n);
  static size_t class_size(size_t index);
  bool resize(Block& block, size_t n);
  void give_back(uint8_t* data, size_t capacity);
  void note_bulk();

  std::mutex mutex_;
  std::array<FreeList, kClasses> lists_;
  size_t idle_bytes_ = 0;
  size_t taken_bytes_ = 0;  // since the last trim
  bool busy_ = false;       // more than kQuietBytes of them, or at the trim before
  std::atomic<bool> bulky_{false};
};

}  // namespace vws
