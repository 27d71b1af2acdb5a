#pragma once

#include <cstddef>

namespace vws {

// Zeroed memory for tables that stay nearly empty: a page is taken from the system when it is first written to.
// (calloc() promises as much only where it does not use memory again.) All functions: any thread.
class LazyMemory {
 public:
  // Null if there are no addresses left.
  static void* allocate(size_t size);
  // False if the memory is not of allocate().
  static bool free(void* memory);
};

}  // namespace vws
