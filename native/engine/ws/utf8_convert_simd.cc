// Follows D. Lemire and W. Muła, "Transcoding billions of Unicode characters per second with SIMD
// instructions" (2021): where characters end within the next twelve bytes says, by a table, how to
// shuffle them so that six characters of up to two bytes, or four of up to three, are converted
// alike.

#include <array>
#include <cstring>

#include "engine/ws/utf8_convert.h"
#include "engine/ws/utf8_simd.h"

#if VWS_UTF8_BLOCKS

#if defined(__SSE2__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

namespace vws::simd {

namespace {

constexpr unsigned kWindow = 12;      // bytes looked at
constexpr uint8_t kZero = 0x80;       // shuffles a zero in
constexpr uint8_t kSixPairs = 64;     // shuffles before this one: six characters of up to two bytes
constexpr uint8_t kFourTriples = 81;  // and then: four of up to three
constexpr uint8_t kNeither = 0xff;    // a character of four bytes is among the first

struct Plan {
  uint8_t consumed;
  uint8_t shuffle;
};

struct Tables {
  std::array<Plan, 1u << kWindow> plans;
  alignas(16) std::array<std::array<uint8_t, 16>, kSixPairs + kFourTriples> shuffles;
};

// Lays characters of the given lengths out in units of so many bytes, low byte first.
std::array<uint8_t, 16> lay_out(const uint8_t* lengths, size_t count, size_t unit) {
  std::array<uint8_t, 16> shuffle;
  shuffle.fill(kZero);
  uint8_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    for (uint8_t k = 0; k < lengths[i]; ++k) {
      shuffle[i * unit + k] = static_cast<uint8_t>(at + lengths[i] - 1 - k);
    }
    at = static_cast<uint8_t>(at + lengths[i]);
  }
  return shuffle;
}

// ends: bit i is set if a character ends with byte i.
Plan plan(unsigned ends, Tables& tables) {
  uint8_t lengths[kWindow];
  size_t count = 0;
  uint8_t length = 0;
  for (unsigned i = 0; i < kWindow; ++i) {
    ++length;
    if ((ends >> i & 1) == 0) continue;
    lengths[count++] = length;
    length = 0;
  }
  const auto fits = [&](size_t characters, uint8_t longest) {
    if (count < characters) return false;
    for (size_t i = 0; i < characters; ++i) {
      if (lengths[i] > longest) return false;
    }
    return true;
  };
  const bool six = fits(6, 2);
  if (!six && !fits(4, 3)) return {0, kNeither};
  const size_t characters = six ? 6 : 4;
  size_t index = 0;
  uint8_t consumed = 0;
  for (size_t i = 0; i < characters; ++i) {
    index = index * (six ? 2 : 3) + lengths[i] - 1;
    consumed = static_cast<uint8_t>(consumed + lengths[i]);
  }
  if (!six) index += kSixPairs;
  tables.shuffles[index] = lay_out(lengths, characters, six ? 2 : 4);
  return {consumed, static_cast<uint8_t>(index)};
}

const Tables& tables() {
  static const Tables instance = [] {
    Tables made;
    for (unsigned ends = 0; ends < made.plans.size(); ++ends) made.plans[ends] = plan(ends, made);
    return made;
  }();
  return instance;
}

}  // namespace

#if defined(__SSE2__)

bool to_utf16_supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.1") != 0;
}

