// What Debian's libgcc, which is made for glibc, calls and musl has not: by means of what musl has. Put into
// libvws-libgcc.a by scripts/cross/musl.js, from which the linker takes it where it is called. (libgcc of a
// system that has musl itself calls nothing of this.)

#define _GNU_SOURCE
#include <link.h>
#include <sys/auxv.h>

#include "glibc/find_segment.h"

#define HIDDEN __attribute__((visibility("hidden")))

// As glibc's dlfcn.h has it since 2.35, for processors whose unwind tables are in PT_GNU_EH_FRAME.
struct dl_find_object {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  struct link_map* link_map;
  void* eh_frame;
  unsigned long long reserved[7];
};

// The unwinder finds the tables of a function by it.
HIDDEN int _dl_find_object(void* address, struct dl_find_object* result) {
  struct vws_segment segment = {.address = (ElfW(Addr))address};
  if (!vws_find_segment(&segment)) return -1;
  *result = (struct dl_find_object){
      .map_start = (void*)segment.start,
      .map_end = (void*)segment.end,
      .eh_frame = (void*)segment.unwind,
  };
  return 0;
}

// On ARM: which atomic instructions the processor has.
HIDDEN unsigned long __getauxval(unsigned long type) { return getauxval(type); }
