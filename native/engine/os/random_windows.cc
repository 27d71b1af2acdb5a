#ifdef _WIN32

#include "engine/os/random.h"

#include "engine/os/lazy_memory.h"
#include "engine/os/windows.h"
// Those above come first.
#include <bcrypt.h>

namespace vws::os {

bool fill_random(uint8_t* to, size_t size) {
  return BCryptGenRandom(nullptr, to, static_cast<ULONG>(size), BCRYPT_USE_SYSTEM_PREFERRED_RNG) ==
         0;
}

void wipe(void* memory, size_t size) { SecureZeroMemory(memory, size); }

// There are no forks.
void* map_wiped_on_fork(size_t size) { return LazyMemory::map(size); }

}  // namespace vws::os

#endif
