#pragma once

#include <cstddef>

namespace vws::os {

// For std::free(). The alignment is a wish: where there is no such call, memory is aligned as malloc()'s.
void* allocate_aligned(size_t alignment, size_t size);

// Whether free() keeps what it gets, until it is told to give it back: the GNU C library's does.
bool heap_keeps_memory();

// Gives it back. Goes through all memory of the process, which may take long. Any thread.
void trim_heap();

}  // namespace vws::os
