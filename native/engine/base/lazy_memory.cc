#include "engine/base/lazy_memory.h"

#include <sys/mman.h>

#include <map>
#include <mutex>

namespace vws {

namespace {

struct Mappings {
  std::mutex mutex;
  std::map<void*, size_t> sizes;  // guarded by mutex

  // Never destroyed: threads may end after static objects do.
  static Mappings& get() {
    static Mappings& mappings = *new Mappings;
    return mappings;
  }
};

}  // namespace

void* LazyMemory::allocate(size_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  Mappings& mappings = Mappings::get();
  const std::lock_guard<std::mutex> lock(mappings.mutex);
  mappings.sizes.emplace(memory, size);
  return memory;
}

bool LazyMemory::free(void* memory) {
  // No mapping begins elsewhere than at a page.
  constexpr size_t kSmallestPage = 4096;
  if (!memory || reinterpret_cast<size_t>(memory) % kSmallestPage != 0) return false;
  Mappings& mappings = Mappings::get();
  const std::lock_guard<std::mutex> lock(mappings.mutex);
  const auto found = mappings.sizes.find(memory);
  if (found == mappings.sizes.end()) return false;
  munmap(memory, found->second);
  mappings.sizes.erase(found);
  return true;
}

}  // namespace vws
