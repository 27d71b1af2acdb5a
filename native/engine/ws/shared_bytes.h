#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/ws/block_pool.h"

namespace vws {

// Bytes that do not change any more, and that several queues may hold at once: they live as long as one of them does.
// Any thread.
class SharedBytes {
 public:
  SharedBytes() = default;
  // So many bytes of the block, from there on.
  SharedBytes(std::shared_ptr<Block> block, size_t begin, size_t size)
      : block_(std::move(block)), begin_(begin), size_(size) {}
  // What the block has from there on.
  SharedBytes(Block block, size_t begin)
      : block_(std::make_shared<Block>(std::move(block))),
        begin_(begin),
        size_(block_->size() - begin) {}

  const uint8_t* data() const { return memory(); }
  size_t size() const { return size_; }
  // Of memory that lives as long as this does: more than size() in a slab.
  size_t held() const { return block_->capacity(); }

 private:
  friend class ChunkQueue;
  // Queues have no const bytes; they never write where they share.
  uint8_t* memory() const { return block_->data() + begin_; }

  std::shared_ptr<Block> block_;
  size_t begin_ = 0;
  size_t size_ = 0;
};

// Makes small shared bytes, one behind the other, so that a queue that gets several in a row has them in one piece.
// One thread; who reads what has been made may be on another.
class SharedSlab {
 public:
  static constexpr size_t kSize = 4 * 1024;

  // Room for n bytes; null without memory, and if n is more than kSize.
  uint8_t* reserve(size_t n) {
    if (n > kSize) return nullptr;
    if (!block_ || used_ + n > kSize) {
      Block block = BlockPool::shared().take(kSize);
      if (!block) return nullptr;
      block_ = std::make_shared<Block>(std::move(block));
      used_ = 0;
    }
    return block_->data() + used_;
  }
  // The first n bytes of what was reserved.
  SharedBytes commit(size_t n) {
    const size_t begin = used_;
    used_ += n;
    return SharedBytes(block_, begin, n);
  }

 private:
  std::shared_ptr<Block> block_;
  size_t used_ = 0;
};

}  // namespace vws
