#include "engine/ws/random_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/ws/chacha20.h"

namespace vws {

namespace {

bool fill_from_device(uint8_t* to, size_t n) {
  int fd;
  do {
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return false;
  size_t got = 0;
  while (got < n) {
    const ssize_t r = read(fd, to + got, n - got);
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (r == 0 || errno != EINTR) {
      break;
    }
  }
  close(fd);
  return got == n;
}

bool fill_random(uint8_t* to, size_t n) {
  size_t got = 0;
  while (got < n) {
    const ssize_t r = getrandom(to + got, n - got, 0);
    if (r > 0) {
      got += static_cast<size_t>(r);
    } else if (r == 0 || errno != EINTR) {
      break;
    }
  }
  // Kernels before 3.17, and sandboxes that know the device but not the call.
  return got == n || fill_from_device(to + got, n - got);
}

}  // namespace

MaskKeySource::MaskKeySource() : page_(nullptr), mapped_(nullptr) {
  void* page =
      mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) {
    mapped_ = page;
#ifdef MADV_WIPEONFORK
    madvise(page, sizeof(Page), MADV_WIPEONFORK);  // refused by older kernels: then forks share
#endif
    page_ = static_cast<Page*>(page);
  } else {
    fallback_ = std::make_unique<Page>();
    page_ = fallback_.get();
  }
  seed();
}

MaskKeySource::~MaskKeySource() {
  explicit_bzero(page_, sizeof(Page));
  if (mapped_ != nullptr) munmap(mapped_, sizeof(Page));
}

bool MaskKeySource::seed() {
  uint32_t words[kSeedWords];
  const bool filled = fill_random(reinterpret_cast<uint8_t*>(words), sizeof words);
  if (filled) {
    std::memcpy(page_->words, words, sizeof words);
    page_->pages_left = kPagesPerSeed;
    page_->seeded = 1;
  }
  explicit_bzero(words, sizeof words);
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
