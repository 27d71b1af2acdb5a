#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vws {

using MaskKey = std::array<uint8_t, 4>;

// Copies n bytes of payload while masking (or unmasking) them, RFC 6455 §5.3. dst may equal src;
// any other overlap is not allowed. phase is the offset of src[0] within the frame's payload. Any
// thread.
void mask_copy(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase);

// The same without vector instructions; what mask_copy() is tested against.
void mask_copy_scalar(uint8_t* dst, const uint8_t* src, size_t n, MaskKey key, size_t phase);

// Whether mask_copy() uses vector instructions: where there are some, unless they are switched off (tuning.h).
bool mask_uses_vectors();

}  // namespace vws
