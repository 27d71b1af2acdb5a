#pragma once

// Vector code for utf8.cc, by what the compiler targets:
// VWS_UTF8_ASCII: simd::ascii_prefix();
// VWS_UTF8_BLOCKS: also simd::valid_blocks(), to be used only if simd::blocks_supported(), and, in
// utf8_convert_simd.cc for utf8_convert.cc, simd::to_utf16(), only if simd::to_utf16_supported().

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#define VWS_UTF8_ASCII 1
#define VWS_UTF8_BLOCKS 1
#elif defined(__aarch64__)
#define VWS_UTF8_ASCII 1
#define VWS_UTF8_BLOCKS 1
#elif defined(__ARM_NEON) || defined(__ARM_NEON__)
#define VWS_UTF8_ASCII 1
#endif

namespace vws::simd {

// Bytes before the first vector that has one that is not ASCII; n if there is none.
size_t ascii_prefix(const uint8_t* data, size_t n);
// From this size on valid_blocks() is worth calling.
constexpr size_t kWorthwhile = 64;
bool blocks_supported();
// Judges the whole vectors at the beginning of data, which begins between characters; *done is set
// to their size. What ends inside a character at *done is not judged an error.
bool valid_blocks(const uint8_t* data, size_t n, size_t* done);

bool to_utf16_supported();
// Converts valid UTF-8 up to its last few bytes; returns how many bytes that were, and in *units
// what they became. out has room for n units.
size_t to_utf16(const uint8_t* data, size_t n, char16_t* out, size_t* units);

}  // namespace vws::simd
