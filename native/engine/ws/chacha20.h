#pragma once

#include <cstddef>
#include <cstdint>

namespace vws {

// The ChaCha20 key stream of RFC 8439 §2.3 under an all-zero nonce, from block 0 on: a generator of
// random bytes once it is keyed with some. Writes blocks * 64 bytes; blocks is a multiple of 4. key may
// lie within out. Any thread.
void chacha20_stream(const uint32_t key[8], uint8_t* out, size_t blocks);

}  // namespace vws
