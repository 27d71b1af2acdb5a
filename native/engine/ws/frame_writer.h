#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/ws/chunk_queue.h"
#include "engine/ws/mask.h"

namespace vws {

enum Opcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

constexpr size_t kMaxFrameHeader = 14;
constexpr size_t kMaxControlPayload = 125;

constexpr size_t frame_header_size(uint64_t payload, bool masked) {
  return (payload <= 125 ? 2u : payload <= 0xffff ? 4u : 10u) + (masked ? 4u : 0u);
}

// Writes a frame's header, at most kMaxFrameHeader bytes, and returns its size. key null: not
// masked. Any thread.
size_t frame_header(uint8_t* out, uint8_t opcode, bool fin, bool rsv1, uint64_t payload,
                    const MaskKey* key);

// What of a frame is neither payload nor mask.
struct FrameHead {
  uint8_t opcode = kBinary;
  bool fin = true;
  bool rsv1 = false;
};

// Appends a whole frame, copying and masking the payload in one pass. False without memory; the
// queue is then as it was. Thread of the queue, as below.
bool append_frame(ChunkQueue& out, FrameHead head, const uint8_t* payload, size_t n,
                  const MaskKey* key);

// Appends a Close frame; code 0: without code and reason. The reason must leave room for the code.
bool append_close(ChunkQueue& out, uint16_t code, const uint8_t* reason, size_t n,
                  const MaskKey* key);

// A frame whose payload is written in place, for producers that know only a bound (a JavaScript
// string and its UTF-8). Between open() and close() nothing else may touch the queue.
//   FrameSlot slot;
//   if (slot.open(queue, bound, likely, masked)) {
//     slot.close(head, write(slot.payload()), masked ? &key : nullptr);
//   }
class FrameSlot {
 public:
  // likely: the payload's probable size, for which the header is laid out; another costs one move.
  bool open(ChunkQueue& out, size_t max_payload, size_t likely, bool masked);
  uint8_t* payload() { return start_ + offset_; }
  // key: null exactly if open() was told masked = false.
  void close(FrameHead head, size_t n, const MaskKey* key);

 private:
  ChunkQueue* out_ = nullptr;
  uint8_t* start_ = nullptr;
  size_t offset_ = 0;
};

}  // namespace vws
