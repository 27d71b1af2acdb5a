#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

enum Opcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xa,
};

constexpr uint8_t kFin = 0x80;
constexpr size_t kLongestHeader = 14;

struct FrameHeader {
  uint8_t first = 0;  // FIN, RSV bits and opcode, as they travel
  bool masked = false;
  uint64_t length = 0;
  uint32_t mask = 0;  // as it lies in memory

  uint8_t opcode() const { return first & 0x0f; }
  bool fin() const { return (first & kFin) != 0; }
  bool control() const { return (first & 0x08) != 0; }
};

// Returns the bytes the header takes, 0 if there are too few.
size_t parse_header(const uint8_t* data, size_t size, FrameHeader& header);

// Writes a header (of a client's frame if masked); returns its size, at most kLongestHeader.
size_t write_header(uint8_t* out, uint8_t first, uint64_t length, bool masked, uint32_t mask);

// The mask for payload that begins offset bytes into the frame.
uint32_t rotate_mask(uint32_t mask, uint64_t offset);

// Copies and masks (or unmasks), eight bytes at a time. from and to may be the same.
void mask_copy(uint8_t* to, const uint8_t* from, size_t size, uint32_t mask);

}  // namespace bench
