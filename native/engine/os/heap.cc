#include "engine/os/heap.h"

#include <cstddef>  // for __GLIBC__
#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace vws::os {

void* allocate_aligned(size_t alignment, size_t size) {
#ifdef _WIN32
  static_cast<void>(alignment);
  return std::malloc(size);
#else
  return std::aligned_alloc(alignment, size);
#endif
}

#if defined(__GLIBC__)
bool heap_keeps_memory() { return true; }
void trim_heap() { malloc_trim(0); }
#else
bool heap_keeps_memory() { return false; }
void trim_heap() {}
#endif

}  // namespace vws::os
