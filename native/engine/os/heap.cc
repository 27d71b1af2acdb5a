#include "engine/os/heap.h"

#include <cstddef>  // for __GLIBC__

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace vws::os {

#if defined(__GLIBC__)
bool heap_keeps_memory() { return true; }
void trim_heap() { malloc_trim(0); }
#else
bool heap_keeps_memory() { return false; }
void trim_heap() {}
#endif

}  // namespace vws::os
