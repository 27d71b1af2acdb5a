#include "engine/ws/utf8_convert.h"

#include <atomic>
#include <cstring>

#include "engine/ws/tuning.h"
#include "engine/ws/utf8.h"
#include "engine/ws/utf8_simd.h"

namespace vws {

namespace {

size_t convert_scalar(const uint8_t* data, size_t n, char16_t* out) {
  const uint8_t* at = data;
  const uint8_t* const end = data + n;
  char16_t* to = out;
  while (end - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    if ((word & 0x8080808080808080u) == 0) {
      for (size_t i = 0; i < 8; ++i) to[i] = at[i];
      at += 8;
      to += 8;
    } else {
      const uint8_t* const stop = at + 4;  // what begins before it ends before end
      while (at < stop) convert_character(at, to);
    }
  }
  while (at != end) convert_character(at, to);
  return static_cast<size_t>(to - out);
}

#if VWS_UTF8_BLOCKS
size_t convert_vector(const uint8_t* data, size_t n, char16_t* out) {
  size_t units = 0;
  const size_t done = simd::to_utf16(data, n, out, &units);
  return units + convert_scalar(data + done, n - done, out + units);
}
#endif

using Convert = size_t (*)(const uint8_t*, size_t, char16_t*);

size_t choose(const uint8_t* data, size_t n, char16_t* out);

// Set at the first call; whichever thread is first, they all choose the same.
std::atomic<Convert> g_convert{choose};

size_t choose(const uint8_t* data, size_t n, char16_t* out) {
  Convert chosen = convert_scalar;
#if VWS_UTF8_BLOCKS
  if (tuning().simd && simd::to_utf16_supported()) chosen = convert_vector;
#endif
  g_convert.store(chosen, std::memory_order_relaxed);
  return chosen(data, n, out);
}

}  // namespace

size_t utf8_to_utf16(const uint8_t* data, size_t n, char16_t* out) {
  return g_convert.load(std::memory_order_relaxed)(data, n, out);
}

}  // namespace vws
