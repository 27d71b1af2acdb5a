// What Debian's libgcc, which is made for glibc, calls and musl has not: by means of what musl has. Put into
// libvws-libgcc.a by scripts/cross/musl.js, from which the linker takes it where it is called. (libgcc of a
// system that has musl itself calls nothing of this.)

#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <sys/auxv.h>

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

struct search {
  ElfW(Addr) address;
  struct dl_find_object* result;
};

static int visit(struct dl_phdr_info* info, size_t size, void* data) {
  (void)size;
  const struct search* search = data;
  const ElfW(Phdr)* found = NULL;
  const ElfW(Phdr)* unwind = NULL;
  for (const ElfW(Phdr)* segment = info->dlpi_phdr; segment != info->dlpi_phdr + info->dlpi_phnum;
       ++segment) {
    const ElfW(Addr) offset = search->address - (info->dlpi_addr + segment->p_vaddr);
    if (segment->p_type == PT_LOAD && offset < segment->p_memsz) found = segment;
    if (segment->p_type == PT_GNU_EH_FRAME) unwind = segment;
  }
  if (found == NULL) return 0;
  if (unwind == NULL) return -1;
  *search->result = (struct dl_find_object){
      .map_start = (void*)(info->dlpi_addr + found->p_vaddr),
      .map_end = (void*)(info->dlpi_addr + found->p_vaddr + found->p_memsz),
      .eh_frame = (void*)(info->dlpi_addr + unwind->p_vaddr),
  };
  return 1;
}

// The unwinder finds the tables of a function by it.
HIDDEN int _dl_find_object(void* address, struct dl_find_object* result) {
  struct search search = {(ElfW(Addr))address, result};
  return dl_iterate_phdr(visit, &search) == 1 ? 0 : -1;
}

// On ARM: which atomic instructions the processor has.
HIDDEN unsigned long __getauxval(unsigned long type) { return getauxval(type); }
