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
  const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
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

void fill_random(uint8_t* to, size_t n) {
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
  if (got < n && !fill_from_device(to + got, n - got)) std::abort();  // predictable masks are worse
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
}

MaskKeySource::~MaskKeySource() {
  explicit_bzero(page_, sizeof(Page));
  if (mapped_ != nullptr) munmap(mapped_, sizeof(Page));
}

void MaskKeySource::refill() {
  if (page_->pages_left == 0) {
    fill_random(reinterpret_cast<uint8_t*>(page_->words), kSeedWords * sizeof(uint32_t));
    page_->pages_left = kPagesPerSeed;
  }
  --page_->pages_left;
  chacha20_words(page_->words, page_->words, kBlocks);
  page_->remaining = kKeys;
}

}  // namespace vws
