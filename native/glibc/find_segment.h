#ifndef VWS_GLIBC_FIND_SEGMENT_H_
#define VWS_GLIBC_FIND_SEGMENT_H_

// The search of _dl_find_object(), which libgcc's unwinder calls, by means of what older glibc and musl have. C and
// C++: floor.cc has it for the former, scripts/cross/musl-libgcc.c for the latter. _GNU_SOURCE has to be defined.

#include <link.h>
#include <stddef.h>

#if defined(__arm__)
#define VWS_UNWIND_SEGMENT PT_ARM_EXIDX
#else
#define VWS_UNWIND_SEGMENT PT_GNU_EH_FRAME
#endif

struct vws_segment {
  /** What is looked for: an address of code. */
  ElfW(Addr) address;
  /** Where the segment begins and ends that has it. */
  ElfW(Addr) start;
  ElfW(Addr) end;
  /** The tables for unwinding, of the object that has it. */
  ElfW(Addr) unwind;
  size_t unwind_size;
};

static int vws_visit_object(struct dl_phdr_info* info, size_t size, void* data) {
  struct vws_segment* result = (struct vws_segment*)data;
  const ElfW(Phdr)* found = NULL;
  const ElfW(Phdr)* unwind = NULL;
  const ElfW(Phdr)* segment = info->dlpi_phdr;
  (void)size;
  for (; segment != info->dlpi_phdr + info->dlpi_phnum; ++segment) {
    const ElfW(Addr) offset = result->address - (info->dlpi_addr + segment->p_vaddr);
    if (segment->p_type == PT_LOAD && offset < segment->p_memsz) found = segment;
    if (segment->p_type == VWS_UNWIND_SEGMENT) unwind = segment;
  }
  if (found == NULL) return 0;
  if (unwind == NULL) return -1;
  result->start = info->dlpi_addr + found->p_vaddr;
  result->end = result->start + found->p_memsz;
  result->unwind = info->dlpi_addr + unwind->p_vaddr;
  result->unwind_size = unwind->p_memsz;
  return 1;
}

/** Whether an object that is loaded has the address, and tables for unwinding. */
static inline int vws_find_segment(struct vws_segment* result) {
  return dl_iterate_phdr(vws_visit_object, result) == 1;
}

#endif  // VWS_GLIBC_FIND_SEGMENT_H_
