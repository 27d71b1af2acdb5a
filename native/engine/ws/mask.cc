#include "engine/ws/mask.h"

#include <atomic>
#include <cstring>

#include "engine/ws/tuning.h"

#if defined(__SSE2__)
#include <immintrin.h>
#define VWS_MASK_X86 1
#elif defined(__ARM_NEON) || defined(__ARM_NEON__)
#include <arm_neon.h>
#define VWS_MASK_NEON 1
#endif

namespace vws {

namespace {

// The key as it lies over four bytes of payload that begin at phase, in memory order.
uint32_t rotated(const MaskKey& key, size_t phase) {
  const uint8_t bytes[4] = {key[phase & 3], key[(phase + 1) & 3], key[(phase + 2) & 3],
                            key[(phase + 3) & 3]};
  uint32_t word;
  std::memcpy(&word, bytes, 4);
  return word;
}

template <typename Word>
Word load(const uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <typename Word>
void store(uint8_t* to, Word word) {
  std::memcpy(to, &word, sizeof word);
}

uint64_t twice(uint32_t word) { return (static_cast<uint64_t>(word) << 32) | word; }

// Fewer than 16 bytes. Where two stores overlap, both were loaded before the first, so that working
// in place is right.
void mask_short(uint8_t* dst, const uint8_t* src, size_t n, const MaskKey& key, size_t phase) {
  if (n >= 8) {
    const uint64_t first = load<uint64_t>(src) ^ twice(rotated(key, phase));
    const uint64_t last = load<uint64_t>(src + n - 8) ^ twice(rotated(key, phase + n - 8));
    store(dst, first);
    store(dst + n - 8, last);
  } else if (n >= 4) {
    const uint32_t first = load<uint32_t>(src) ^ rotated(key, phase);
    const uint32_t last = load<uint32_t>(src + n - 4) ^ rotated(key, phase + n - 4);
    store(dst, first);
    store(dst + n - 4, last);
  } else {
    for (size_t i = 0; i < n; ++i) dst[i] = src[i] ^ key[(phase + i) & 3];
  }
}

#if VWS_MASK_X86

// 16 bytes or more. The last vector is loaded before anything is stored and stored after everything
// else; what it covers twice is right because it was loaded unmasked.
inline __attribute__((always_inline)) void mask_sse2(uint8_t* dst, const uint8_t* src, size_t n,
                                                     const MaskKey& key, size_t phase) {
  const __m128i k = _mm_set1_epi32(static_cast<int>(rotated(key, phase)));
  const __m128i last =
      _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(src + n - 16)),
                    _mm_set1_epi32(static_cast<int>(rotated(key, phase + n - 16))));
  size_t i = 0;
  for (; i + 64 < n; i += 64) {
    const __m128i* from = reinterpret_cast<const __m128i*>(src + i);
    __m128i* to = reinterpret_cast<__m128i*>(dst + i);
    const __m128i a = _mm_xor_si128(_mm_loadu_si128(from), k);
    const __m128i b = _mm_xor_si128(_mm_loadu_si128(from + 1), k);
    const __m128i c = _mm_xor_si128(_mm_loadu_si128(from + 2), k);
    const __m128i d = _mm_xor_si128(_mm_loadu_si128(from + 3), k);
    _mm_storeu_si128(to, a);
    _mm_storeu_si128(to + 1, b);
    _mm_storeu_si128(to + 2, c);
    _mm_storeu_si128(to + 3, d);
  }
  for (; i + 16 < n; i += 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + i),
                     _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i)), k));
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + n - 16), last);
}

void mask_vector(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase) {
  if (n < 16) {
    mask_short(dst, src, n, key, phase);
  } else {
    mask_sse2(dst, src, n, key, phase);
  }
}

constexpr size_t kAvxWorthwhile = 256;

