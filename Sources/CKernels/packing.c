#include "bl_packing.h"

#include "kernel.h"

/// Eight codes make `bits` bytes, so that whole runs of eight need no state between them.
BL_KERNEL void bl_pack(const uint8_t *codes, size_t count, int32_t bits, uint8_t *out) {
  const uint64_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < count; i += 8) {
    const size_t n = count - i < 8 ? count - i : 8;
    uint64_t word = 0;
    for (size_t j = 0; j < n; j++) word |= (codes[i + j] & mask) << (j * (size_t)bits);
    const size_t bytes = (n * (size_t)bits + 7) / 8;
    for (size_t j = 0; j < bytes; j++) *out++ = (uint8_t)(word >> (8 * j));
  }
}

BL_KERNEL void bl_unpack(const uint8_t *bytes, size_t count, int32_t bits, uint8_t *out) {
  const uint64_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < count; i += 8) {
    const size_t n = count - i < 8 ? count - i : 8;
    uint64_t word = 0;
    const size_t used = (n * (size_t)bits + 7) / 8;
    for (size_t j = 0; j < used; j++) word |= (uint64_t)*bytes++ << (8 * j);
    for (size_t j = 0; j < n; j++) out[i + j] = (uint8_t)((word >> (j * (size_t)bits)) & mask);
  }
}
