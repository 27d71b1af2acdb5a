#ifndef _WIN32

#include "engine/os/lazy_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

namespace vws {

namespace {

// What one page table of the processors we know maps. Where both places begin with one, the kernel moves tables
// instead of pages: 64 MiB in microseconds instead of in 8 ms.
constexpr size_t kTable = 2 * 1024 * 1024;

void* map_pages(size_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

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
  void* const memory = map(size);
  if (!memory) return nullptr;
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
  unmap(memory, found->second);
  mappings.sizes.erase(found);
  return true;
}

size_t LazyMemory::whole_pages(size_t size) {
  static const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

void* LazyMemory::map(size_t size) {
  if (size < kTable) return map_pages(size);
  auto* const wider = static_cast<char*>(map_pages(size + kTable));
  if (!wider) return nullptr;
  const size_t before = (kTable - reinterpret_cast<size_t>(wider) % kTable) % kTable;
  if (before > 0) munmap(wider, before);
  munmap(wider + before + size, kTable - before);
  return wider + before;
}

void* LazyMemory::remap(void* memory, size_t size, size_t new_size) {
#if defined(MREMAP_MAYMOVE)
  if (mremap(memory, size, new_size, 0) != MAP_FAILED) return memory;
  void* const place = map(new_size);
  if (!place) return nullptr;
  if (mremap(memory, size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, place) != MAP_FAILED)
    return place;
  unmap(place, new_size);
  return nullptr;
#else
  void* const copy = map(new_size);
  if (!copy) return nullptr;
  std::memcpy(copy, memory, std::min(size, new_size));
  unmap(memory, size);
  return copy;
#endif
}

void LazyMemory::unmap(void* memory, size_t size) { munmap(memory, size); }

}  // namespace vws

#endif
