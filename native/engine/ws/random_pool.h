#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "engine/ws/mask.h"

namespace vws {

// Masking keys from a cryptographic generator (RFC 6455 §5.3, §10.3): ChaCha20, keyed by the
// system's generator, with which a page of keys costs less than a system call does. It is keyed
// anew with its own output for each page, so that what it holds tells nothing of keys given out
// before, and by the system at the beginning and after kPagesPerSeed pages (if the system refuses
// then, after the next page). Used keys are wiped. The page asks the
// kernel to be emptied in a forked child (MADV_WIPEONFORK, Linux 4.14), which then seeds for
// itself. Belongs to one thread.
class MaskKeySource {
 public:
  MaskKeySource();
  ~MaskKeySource();
  // False if the system has given no seed: there must be no keys from it then.
  bool ok() const { return page_->seeded != 0; }

  MaskKeySource(const MaskKeySource&) = delete;
  MaskKeySource& operator=(const MaskKeySource&) = delete;

  MaskKey next() {
    if (page_->remaining == 0) refill();
    uint32_t* slot = &page_->words[kSeedWords + --page_->remaining];
    MaskKey key;
    std::memcpy(key.data(), slot, 4);
    *slot = 0;
    return key;
  }

 private:
  static constexpr size_t kBlocks = 60;  // of 64 bytes: what fits a page of 4 KiB
  static constexpr size_t kSeedWords = 8;
  static constexpr size_t kKeys = kBlocks * 16 - kSeedWords;
  static constexpr uint32_t kPagesPerSeed = 1024;
  // All zero, as at the beginning and after a fork, it is empty and not seeded.
  struct Page {
    uint32_t remaining;
    uint32_t pages_left;  // until the next seed
    uint32_t seeded;
    uint32_t words[kBlocks * 16];  // the generator's output: its next key, then masking keys
  };

  bool seed();
  void refill();

  Page* page_ = nullptr;  // mapped_ or fallback_
  void* mapped_;          // a page of its own; null if the system refused one
  std::unique_ptr<Page> fallback_;
};

}  // namespace vws
