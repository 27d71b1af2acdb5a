#ifdef _WIN32

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>

#include "engine/os/lazy_memory.h"
#include "engine/os/windows.h"

namespace vws {

namespace {

struct Mappings {
  std::mutex mutex;
  std::set<void*> places;  // guarded by mutex

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
  mappings.places.insert(memory);
  return memory;
}

bool LazyMemory::free(void* memory) {
  // What the system gives begins at a multiple of 64 KiB.
  if (!memory || reinterpret_cast<size_t>(memory) % 65536 != 0) return false;
  Mappings& mappings = Mappings::get();
  const std::lock_guard<std::mutex> lock(mappings.mutex);
  if (mappings.places.erase(memory) == 0) return false;
  unmap(memory, 0);
  return true;
}

size_t LazyMemory::whole_pages(size_t size) {
  constexpr size_t kPage = 4096;
  return (size + kPage - 1) / kPage * kPage;
}

// Counted at once against what all programs together may have; taken when it is written to.
void* LazyMemory::map(size_t size) {
  return VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

// Pages cannot be moved.
void* LazyMemory::remap(void* memory, size_t size, size_t new_size) {
  void* const copy = map(new_size);
  if (!copy) return nullptr;
  std::memcpy(copy, memory, std::min(size, new_size));
  unmap(memory, size);
  return copy;
}

void LazyMemory::unmap(void* memory, size_t) { VirtualFree(memory, 0, MEM_RELEASE); }

}  // namespace vws

#endif
