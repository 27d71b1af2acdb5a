#pragma once

#include <cstddef>
#include <cstdint>

namespace vws {

// Random words, once it is keyed with some: blocks 0, 1, ... of the ChaCha20 function of RFC 8439
// §2.3 under an all-zero nonce. Four blocks at a time lie interleaved, as they are computed: first
// their first words, then their second ones. Writes 16 words a block; blocks is a multiple of 4.
// key may lie within out. Any thread.
void chacha20_words(const uint32_t key[8], uint32_t* out, size_t blocks);

}  // namespace vws
