#include "engine/publication.h"

#include <cstring>
#include <utility>

namespace vws {

Publication::Publication(SharedBytes frame, size_t size, Opcode opcode, bool may_compress)
    : plain_(std::move(frame)), size_(size), opcode_(opcode), may_compress_(may_compress) {}

const SharedBytes* Publication::find(const DeflateParameters& parameters) const {
  const Version* version = newest_.load(std::memory_order_acquire);
  while (version && !(version->parameters == parameters)) version = version->older.get();
  return version ? &version->frame : nullptr;
}

const SharedBytes* Publication::compressed(DeflatePool& pool, SharedSlab& slab,
                                           const DeflateParameters& parameters) {
  if (const SharedBytes* made = find(parameters)) return made;
  const std::lock_guard<std::mutex> lock(mutex_);
  // Another thread may have had the lock.
  if (const SharedBytes* made = find(parameters)) return made;
  Deflater deflater(pool, parameters.window_bits, true, parameters.level, parameters.mem_level);
  Deflater::Output output;
  if (!deflater.compress(payload(), size_, true, &output)) return nullptr;
  SharedFrameSlot slot(&slab);
  uint8_t* const to = slot.open(output.size, output.size);
  if (!to) return nullptr;
  std::memcpy(to, output.data, output.size);
  versions_ = std::make_unique<const Version>(
      Version{parameters, slot.close({opcode_, true, true}, output.size), std::move(versions_)});
  newest_.store(versions_.get(), std::memory_order_release);
  return &versions_->frame;
}

uint8_t* SharedFrameSlot::open(size_t bound, size_t likely) {
  offset_ = frame_header_size(likely, false);
  start_ = slab_ ? slab_->reserve(kMaxFrameHeader + bound) : nullptr;
  if (!start_) {
    block_ = BlockPool::shared().take(kMaxFrameHeader + bound);
    start_ = block_.data();
  }
  return start_ ? start_ + offset_ : nullptr;
}

SharedBytes SharedFrameSlot::close(FrameHead head, size_t n) {
  const size_t header = frame_header_size(n, false);
  if (header != offset_) std::memmove(start_ + header, start_ + offset_, n);
  frame_header(start_, head.opcode, head.fin, head.rsv1, n, nullptr);
  if (!block_) return slab_->commit(header + n);
  block_.set_size(header + n);
  // What is kept has no more than it needs: a string's bound is up to three times its size.
  if (!slab_ && block_.capacity() > 2 * block_.size()) {
    Block block = BlockPool::shared().take(block_.size());
    if (block) {
      std::memcpy(block.data(), block_.data(), block_.size());
      block.set_size(block_.size());
      return SharedBytes(std::move(block), 0);
    }
  }
  return SharedBytes(std::move(block_), 0);
}

}  // namespace vws
