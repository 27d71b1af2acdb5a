#include "engine/ws/mask.h"
#include "engine/ws/tuning.h"

#include <vector>

#include "harness.h"

using vws::mask_copy;
using vws::mask_copy_scalar;
using vws::MaskKey;

namespace {

using Mask = void (*)(uint8_t*, const uint8_t*, size_t, MaskKey, size_t);

// RFC 6455 §5.3, literally.
std::vector<uint8_t> reference(const std::vector<uint8_t>& in, MaskKey key, size_t phase) {
  std::vector<uint8_t> out(in.size());
  for (size_t i = 0; i < in.size(); ++i) out[i] = in[i] ^ key[(i + phase) % 4];
  return out;
}

void all_sizes(Mask mask) {
  vws::test::Random random;
  const MaskKey key = {0x12, 0x9a, 0xf0, 0x01};
  for (size_t n = 0; n <= 600; ++n) {
    for (size_t phase = 0; phase < 4; ++phase) {
      const std::vector<uint8_t> in = random.bytes(n);
      const std::vector<uint8_t> want = reference(in, key, phase + 8 * n);
      // Exact allocations, so that a sanitizer sees a byte too many on either side.
      std::vector<uint8_t> out(n);
      mask(out.data(), in.data(), n, key, phase + 8 * n);
      CHECK(out == want);
      std::vector<uint8_t> in_place = in;
      mask(in_place.data(), in_place.data(), n, key, phase + 8 * n);
      CHECK(in_place == want);
    }
  }
}

void all_alignments(Mask mask) {
  vws::test::Random random;
  const MaskKey key = {1, 2, 3, 4};
  const std::vector<uint8_t> in = random.bytes(1100);
  for (size_t from = 0; from < 33; ++from) {
    for (size_t to = 0; to < 33; ++to) {
      const std::vector<uint8_t> part(in.begin() + static_cast<long>(from),
                                      in.begin() + static_cast<long>(from) + 1000);
      std::vector<uint8_t> out(1100, 0xee);
      mask(out.data() + to, in.data() + from, 1000, key, 3);
      CHECK(std::vector<uint8_t>(out.begin() + static_cast<long>(to),
                                 out.begin() + static_cast<long>(to) + 1000) ==
            reference(part, key, 3));
      CHECK(to == 0 || out[to - 1] == 0xee);
      CHECK_EQ(out[to + 1000], 0xee);
    }
  }
}

}  // namespace

TEST("masking in pieces of every size is masking at once") {
  vws::test::Random random;
  const MaskKey key = {9, 8, 7, 6};
  const std::vector<uint8_t> in = random.bytes(777);
  const std::vector<uint8_t> want = reference(in, key, 0);
  for (size_t piece = 1; piece < 300; ++piece) {
    std::vector<uint8_t> out(in.size());
    for (size_t at = 0; at < in.size(); at += piece) {
      mask_copy(out.data() + at, in.data() + at, std::min(piece, in.size() - at), key, at);
    }
    CHECK(out == want);
  }
}

TEST("every size and phase, in place and not, scalar") { all_sizes(mask_copy_scalar); }
TEST("every size and phase, in place and not, as chosen") { all_sizes(mask_copy); }
TEST("every alignment, scalar") { all_alignments(mask_copy_scalar); }
TEST("every alignment, as chosen") { all_alignments(mask_copy); }

TEST("the RFC's example") {
  const uint8_t hello[] = {'H', 'e', 'l', 'l', 'o'};
  uint8_t out[5];
  mask_copy(out, hello, 5, {0x37, 0xfa, 0x21, 0x3d}, 0);
  const uint8_t want[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58};
  CHECK(std::memcmp(out, want, 5) == 0);
}

TEST("large pieces, both ways alike") {
  vws::test::Random random;
  const std::vector<uint8_t> in = random.bytes(1 << 20);
  std::vector<uint8_t> a(in.size());
  std::vector<uint8_t> b(in.size());
  mask_copy(a.data(), in.data(), in.size(), {5, 6, 7, 8}, 1);
  mask_copy_scalar(b.data(), in.data(), in.size(), {5, 6, 7, 8}, 1);
  CHECK(a == b);
}

// With VERAWEBSOCKETS_DISABLE=simd all of the above is about the other code.
TEST("vector instructions are used unless they are switched off") {
#if defined(__x86_64__) || defined(__aarch64__)
  CHECK_EQ(vws::mask_uses_vectors(), vws::tuning().simd);
#else
  CHECK(vws::tuning().simd || !vws::mask_uses_vectors());
#endif
}

TEST_MAIN
