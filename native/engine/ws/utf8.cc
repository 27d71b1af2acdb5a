#include "engine/ws/utf8.h"

#include <atomic>
#include <cstring>

#include "engine/ws/tuning.h"
#include "engine/ws/utf8_simd.h"

namespace vws {

namespace {

// States between the bytes of a character: which bytes may come next, and the state after such a
// byte. 0 lies between characters and has no entry of its own.
struct Step {
  uint8_t low;
  uint8_t high;
  uint8_t next;
};

enum State : uint8_t {
  kBoundary,
  kLast,       // one more continuation byte
  kLastTwo,    // two more
  kLastThree,  // three more
  kAfterE0,    // A0 to BF, or it would be overlong
  kAfterEd,    // 80 to 9F, or it would be a surrogate
  kAfterF0,    // 90 to BF, or it would be overlong
  kAfterF4,    // 80 to 8F, or it would be above U+10FFFF
  kBad,
};

constexpr Step kSteps[] = {
    {1, 0, kBad},  // kBoundary
    {0x80, 0xbf, kBoundary},
    {0x80, 0xbf, kLast},
    {0x80, 0xbf, kLastTwo},
    {0xa0, 0xbf, kLast},
    {0x80, 0x9f, kLast},
    {0x90, 0xbf, kLastTwo},
    {0x80, 0x8f, kLastTwo},
};

// The state after a first byte that is not ASCII.
uint8_t begin_character(uint8_t byte) {
  if (byte < 0xc2) return kBad;
  if (byte <= 0xdf) return kLast;
  if (byte == 0xe0) return kAfterE0;
  if (byte == 0xed) return kAfterEd;
  if (byte <= 0xef) return kLastTwo;
  if (byte == 0xf0) return kAfterF0;
  if (byte <= 0xf3) return kLastThree;
  if (byte == 0xf4) return kAfterF4;
  return kBad;
}

uint8_t step(uint8_t state, uint8_t byte) {
  if (state == kBoundary)
    return byte < 0x80 ? static_cast<uint8_t>(kBoundary) : begin_character(byte);
  const Step& s = kSteps[state];
  return byte >= s.low && byte <= s.high ? s.next : static_cast<uint8_t>(kBad);
}

uint64_t load64(const uint8_t* from) {
  uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

constexpr uint64_t kHighBits = 0x8080808080808080u;

// Bytes before the first that may not be ASCII; n if there is none. May stop up to 7 bytes early.
size_t ascii_prefix_scalar(const uint8_t* data, size_t n) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    if (((load64(data + i) | load64(data + i + 8) | load64(data + i + 16) | load64(data + i + 24)) &
         kHighBits) != 0) {
      break;
    }
  }
  for (; i + 8 <= n; i += 8) {
    if ((load64(data + i) & kHighBits) != 0) return i;
  }
  while (i < n && data[i] < 0x80) ++i;
  return i;
}

bool continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Judges bytes that begin between characters; returns the state after them.
uint8_t run_scalar(const uint8_t* data, size_t n) {
  const uint8_t* p = data;
  const uint8_t* const end = data + n;
  while (end - p >= 4) {
    const uint8_t a = p[0];
    if (a < 0x80) {
      p += end - p >= 16 ? ascii_prefix_scalar(p, static_cast<size_t>(end - p)) : 1;
      while (p != end && *p < 0x80) ++p;
    } else if (a < 0xe0) {
      if (a < 0xc2 || !continuation(p[1])) return kBad;
      p += 2;
    } else if (a < 0xf0) {
      const uint32_t two = (static_cast<uint32_t>(a & 0x0f) << 6) | (p[1] & 0x3fu);
      if (!continuation(p[1]) || !continuation(p[2]) || two < 0x20 || (two >> 5) == 0x1b)
        return kBad;
      p += 3;
    } else {
      const uint32_t two = (static_cast<uint32_t>(a) << 6) | (p[1] & 0x3fu);
      if (!continuation(p[1]) || !continuation(p[2]) || !continuation(p[3]) ||
          two < (0xf0u << 6 | 0x10) || two > (0xf4u << 6 | 0x0f)) {
        return kBad;
      }
      p += 4;
    }
  }
  uint8_t state = kBoundary;
  for (; p != end; ++p) {
    state = step(state, *p);
    if (state == kBad) return kBad;
  }
  return state;
}

struct Methods {
  size_t (*ascii_prefix)(const uint8_t*, size_t);
  uint8_t (*run)(const uint8_t*, size_t);
};

#if VWS_UTF8_BLOCKS
// How many bytes before end belong to a character that ends behind it.
size_t unfinished(const uint8_t* begin, const uint8_t* end) {
  for (size_t back = 1; back <= 3 && back <= static_cast<size_t>(end - begin); ++back) {
    const uint8_t byte = *(end - back);
    if (continuation(byte)) continue;
    const size_t length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}

uint8_t run_blocks(const uint8_t* data, size_t n) {
  size_t done = 0;
  if (n >= simd::kWorthwhile) {
    if (!simd::valid_blocks(data, n, &done)) return kBad;
    done -= unfinished(data, data + done);
  }
  return run_scalar(data + done, n - done);
}
#endif

constexpr Methods kScalar = {ascii_prefix_scalar, run_scalar};
#if VWS_UTF8_ASCII
constexpr Methods kVector = {simd::ascii_prefix, run_scalar};
#endif
#if VWS_UTF8_BLOCKS
constexpr Methods kBlocks = {simd::ascii_prefix, run_blocks};
#endif

const Methods* choose() {
  if (!tuning().simd) return &kScalar;
#if VWS_UTF8_BLOCKS
  if (simd::blocks_supported()) return &kBlocks;
#endif
#if VWS_UTF8_ASCII
  return &kVector;
#else
  return &kScalar;
#endif
}

// Set at first use; whichever thread is first, they all choose the same.
std::atomic<const Methods*> g_methods{nullptr};

const Methods& methods() {
  const Methods* m = g_methods.load(std::memory_order_relaxed);
  if (m == nullptr) {
    m = choose();
    g_methods.store(m, std::memory_order_relaxed);
  }
  return *m;
}

Utf8Class classify(const Methods& m, const uint8_t* data, size_t n) {
  const size_t ascii = m.ascii_prefix(data, n);
  if (ascii == n) return Utf8Class::kAscii;
  return m.run(data + ascii, n - ascii) == kBoundary ? Utf8Class::kUtf8 : Utf8Class::kInvalid;
}

}  // namespace

Utf8Class classify_utf8(const uint8_t* data, size_t n) { return classify(methods(), data, n); }

Utf8Class classify_utf8_scalar(const uint8_t* data, size_t n) { return classify(kScalar, data, n); }

bool utf8_uses_vectors() { return &methods() != &kScalar; }

bool is_ascii(const uint8_t* data, size_t n) { return methods().ascii_prefix(data, n) == n; }

bool Utf8Validator::feed(const uint8_t* data, size_t n) {
  while (n > 0 && state_ != kBoundary) {
    state_ = step(state_, *data);
    if (state_ == kBad) return false;
    ++data;
    --n;
  }
  const Methods& m = methods();
  const size_t ascii = m.ascii_prefix(data, n);
  if (ascii == n) return true;
  ascii_ = false;
  state_ = m.run(data + ascii, n - ascii);
  return state_ != kBad;
}

}  // namespace vws
