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
  // What the block has from there on.
  explicit SharedBytes(Block block, size_t begin = 0)
      : held_(std::make_shared<Held>(Held{std::move(block), begin})) {}

  explicit operator bool() const { return held_ != nullptr; }
  const uint8_t* data() const { return memory(); }
  size_t size() const { return held_->block.size() - held_->begin; }

 private:
  friend class ChunkQueue;
  struct Held {
    Block block;
    size_t begin;
  };
  // Queues have no const bytes; they never write where they share.
  uint8_t* memory() const { return held_->block.data() + held_->begin; }

  std::shared_ptr<Held> held_;
};

}  // namespace vws
