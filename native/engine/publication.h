#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

#include "engine/ws/block_pool.h"
#include "engine/ws/deflate.h"
#include "engine/ws/frame_writer.h"
#include "engine/ws/shared_bytes.h"

namespace vws {

// A message for many of a server's connections: framed once, and compressed once for each set of parameters that
// they have. Any thread, once it is made.
class Publication {
 public:
  // frame: whole, unmasked and not compressed, with so much payload.
  Publication(SharedBytes frame, size_t size, Opcode opcode, bool may_compress);
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  // Bytes of payload.
  size_t size() const { return size_; }
  const uint8_t* payload() const { return plain_.data() + (plain_.size() - size_); }
  Opcode opcode() const { return opcode_; }
  bool may_compress() const { return may_compress_; }
  // The frame as it is.
  const SharedBytes& plain() const { return plain_; }
  // The frame compressed, from an empty window; null without memory. The pool and the slab are the calling thread's.
  // Whoever needs what another thread is making waits for it.
  const SharedBytes* compressed(DeflatePool& pool, SharedSlab& slab,
                                const DeflateParameters& parameters);

 private:
  struct Version {
    DeflateParameters parameters;
    SharedBytes frame;
    std::unique_ptr<const Version> older;
  };

  const SharedBytes* find(const DeflateParameters& parameters) const;

  const SharedBytes plain_;
  const size_t size_;
  const Opcode opcode_;
  const bool may_compress_;
  std::mutex mutex_;
  std::unique_ptr<const Version> versions_;      // guarded by mutex_
  std::atomic<const Version*> newest_{nullptr};  // of those, for who only looks: without the lock
};

// A frame for a publication, whose payload is written in place: at most bound bytes, likely so many. Between open() and
// close() nothing else may use the slab.
class SharedFrameSlot {
 public:
  // Without a slab each frame has memory of its own, which is for those that are kept.
  explicit SharedFrameSlot(SharedSlab* slab) : slab_(slab) {}
  // Where to; null without memory.
  uint8_t* open(size_t bound, size_t likely);
  SharedBytes close(FrameHead head, size_t n);

 private:
  SharedSlab* slab_;
  Block block_;  // of its own, if it is too large for the slab
  uint8_t* start_ = nullptr;
  size_t offset_ = 0;
};

}  // namespace vws
