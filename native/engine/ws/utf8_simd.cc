#include "engine/ws/utf8_simd.h"

#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#elif VWS_UTF8_ASCII
#include <arm_neon.h>
#endif

// valid_blocks() follows J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction
// Per Byte" (2020): what is wrong with two neighbouring bytes shows in three of their half-bytes.
// Each looks up a set of the errors it allows; a bit in all three sets is an error. Only how many
// continuation bytes must follow a long character's first takes another look, at the bytes two and
// three back.

namespace vws::simd {

#if VWS_UTF8_BLOCKS

namespace {

constexpr uint8_t kTooShort = 1 << 0;  // a first byte not followed by a continuation byte
constexpr uint8_t kTooLong = 1 << 1;   // a continuation byte after ASCII
constexpr uint8_t kOverlong3 = 1 << 2;
constexpr uint8_t kTooLarge = 1 << 3;  // above U+10FFFF
constexpr uint8_t kSurrogate = 1 << 4;
constexpr uint8_t kOverlong2 = 1 << 5;
constexpr uint8_t kTooLarge1000 = 1 << 6;  // the same after F5 and up, next byte 8x; shares
constexpr uint8_t kOverlong4 = 1 << 6;     // its bit, which differs in the first byte
constexpr uint8_t kTwoContinuations = 1 << 7;
constexpr uint8_t kCarry = kTooShort | kTooLong | kTwoContinuations;  // the low half says nothing

alignas(16) constexpr uint8_t kFirstHigh[16] = {
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTooLong,
    kTwoContinuations,
    kTwoContinuations,
    kTwoContinuations,
    kTwoContinuations,
    kTooShort | kOverlong2,
    kTooShort,
    kTooShort | kOverlong3 | kSurrogate,
    kTooShort | kTooLarge | kTooLarge1000 | kOverlong4,
};
alignas(16) constexpr uint8_t kFirstLow[16] = {
    kCarry | kOverlong3 | kOverlong2 | kOverlong4,
    kCarry | kOverlong2,
    kCarry,
    kCarry,
    kCarry | kTooLarge,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000 | kSurrogate,
    kCarry | kTooLarge | kTooLarge1000,
    kCarry | kTooLarge | kTooLarge1000,
};
constexpr uint8_t kAnyContinuation = kTooLong | kOverlong2 | kTwoContinuations;
alignas(16) constexpr uint8_t kSecondHigh[16] = {
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
    kAnyContinuation | kOverlong3 | kTooLarge1000 | kOverlong4,
    kAnyContinuation | kOverlong3 | kTooLarge,
    kAnyContinuation | kSurrogate | kTooLarge,
    kAnyContinuation | kSurrogate | kTooLarge,
    kTooShort,
    kTooShort,
    kTooShort,
    kTooShort,
};

}  // namespace

#endif

#if VWS_UTF8_ASCII

namespace {

// Fewer than 16 bytes.
size_t ascii_prefix_short(const uint8_t* data, size_t n) {
  if (n >= 8) {
    uint64_t first;
    uint64_t last;
    std::memcpy(&first, data, 8);
    std::memcpy(&last, data + n - 8, 8);
    if (((first | last) & 0x8080808080808080u) == 0) return n;
  } else if (n >= 4) {
    uint32_t first;
    uint32_t last;
    std::memcpy(&first, data, 4);
    std::memcpy(&last, data + n - 4, 4);
    if (((first | last) & 0x80808080u) == 0) return n;
  }
  size_t i = 0;
  while (i < n && data[i] < 0x80) ++i;
  return i;
}

}  // namespace

#endif

#if defined(__SSE2__)

size_t ascii_prefix(const uint8_t* data, size_t n) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m128i* from = reinterpret_cast<const __m128i*>(data + i);
    const __m128i any =
        _mm_or_si128(_mm_or_si128(_mm_loadu_si128(from), _mm_loadu_si128(from + 1)),
                     _mm_or_si128(_mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)));
    if (_mm_movemask_epi8(any) != 0) break;
  }
  for (; i + 16 <= n; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i));
    const int high = _mm_movemask_epi8(v);
    if (high != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(high)));
  }
  if (i == n) return n;
  if (n >= 16) {  // the last vector, some of which has been seen
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + n - 16));
    const int high = _mm_movemask_epi8(v);
    return high == 0 ? n : n - 16 + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(high)));
  }
  return ascii_prefix_short(data, n);
}

bool blocks_supported() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}

namespace {

#define VWS_AVX2 __attribute__((target("avx2"), always_inline)) inline

VWS_AVX2 __m256i table(const uint8_t* half) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(half)));
}

// input shifted so that each byte is the one kBack before it.
template <int kBack>
VWS_AVX2 __m256i back(__m256i input, __m256i previous) {
  return _mm256_alignr_epi8(input, _mm256_permute2x128_si256(previous, input, 0x21), 16 - kBack);
}

