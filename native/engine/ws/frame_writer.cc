#include "engine/ws/frame_writer.h"

#include <cstring>

namespace vws {

namespace {

// Up to this size a frame is kept in one piece; longer ones may be cut where chunks end.
constexpr size_t kKeepWhole = 4 * 1024;

void copy_payload(uint8_t* to, const uint8_t* from, size_t n, const MaskKey* key, size_t phase) {
  if (key != nullptr) {
    mask_copy(to, from, n, *key, phase);
  } else if (n != 0) {
    std::memcpy(to, from, n);
  }
}

}  // namespace

size_t frame_header(uint8_t* out, uint8_t opcode, bool fin, bool rsv1, uint64_t payload,
                    const MaskKey* key) {
  out[0] = static_cast<uint8_t>((fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode);
  const uint8_t mask_bit = key != nullptr ? 0x80 : 0;
  size_t size = 2;
  if (payload <= 125) {
    out[1] = static_cast<uint8_t>(mask_bit | payload);
  } else if (payload <= 0xffff) {
    out[1] = mask_bit | 126;
    out[2] = static_cast<uint8_t>(payload >> 8);
    out[3] = static_cast<uint8_t>(payload);
    size = 4;
  } else {
    out[1] = mask_bit | 127;
    for (int i = 0; i < 8; ++i) out[2 + i] = static_cast<uint8_t>(payload >> (56 - 8 * i));
    size = 10;
  }
  if (key != nullptr) {
    std::memcpy(out + size, key->data(), 4);
    size += 4;
  }
  return size;
}

bool append_frame(ChunkQueue& out, FrameHead head, const uint8_t* payload, size_t n,
                  const MaskKey* key) {
  if (n <= kKeepWhole) {
    uint8_t* to = out.reserve(kMaxFrameHeader + n);
    if (to == nullptr) return false;
    const size_t size = frame_header(to, head.opcode, head.fin, head.rsv1, n, key);
    copy_payload(to + size, payload, n, key, 0);
    out.commit(size + n);
    return true;
  }
  const ChunkQueue::Mark before = out.mark();
  uint8_t* to = out.reserve(kMaxFrameHeader);
  if (to == nullptr) return false;
  out.commit(frame_header(to, head.opcode, head.fin, head.rsv1, n, key));
  for (size_t done = 0; done < n;) {
    size_t got = 0;
    to = out.reserve_some(n - done, &got);
    if (to == nullptr) {
      out.rollback(before);
      return false;
    }
    copy_payload(to, payload + done, got, key, done);
    out.commit(got);
    done += got;
  }
  return true;
}

bool append_close(ChunkQueue& out, uint16_t code, const uint8_t* reason, size_t n,
                  const MaskKey* key) {
  uint8_t payload[kMaxControlPayload];
  size_t size = 0;
  if (code != 0) {
    payload[0] = static_cast<uint8_t>(code >> 8);
    payload[1] = static_cast<uint8_t>(code);
    if (n > kMaxControlPayload - 2) n = kMaxControlPayload - 2;
    if (n != 0) std::memcpy(payload + 2, reason, n);
    size = 2 + n;
  }
  return append_frame(out, {kClose, true, false}, payload, size, key);
}

bool FrameSlot::open(ChunkQueue& out, size_t max_payload, size_t likely, bool masked) {
  start_ = out.reserve(kMaxFrameHeader + max_payload);
  out_ = &out;
  offset_ = frame_header_size(likely, masked);
  return start_ != nullptr;
}

void FrameSlot::close(FrameHead head, size_t n, const MaskKey* key) {
  uint8_t* const written = start_ + offset_;
  const size_t size = frame_header_size(n, key != nullptr);
  if (size != offset_) std::memmove(start_ + size, written, n);
  frame_header(start_, head.opcode, head.fin, head.rsv1, n, key);
  if (key != nullptr) mask_copy(start_ + size, start_ + size, n, *key, 0);
  out_->commit(size + n);
}

}  // namespace vws
