/// What the IQ types share.
#ifndef BITLADDER_IQ_BLOCK_H
#define BITLADDER_IQ_BLOCK_H

#include "ggml_block.h"
#include "iq_tables.h"

/// Eight signs from seven: the eighth makes the number of minuses even.
BL_INLINE uint32_t bl_eight_signs(uint32_t seven) {
  uint32_t parity = seven ^ seven >> 4;
  parity ^= parity >> 2;
  return seven | ((parity ^ parity >> 1) & 1) << 7;
}

/// Eight weights: the bytes of a grid's point, times a scale, bit j of `signs` set where weight j is negative.
BL_INLINE void bl_put_eight(uint64_t point, uint32_t signs, float scale, float *out) {
  uint8_t magnitudes[8];
  memcpy(magnitudes, &point, sizeof magnitudes);
  for (int j = 0; j < 8; j++) {
    out[j] = bl_negated_if(scale * (float)magnitudes[j], signs >> j);
  }
}

#endif
