#pragma once

#include <cstddef>

namespace vws {

// Zeroed memory straight from the system, page by page: a page is taken when it is first written to. (calloc() promises
// as much only where it does not use memory again.) All functions: any thread.
class LazyMemory {
 public:
  // For tables that stay nearly empty. Null if there are no addresses left.
  static void* allocate(size_t size);
  // False if the memory is not of allocate().
  static bool free(void* memory);

  // For who knows the size of what it has. A size that map() and remap() take as it is.
  static size_t whole_pages(size_t size);
  static void* map(size_t size);
  // The same bytes with another size, perhaps elsewhere; the system moves pages, and copies nothing. Null, with the
  // memory as it was, if there are no addresses left.
  static void* remap(void* memory, size_t size, size_t new_size);
  static void unmap(void* memory, size_t size);
};

}  // namespace vws
