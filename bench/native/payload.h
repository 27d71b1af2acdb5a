#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Fills one message: bytes, ASCII, or a compressible JSON text that differs with the seed (as clients/payload.js). */
static inline void bench_fill(unsigned char* out, size_t size, int text, int json, uint32_t seed) {
  size_t at, i;
  for (i = 0; i < size; i++) out[i] = (unsigned char)(text ? 'a' + i % 26 : i * 31);
  if (!json || size < 256) return;
  at = (size_t)sprintf((char*)out, "{\"id\":%u,\"items\":[", seed);
  while (at + 160 < size) {
    char item[128];
    seed = seed * 1664525u + 1013904223u;
    at += (size_t)snprintf(
        item, sizeof item,
        "{\"sku\":\"%08x\",\"quantity\":%u,\"price\":%u.%02u,\"tags\":[\"new\",\"sale\"]},", seed,
        seed >> 24, seed >> 20 & 1023, seed >> 12 & 63);
    memcpy(out + at - strlen(item), item, strlen(item));
  }
  at--; /* the last comma */
  memcpy(out + at, "],\"note\":\"", 10);
  memcpy(out + size - 2, "\"}", 2);
}

#endif
