#pragma once

#include <cstddef>
#include <cstdint>

namespace vws {

// Converts the character of valid UTF-8 that begins at *at, and moves both ends past it.
inline void convert_character(const uint8_t*& at, char16_t*& to) {
  const uint8_t first = *at;
  if (first < 0x80) {
    *to++ = first;
    at += 1;
  } else if (first < 0xe0) {
    *to++ = static_cast<char16_t>((first & 0x1f) << 6 | (at[1] & 0x3f));
    at += 2;
  } else if (first < 0xf0) {
    *to++ = static_cast<char16_t>((first & 0x0f) << 12 | (at[1] & 0x3f) << 6 | (at[2] & 0x3f));
    at += 3;
  } else {
    const uint32_t point = (static_cast<uint32_t>(first & 0x07) << 18 | (at[1] & 0x3fu) << 12 |
                            (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu)) -
                           0x10000;
    *to++ = static_cast<char16_t>(0xd800 + (point >> 10));
    *to++ = static_cast<char16_t>(0xdc00 + (point & 0x3ff));
    at += 4;
  }
}

}  // namespace vws
