#pragma once

#include <cstddef>
#include <cstdint>

namespace vws::os {

// Four numbers that are calculated with at once, modulo 2^32: what compilers turn into vector instructions where there
// are any. Microsoft's has no such type; it may make the same of the loops.
#ifdef _MSC_VER

struct FourWords {
  uint32_t at[4];
};

template <typename Operation>
FourWords each_of(const FourWords& a, const FourWords& b, Operation operation) {
  FourWords result;
  for (size_t i = 0; i < 4; ++i) result.at[i] = operation(a.at[i], b.at[i]);
  return result;
}

inline FourWords operator+(const FourWords& a, const FourWords& b) {
  return each_of(a, b, [](uint32_t x, uint32_t y) { return x + y; });
}

inline FourWords operator^(const FourWords& a, const FourWords& b) {
  return each_of(a, b, [](uint32_t x, uint32_t y) { return x ^ y; });
}

inline FourWords rotate(const FourWords& words, int bits) {
  return each_of(words, words,
                 [bits](uint32_t x, uint32_t) { return x << bits | x >> (32 - bits); });
}

#else

using FourWords = uint32_t __attribute__((vector_size(16)));

inline FourWords rotate(FourWords words, int bits) { return words << bits | words >> (32 - bits); }

#endif

}  // namespace vws::os