VWS_AVX2 __m256i errors(__m256i input, __m256i previous) {
  const __m256i low_half = _mm256_set1_epi8(0x0f);
  const __m256i before = back<1>(input, previous);
  const __m256i first_high = _mm256_shuffle_epi8(
      table(kFirstHigh), _mm256_and_si256(_mm256_srli_epi16(before, 4), low_half));
  const __m256i first_low =
      _mm256_shuffle_epi8(table(kFirstLow), _mm256_and_si256(before, low_half));
  const __m256i second_high = _mm256_shuffle_epi8(
      table(kSecondHigh), _mm256_and_si256(_mm256_srli_epi16(input, 4), low_half));
  const __m256i pairs = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
  // Here a continuation byte after a continuation byte is right, and anything else wrong.
  const __m256i third =
      _mm256_subs_epu8(back<2>(input, previous), _mm256_set1_epi8(static_cast<char>(0xe0 - 0x80)));
  const __m256i fourth =
      _mm256_subs_epu8(back<3>(input, previous), _mm256_set1_epi8(static_cast<char>(0xf0 - 0x80)));
  const __m256i must =
      _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
  return _mm256_xor_si256(must, pairs);
}

#undef VWS_AVX2

}  // namespace

__attribute__((target("avx2"))) bool valid_blocks(const uint8_t* data, size_t n, size_t* done) {
  __m256i error = _mm256_setzero_si256();
  __m256i previous = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m256i* from = reinterpret_cast<const __m256i*>(data + i);
    const __m256i a = _mm256_loadu_si256(from);
    const __m256i b = _mm256_loadu_si256(from + 1);
    if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0) {
      // All ASCII: only a character that began before can be wrong, which shows as in other bytes.
      error = _mm256_or_si256(error, errors(a, previous));
    } else {
      error = _mm256_or_si256(error, _mm256_or_si256(errors(a, previous), errors(b, a)));
    }
    previous = b;
  }
  for (; i + 32 <= n; i += 32) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i));
    error = _mm256_or_si256(error, errors(a, previous));
    previous = a;
  }
  *done = i;
  return _mm256_testz_si256(error, error) != 0;
}

#elif VWS_UTF8_ASCII

namespace {

bool any_high(uint8x16_t v) {
#if defined(__aarch64__)
  return vmaxvq_u8(v) >= 0x80;
#else
  const uint64x2_t words = vreinterpretq_u64_u8(v);
  return ((vgetq_lane_u64(words, 0) | vgetq_lane_u64(words, 1)) & 0x8080808080808080u) != 0;
#endif
}

}  // namespace

size_t ascii_prefix(const uint8_t* data, size_t n) {
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const uint8x16_t any = vorrq_u8(vorrq_u8(vld1q_u8(data + i), vld1q_u8(data + i + 16)),
                                    vorrq_u8(vld1q_u8(data + i + 32), vld1q_u8(data + i + 48)));
    if (any_high(any)) break;
  }
  for (; i + 16 <= n; i += 16) {
    if (any_high(vld1q_u8(data + i))) break;
  }
  if (i == n) return n;
  if (n >= 16) {  // the last vector, some of which has been seen
    if (i + 16 > n && !any_high(vld1q_u8(data + n - 16))) return n;
    while (i < n && data[i] < 0x80) ++i;
    return i;
  }
  return ascii_prefix_short(data, n);
}

#if VWS_UTF8_BLOCKS

bool blocks_supported() { return true; }

bool valid_blocks(const uint8_t* data, size_t n, size_t* done) {
  const uint8x16_t first_high_table = vld1q_u8(kFirstHigh);
  const uint8x16_t first_low_table = vld1q_u8(kFirstLow);
  const uint8x16_t second_high_table = vld1q_u8(kSecondHigh);
  uint8x16_t error = vdupq_n_u8(0);
  uint8x16_t previous = vdupq_n_u8(0);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint8x16_t input = vld1q_u8(data + i);
    const uint8x16_t before = vextq_u8(previous, input, 15);
    const uint8x16_t pairs =
        vandq_u8(vandq_u8(vqtbl1q_u8(first_high_table, vshrq_n_u8(before, 4)),
                          vqtbl1q_u8(first_low_table, vandq_u8(before, vdupq_n_u8(0x0f)))),
                 vqtbl1q_u8(second_high_table, vshrq_n_u8(input, 4)));
    // Here a continuation byte after a continuation byte is right, and anything else wrong.
    const uint8x16_t third = vqsubq_u8(vextq_u8(previous, input, 14), vdupq_n_u8(0xe0 - 0x80));
    const uint8x16_t fourth = vqsubq_u8(vextq_u8(previous, input, 13), vdupq_n_u8(0xf0 - 0x80));
    const uint8x16_t must = vandq_u8(vorrq_u8(third, fourth), vdupq_n_u8(0x80));
    error = vorrq_u8(error, veorq_u8(must, pairs));
    previous = input;
  }
  *done = i;
  return vmaxvq_u8(error) == 0;
}

#endif

#endif

}  // namespace vws::simd
