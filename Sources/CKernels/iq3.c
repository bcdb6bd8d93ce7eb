// IQ3_XXS, IQ3_S: super-blocks of 256 weights. Four weights are a point of a grid of magnitudes (iq_tables.h)
// with signs; 32 weights share a four-bit scale.
//
// Super-blocks (halves are IEEE binary16, integers little-endian):
//   IQ3_XXS: half d; 64 bytes of grid indices; for each 32 weights 32 bits: four times 7 signs, scale
//   IQ3_S:   half d; 64 bytes, the low bits of grid indices; 8 bytes, their ninth bits; 32 bytes of signs;
//            4 bytes, two scales each
#include "iq_block.h"

BL_KERNEL void bl_decode_iq3_xxs(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 98, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint8_t *indices = in + 2 + group * 8;
      const uint32_t rest = bl_load32(in + 66 + group * 4);
      const float scale = d * (0.5f + (float)(rest >> 28)) * 0.5f;
      for (int l = 0; l < 4; l++) {
        const uint64_t low = bl_iq3xxs_grid[indices[2 * l]], high = bl_iq3xxs_grid[indices[2 * l + 1]];
        const uint32_t signs = bl_eight_signs(rest >> (7 * l) & 127);
        bl_put_eight(low | high << 32, signs, scale, out + group * 32 + l * 8);
      }
    }
  }
}

BL_KERNEL void bl_decode_iq3_s(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 110, out += bl_super_block) {
    const float d = bl_load_half(in);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint8_t *indices = in + 2 + group * 8, *signs = in + 74 + group * 4;
      const uint32_t ninths = in[66 + group];
      const int scale = in[106 + group / 2] >> (group % 2 * 4) & 15;
      for (int l = 0; l < 4; l++) {
        const uint64_t low = bl_iq3s_grid[indices[2 * l] | (ninths >> (2 * l) & 1) << 8];
        const uint64_t high = bl_iq3s_grid[indices[2 * l + 1] | (ninths >> (2 * l + 1) & 1) << 8];
        bl_put_eight(low | high << 32, signs[l], d * (float)(1 + 2 * scale), out + group * 32 + l * 8);
      }
    }
  }
}
