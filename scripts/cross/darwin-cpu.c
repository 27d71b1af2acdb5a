// What __builtin_cpu_supports() reads of x86-64 processors, which clang takes from its runtime library and Zig's has
// not: as far as the engine asks. Put into libvws-cpu.a by scripts/cross/darwin.js, from which the linker takes it.

#include <cpuid.h>

#define HIDDEN __attribute__((visibility("hidden")))

// As clang and GCC lay it out; the features' numbers are those of their bits.
HIDDEN struct {
  unsigned vendor;
  unsigned type;
  unsigned subtype;
  unsigned features[1];
} __cpu_model;

enum { SSE3 = 5, SSSE3 = 6, SSE4_1 = 7, SSE4_2 = 8, AVX = 9, AVX2 = 10 };

// The registers that the system keeps for a thread: of the bits, 1 is for SSE's and 2 for AVX's.
static int keeps_avx(void) {
  unsigned low;
  unsigned high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 6) == 6;
}

// May run several times: it finds the same.
HIDDEN int __cpu_indicator_init(void) {
  unsigned a;
  unsigned b;
  unsigned c;
  unsigned d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return -1;
  unsigned found = 0;
  if (c & bit_SSE3) found |= 1u << SSE3;
  if (c & bit_SSSE3) found |= 1u << SSSE3;
  if (c & bit_SSE41) found |= 1u << SSE4_1;
  if (c & bit_SSE42) found |= 1u << SSE4_2;
  if ((c & bit_OSXSAVE) && keeps_avx()) {
    if (c & bit_AVX) found |= 1u << AVX;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2)) found |= 1u << AVX2;
  }
  __cpu_model.features[0] = found;
  return 0;
}
