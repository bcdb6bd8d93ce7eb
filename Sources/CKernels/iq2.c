// IQ2_XXS, IQ2_XS, IQ2_S: super-blocks of 256 weights. Eight weights are a point of a grid of magnitudes
// (iq_tables.h) with signs; 16 or 32 weights share a four-bit scale.
//
// Super-blocks (halves are IEEE binary16, integers little-endian):
//   IQ2_XXS: half d; for each 32 weights four grid indices of 8 bits, then 32 bits: four times 7 signs, scale
//   IQ2_XS:  half d; 32 words of 16 bits: grid index of 9 bits, 7 signs; 8 bytes, scales of 16 weights each
//   IQ2_S:   half d; 32 bytes, the low bits of grid indices; 32 bytes of signs; 8 bytes, two upper bits of four
//            indices each; 8 bytes, scales as in IQ2_XS
#include "iq_block.h"

BL_KERNEL void bl_decode_iq2_xxs(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 66, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint8_t *indices = in + 2 + group * 8;
      const uint32_t rest = bl_load32(indices + 4);
      const float scale = d * (0.5f + (float)(rest >> 28)) * 0.25f;
      for (int l = 0; l < 4; l++) {
        const uint32_t signs = bl_eight_signs(rest >> (7 * l) & 127);
        bl_put_eight(bl_iq2xxs_grid[indices[l]], signs, scale, out + group * 32 + l * 8);
      }
    }
  }
}

/// The scale of eight weights, number `eight` of 32: two four-bit scales in each byte, for 16 weights each.
BL_INLINE float iq2_scale(const uint8_t *scales, int eight, float d) {
  const int scale = scales[eight / 4] >> (eight / 2 % 2 * 4) & 15;
  return d * (0.5f + (float)scale) * 0.25f;
}

BL_KERNEL void bl_decode_iq2_xs(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 74, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int eight = 0; eight < 32; eight++) {
      const uint32_t word = bl_load16(in + 2 + eight * 2);
      const float scale = iq2_scale(in + 66, eight, d);
      bl_put_eight(bl_iq2xs_grid[word & 511], bl_eight_signs(word >> 9), scale, out + eight * 8);
    }
  }
}

BL_KERNEL void bl_decode_iq2_s(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 82, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int eight = 0; eight < 32; eight++) {
      const int high = in[66 + eight / 4] >> (eight % 4 * 2) & 3;
      const float scale = iq2_scale(in + 74, eight, d);
      bl_put_eight(bl_iq2s_grid[in[2 + eight] | high << 8], in[34 + eight], scale, out + eight * 8);
    }
  }
}
