// IQ1_S, IQ1_M: super-blocks of 256 weights. Eight weights are a point of a grid of -1, 0, 1 (iq_tables.h),
// all shifted by an eighth up or down; 32 or 16 weights share a three-bit scale.
//
// Super-blocks (halves are IEEE binary16, integers little-endian):
//   IQ1_S: half d; 32 bytes, the low bits of grid indices; for each 32 weights a word of 16 bits: three upper
//          bits of four indices, scale, sign of the shift
//   IQ1_M: 32 bytes as in IQ1_S; 16 bytes, each three upper bits and the sign of the shift of two indices; four
//          words of 16 bits: four scales of 16 weights, and four bits of the half d
#include "iq_block.h"

/// Eight weights of the grid's point `index`, shifted down if `down`.
BL_INLINE void put_shifted(uint32_t index, uint32_t down, float scale, float *out) {
  const float shift = bl_negated_if(0.125f, down);
  for (int j = 0; j < 8; j++) {
    const int8_t value = (int8_t)(bl_iq1s_grid[index] >> (8 * j));
    out[j] = scale * ((float)value + shift);
  }
}

BL_KERNEL void bl_decode_iq1_s(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 50, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint32_t word = bl_load16(in + 34 + group * 2);
      const float scale = d * (float)(2 * (word >> 12 & 7) + 1);
      for (int l = 0; l < 4; l++) {
        const uint32_t index = in[2 + group * 4 + l] | (word >> (3 * l) & 7) << 8;
        put_shifted(index, word >> 15, scale, out + group * 32 + l * 8);
      }
    }
  }
}

BL_KERNEL void bl_decode_iq1_m(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 56, out += bl_super_block) {
    uint32_t words[4], bits = 0;
    for (int k = 0; k < 4; k++) {
      words[k] = bl_load16(in + 48 + k * 2);
      bits |= words[k] >> 12 << (4 * k);
    }
    const float d = bl_float_from_half((uint16_t)bits);
    BL_ONE_BY_ONE
    for (int eight = 0; eight < 32; eight++) {
      const uint32_t high = (uint32_t)in[32 + eight / 2] >> (eight % 2 * 4);
      const uint32_t scale = words[eight / 8] >> (eight / 2 % 4 * 3) & 7;
      const uint32_t index = in[eight] | (high & 7) << 8;
      put_shifted(index, high >> 3 & 1, d * (float)(2 * scale + 1), out + eight * 8);
    }
  }
}
