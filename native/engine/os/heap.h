#pragma once

namespace vws::os {

// Whether free() keeps what it gets, until it is told to give it back: the GNU C library's does.
bool heap_keeps_memory();

// Gives it back. Goes through all memory of the process, which may take long. Any thread.
void trim_heap();

}  // namespace vws::os
