#include "engine/ws/chacha20.h"

#include <vector>

#include "harness.h"

namespace {

uint32_t rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

// RFC 8439 §2.3, literally, one block at a time.
void reference(const uint32_t key[8], uint32_t counter, uint8_t out[64]) {
  uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 8; ++i) start[4 + i] = key[i];
  start[12] = counter;
  uint32_t x[16];
  std::copy(start, start + 16, x);
  const auto quarter = [&x](int a, int b, int c, int d) {
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
  };
  for (int i = 0; i < 10; ++i) {
    quarter(0, 4, 8, 12);
    quarter(1, 5, 9, 13);
    quarter(2, 6, 10, 14);
    quarter(3, 7, 11, 15);
    quarter(0, 5, 10, 15);
    quarter(1, 6, 11, 12);
    quarter(2, 7, 8, 13);
    quarter(3, 4, 9, 14);
  }
  for (int i = 0; i < 16; ++i) {
    const uint32_t word = x[i] + start[i];
    for (int k = 0; k < 4; ++k) out[4 * i + k] = static_cast<uint8_t>(word >> (8 * k));
  }
}

// The bytes of the stream, out of the order in which they are made.
std::vector<uint8_t> stream(const uint32_t key[8], size_t blocks) {
  std::vector<uint32_t> words(blocks * 16);
  vws::chacha20_words(key, words.data(), blocks);
  std::vector<uint8_t> out;
  for (size_t block = 0; block < blocks; ++block) {
    for (size_t i = 0; i < 16; ++i) {
      const uint32_t word = words[block / 4 * 64 + i * 4 + block % 4];
      for (int k = 0; k < 4; ++k) out.push_back(static_cast<uint8_t>(word >> (8 * k)));
    }
  }
  return out;
}

}  // namespace

TEST("the RFC's test vectors, appendix A.1") {
  // Vectors 1 and 2: the key is zero, the counter 0 and 1.
  const uint32_t zero[8] = {};
  const std::vector<uint8_t> out = stream(zero, 4);
  const uint8_t first[] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a,
                           0xe5, 0x53, 0x86, 0xbd, 0x28, 0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d,
                           0xed, 0x1a, 0xa8, 0x36, 0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7, 0xda,
                           0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d, 0x77, 0x24, 0xe0, 0x3f,
                           0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8, 0xf4, 0x15, 0x18, 0xa1,
                           0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86};
  CHECK(std::memcmp(out.data(), first, sizeof first) == 0);
  const uint8_t second[] = {0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a,
                            0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d};
  CHECK(std::memcmp(out.data() + 64, second, sizeof second) == 0);
}

TEST("many blocks, as one block at a time makes them") {
  vws::test::Random random;
  for (int round = 0; round < 20; ++round) {
    uint32_t key[8];
    for (uint32_t& word : key) word = static_cast<uint32_t>(random.next() >> 16);
    const std::vector<uint8_t> out = stream(key, 64);
    uint8_t block[64];
    for (uint32_t i = 0; i < 64; ++i) {
      reference(key, i, block);
      CHECK(std::memcmp(out.data() + i * 64, block, 64) == 0);
    }
  }
}

TEST("the key may be overwritten by the words") {
  std::vector<uint32_t> words(64, 7);
  const uint32_t key[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  std::vector<uint32_t> want(64);
  vws::chacha20_words(key, want.data(), 4);
  vws::chacha20_words(words.data(), words.data(), 4);
  CHECK(words == want);
}

TEST_MAIN