__attribute__((target("avx2"))) void mask_avx2(uint8_t* dst, const uint8_t* src, size_t n,
                                               MaskKey key, size_t phase) {
  if (n < kAvxWorthwhile) {
    mask_vector(dst, src, n, key, phase);
    return;
  }
  const __m256i k = _mm256_set1_epi32(static_cast<int>(rotated(key, phase)));
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    const __m256i* from = reinterpret_cast<const __m256i*>(src + i);
    __m256i* to = reinterpret_cast<__m256i*>(dst + i);
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256(from), k);
    const __m256i b = _mm256_xor_si256(_mm256_loadu_si256(from + 1), k);
    const __m256i c = _mm256_xor_si256(_mm256_loadu_si256(from + 2), k);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256(from + 3), k);
    _mm256_storeu_si256(to, a);
    _mm256_storeu_si256(to + 1, b);
    _mm256_storeu_si256(to + 2, c);
    _mm256_storeu_si256(to + 3, d);
  }
  _mm256_zeroupper();
  mask_vector(dst + i, src + i, n - i, key, phase + i);
}

using MaskFunction = void (*)(uint8_t*, const uint8_t*, size_t, MaskKey, size_t);
MaskFunction best_mask() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") ? mask_avx2 : mask_vector;
}

#elif VWS_MASK_NEON

void mask_vector(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase) {
  if (n < 16) {
    mask_short(dst, src, n, key, phase);
    return;
  }
  const uint8x16_t k = vreinterpretq_u8_u32(vdupq_n_u32(rotated(key, phase)));
  const uint8x16_t last = veorq_u8(vld1q_u8(src + n - 16),
                                   vreinterpretq_u8_u32(vdupq_n_u32(rotated(key, phase + n - 16))));
  size_t i = 0;
  for (; i + 64 < n; i += 64) {
    const uint8x16_t a = veorq_u8(vld1q_u8(src + i), k);
    const uint8x16_t b = veorq_u8(vld1q_u8(src + i + 16), k);
    const uint8x16_t c = veorq_u8(vld1q_u8(src + i + 32), k);
    const uint8x16_t d = veorq_u8(vld1q_u8(src + i + 48), k);
    vst1q_u8(dst + i, a);
    vst1q_u8(dst + i + 16, b);
    vst1q_u8(dst + i + 32, c);
    vst1q_u8(dst + i + 48, d);
  }
  for (; i + 16 < n; i += 16) vst1q_u8(dst + i, veorq_u8(vld1q_u8(src + i), k));
  vst1q_u8(dst + n - 16, last);
}

using MaskFunction = void (*)(uint8_t*, const uint8_t*, size_t, MaskKey, size_t);
MaskFunction best_mask() { return mask_vector; }

#else

using MaskFunction = void (*)(uint8_t*, const uint8_t*, size_t, MaskKey, size_t);
MaskFunction best_mask() { return mask_copy_scalar; }

#endif

void choose_mask(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase);

// Set at the first call; whichever thread is first, they all choose the same.
std::atomic<MaskFunction> g_mask{choose_mask};

void choose_mask(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase) {
  const MaskFunction chosen = tuning().simd ? best_mask() : mask_copy_scalar;
  g_mask.store(chosen, std::memory_order_relaxed);
  chosen(dst, src, n, key, phase);
}

}  // namespace

void mask_copy_scalar(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase) {
  if (n < 16) {
    mask_short(dst, src, n, key, phase);
    return;
  }
  const uint64_t k = twice(rotated(key, phase));
  const uint64_t last = load<uint64_t>(src + n - 8) ^ twice(rotated(key, phase + n - 8));
  size_t i = 0;
  for (; i + 32 < n; i += 32) {
    const uint64_t a = load<uint64_t>(src + i) ^ k;
    const uint64_t b = load<uint64_t>(src + i + 8) ^ k;
    const uint64_t c = load<uint64_t>(src + i + 16) ^ k;
    const uint64_t d = load<uint64_t>(src + i + 24) ^ k;
    store(dst + i, a);
    store(dst + i + 8, b);
    store(dst + i + 16, c);
    store(dst + i + 24, d);
  }
  for (; i + 8 < n; i += 8) store(dst + i, load<uint64_t>(src + i) ^ k);
  store(dst + n - 8, last);
}

void mask_copy(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase) {
  g_mask.load(std::memory_order_relaxed)(dst, src, n, key, phase);
}

bool mask_uses_vectors() {
  uint8_t byte = 0;
  mask_copy(&byte, &byte, 1, MaskKey{}, 0);  // which makes the choice
  return g_mask.load(std::memory_order_relaxed) != mask_copy_scalar;
}

}  // namespace vws
