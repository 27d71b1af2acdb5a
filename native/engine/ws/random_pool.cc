#include "engine/ws/random_pool.h"

#include <cstdlib>
#include <cstring>

#include "engine/os/lazy_memory.h"
#include "engine/os/random.h"
#include "engine/ws/chacha20.h"

namespace vws {

MaskKeySource::MaskKeySource() : mapped_(os::map_wiped_on_fork(sizeof(Page))) {
  if (!mapped_) fallback_ = std::make_unique<Page>();
  page_ = mapped_ ? static_cast<Page*>(mapped_) : fallback_.get();
  seed();
}

MaskKeySource::~MaskKeySource() {
  os::wipe(page_, sizeof(Page));
  if (mapped_) LazyMemory::unmap(mapped_, sizeof(Page));
}

bool MaskKeySource::seed() {
  uint32_t words[kSeedWords];
  const bool filled = os::fill_random(reinterpret_cast<uint8_t*>(words), sizeof words);
  if (filled) {
    std::memcpy(page_->words, words, sizeof words);
    page_->pages_left = kPagesPerSeed;
    page_->seeded = 1;
  }
  os::wipe(words, sizeof words);
  return filled;
}

void MaskKeySource::refill() {
  // Whoever makes one looks at ok(). Only in a forked child can it still be unseeded here.
  if (page_->pages_left == 0 && !seed()) {
    if (page_->seeded == 0) std::abort();  // predictable masks are worse
    page_->pages_left = 1;
  }
  --page_->pages_left;
  chacha20_words(page_->words, page_->words, kBlocks);
  page_->remaining = kKeys;
}

}  // namespace vws