__attribute__((target("sse4.1"))) size_t to_utf16(const uint8_t* data, size_t n, char16_t* out,
                                                  size_t* units) {
  const Tables& t = tables();
  const uint8_t* at = data;
  const uint8_t* const end = data + n;
  char16_t* to = out;
  const __m128i zero = _mm_setzero_si128();
  while (end - at >= 16) {
    const __m128i input = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i* const store = reinterpret_cast<__m128i*>(to);
    const unsigned high = static_cast<unsigned>(_mm_movemask_epi8(input));
    if (high == 0) {
      _mm_storeu_si128(store, _mm_unpacklo_epi8(input, zero));
      _mm_storeu_si128(store + 1, _mm_unpackhi_epi8(input, zero));
      at += 16;
      to += 16;
      continue;
    }
    const __m128i continuation = _mm_cmplt_epi8(input, _mm_set1_epi8(-64));
    const unsigned ends = ~(static_cast<unsigned>(_mm_movemask_epi8(continuation)) >> 1);
    const Plan next = t.plans[ends & ((1u << kWindow) - 1)];
    if (next.shuffle == kNeither) {
      const uint8_t* const stop = at + kWindow;  // what begins before it ends before end
      while (at < stop) convert_character(at, to);
      continue;
    }
    const __m128i shuffle =
        _mm_load_si128(reinterpret_cast<const __m128i*>(t.shuffles[next.shuffle].data()));
    const __m128i laid = _mm_shuffle_epi8(input, shuffle);
    if (next.shuffle < kSixPairs) {
      const __m128i last = _mm_and_si128(laid, _mm_set1_epi16(0x7f));
      const __m128i first = _mm_and_si128(laid, _mm_set1_epi16(0x1f00));
      _mm_storeu_si128(store, _mm_or_si128(last, _mm_srli_epi16(first, 2)));
      to += 6;
    } else {
      const __m128i last = _mm_and_si128(laid, _mm_set1_epi32(0x7f));
      const __m128i middle = _mm_and_si128(laid, _mm_set1_epi32(0x3f00));
      const __m128i first = _mm_and_si128(laid, _mm_set1_epi32(0x0f0000));
      const __m128i points =
          _mm_or_si128(last, _mm_or_si128(_mm_srli_epi32(middle, 2), _mm_srli_epi32(first, 4)));
      _mm_storel_epi64(store, _mm_packus_epi32(points, points));
      to += 4;
    }
    at += next.consumed;
  }
  *units = static_cast<size_t>(to - out);
  return static_cast<size_t>(at - data);
}

#else

bool to_utf16_supported() { return true; }

size_t to_utf16(const uint8_t* data, size_t n, char16_t* out, size_t* units) {
  const Tables& t = tables();
  const uint8_t* at = data;
  const uint8_t* const end = data + n;
  char16_t* to = out;
  alignas(16) static const uint8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                                1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t bits = vld1q_u8(kBits);
  while (end - at >= 16) {
    const uint8x16_t input = vld1q_u8(at);
    uint16_t* const store = reinterpret_cast<uint16_t*>(to);
    if (vmaxvq_u8(input) < 0x80) {
      vst1q_u16(store, vmovl_u8(vget_low_u8(input)));
      vst1q_u16(store + 8, vmovl_u8(vget_high_u8(input)));
      at += 16;
      to += 16;
      continue;
    }
    const uint8x16_t continuation =
        vandq_u8(vcltq_s8(vreinterpretq_s8_u8(input), vdupq_n_s8(-64)), bits);
    const unsigned mask = vaddv_u8(vget_low_u8(continuation)) |
                          static_cast<unsigned>(vaddv_u8(vget_high_u8(continuation))) << 8;
    const Plan next = t.plans[~(mask >> 1) & ((1u << kWindow) - 1)];
    if (next.shuffle == kNeither) {
      const uint8_t* const stop = at + kWindow;  // what begins before it ends before end
      while (at < stop) convert_character(at, to);
      continue;
    }
    const uint8x16_t laid = vqtbl1q_u8(input, vld1q_u8(t.shuffles[next.shuffle].data()));
    if (next.shuffle < kSixPairs) {
      const uint16x8_t pairs = vreinterpretq_u16_u8(laid);
      const uint16x8_t first = vandq_u16(pairs, vdupq_n_u16(0x1f00));
      vst1q_u16(store, vorrq_u16(vandq_u16(pairs, vdupq_n_u16(0x7f)), vshrq_n_u16(first, 2)));
      to += 6;
    } else {
      const uint32x4_t triples = vreinterpretq_u32_u8(laid);
      const uint32x4_t middle = vandq_u32(triples, vdupq_n_u32(0x3f00));
      const uint32x4_t first = vandq_u32(triples, vdupq_n_u32(0x0f0000));
      const uint32x4_t points = vorrq_u32(vandq_u32(triples, vdupq_n_u32(0x7f)),
                                          vorrq_u32(vshrq_n_u32(middle, 2), vshrq_n_u32(first, 4)));
      vst1_u16(store, vmovn_u32(points));
      to += 4;
    }
    at += next.consumed;
  }
  *units = static_cast<size_t>(to - out);
  return static_cast<size_t>(at - data);
}

#endif

}  // namespace vws::simd

#endif
