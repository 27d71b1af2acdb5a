#pragma once

#include <cstddef>
#include <cstdint>

namespace vws::os {

// From the system's own generator, as good as keys need it. False if there is none. Any thread.
bool fill_random(uint8_t* to, size_t size);

// Overwrites what nobody is to find later, though it is not read again.
void wipe(void* memory, size_t size);

// Zeroed memory that a forked child finds zeroed again, where the system can (Linux from 4.14 on); elsewhere the child
// has a copy. Null if there is none. LazyMemory::unmap() gives it back.
void* map_wiped_on_fork(size_t size);

}  // namespace vws::os
