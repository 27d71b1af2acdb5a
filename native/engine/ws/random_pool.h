#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/ws/mask.h"

namespace vws {

// Masking keys from the system's cryptographic generator (RFC 6455 §5.3, §10.3), drawn a page at a time.
// Belongs to one thread. Used keys are wiped from memory. The page asks the kernel to be emptied in a
// forked child (MADV_WIPEONFORK, Linux 4.14), so that parent and child do not share keys.
class MaskKeySource {
 public:
  MaskKeySource();
  ~MaskKeySource();
  MaskKeySource(const MaskKeySource&) = delete;
  MaskKeySource& operator=(const MaskKeySource&) = delete;

  MaskKey next() {
    if (page_->remaining == 0) refill();
    uint32_t* slot = &page_->keys[--page_->remaining];
    const uint32_t word = *slot;
    *slot = 0;
    return {static_cast<uint8_t>(word), static_cast<uint8_t>(word >> 8),
            static_cast<uint8_t>(word >> 16), static_cast<uint8_t>(word >> 24)};
  }

 private:
  static constexpr size_t kKeys = 1023;
  // All zero, as after a fork, it is an empty page.
  struct Page {
    uint32_t remaining;
    uint32_t keys[kKeys];
  };

  void refill();

  Page* page_;     // mapped_ or fallback_
  void* mapped_;   // a page of its own; null if the system refused one
  std::unique_ptr<Page> fallback_;
};

}  // namespace vws
