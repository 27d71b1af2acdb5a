#include "frames.h"

#include <cstring>

namespace bench {

namespace {

uint64_t big_endian(const uint8_t* data, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | data[i];
  return value;
}

void put_big_endian(uint8_t* out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(value >> (8 * (size - 1 - i)));
}

}  // namespace

size_t parse_header(const uint8_t* data, size_t size, FrameHeader& header) {
  if (size < 2) return 0;
  const uint8_t code = data[1] & 0x7f;
  const size_t extra = code == 127 ? 8 : code == 126 ? 2 : 0;
  header.masked = (data[1] & 0x80) != 0;
  const size_t total = 2 + extra + (header.masked ? 4 : 0);
  if (size < total) return 0;
  header.first = data[0];
  header.length = extra == 0 ? code : big_endian(data + 2, extra);
  header.mask = 0;
  if (header.masked) std::memcpy(&header.mask, data + 2 + extra, 4);
  return total;
}

size_t write_header(uint8_t* out, uint8_t first, uint64_t length, bool masked, uint32_t mask) {
  const uint8_t bit = masked ? 0x80 : 0;
  size_t size = 2;
  out[0] = first;
  if (length < 126) {
    out[1] = static_cast<uint8_t>(bit | length);
  } else if (length <= 0xffff) {
    out[1] = bit | 126;
    put_big_endian(out + 2, length, 2);
    size = 4;
  } else {
    out[1] = bit | 127;
    put_big_endian(out + 2, length, 8);
    size = 10;
  }
  if (masked) {
    std::memcpy(out + size, &mask, 4);
    size += 4;
  }
  return size;
}

uint32_t rotate_mask(uint32_t mask, uint64_t offset) {
  uint8_t bytes[4];
  uint8_t turned[4];
  std::memcpy(bytes, &mask, 4);
  for (uint64_t i = 0; i < 4; ++i) turned[i] = bytes[(i + offset) & 3];
  std::memcpy(&mask, turned, 4);
  return mask;
}

void mask_copy(uint8_t* to, const uint8_t* from, size_t size, uint32_t mask) {
  const uint64_t wide = static_cast<uint64_t>(mask) << 32 | mask;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, from + i, 8);
    word ^= wide;
    std::memcpy(to + i, &word, 8);
  }
  uint8_t bytes[4];
  std::memcpy(bytes, &mask, 4);
  for (; i < size; ++i) to[i] = from[i] ^ bytes[i & 3];
}

}  // namespace bench
