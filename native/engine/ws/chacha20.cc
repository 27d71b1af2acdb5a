#include "engine/ws/chacha20.h"

#include <cstring>

#include "engine/os/four_words.h"

namespace vws {

namespace {

// The same word of four blocks.
using Words = os::FourWords;

inline void quarter_round(Words& a, Words& b, Words& c, Words& d) {
  a = a + b;
  d = os::rotate(d ^ a, 16);
  c = c + d;
  b = os::rotate(b ^ c, 12);
  a = a + b;
  d = os::rotate(d ^ a, 8);
  c = c + d;
  b = os::rotate(b ^ c, 7);
}

inline Words same(uint32_t word) { return Words{word, word, word, word}; }

}  // namespace

void chacha20_words(const uint32_t key[8], uint32_t* out, size_t blocks) {
  Words start[16] = {same(0x61707865), same(0x3320646e), same(0x79622d32), same(0x6b206574)};
  for (size_t i = 0; i < 8; ++i) start[4 + i] = same(key[i]);
  start[13] = start[14] = start[15] = same(0);
  for (size_t block = 0; block < blocks; block += 4) {
    const uint32_t counter = static_cast<uint32_t>(block);
    start[12] = Words{counter, counter + 1, counter + 2, counter + 3};
    Words x[16];
    for (size_t i = 0; i < 16; ++i) x[i] = start[i];
    for (int round = 0; round < 10; ++round) {
      quarter_round(x[0], x[4], x[8], x[12]);
      quarter_round(x[1], x[5], x[9], x[13]);
      quarter_round(x[2], x[6], x[10], x[14]);
      quarter_round(x[3], x[7], x[11], x[15]);
      quarter_round(x[0], x[5], x[10], x[15]);
      quarter_round(x[1], x[6], x[11], x[12]);
      quarter_round(x[2], x[7], x[8], x[13]);
      quarter_round(x[3], x[4], x[9], x[14]);
    }
    for (size_t i = 0; i < 16; ++i) {
      const Words words = x[i] + start[i];
      std::memcpy(out + block * 16 + i * 4, &words, sizeof words);
    }
  }
}

}  // namespace vws
