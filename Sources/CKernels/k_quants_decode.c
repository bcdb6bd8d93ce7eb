// Decoding of Q2_K, Q3_K, Q4_K, Q5_K, Q6_K: super-blocks of 256 weights, whose groups of 16 or 32 have scales
// (and minimums) that are integers times the super-block's own.
//
// Super-blocks (halves are IEEE binary16, little-endian):
//   Q2_K: 16 bytes, scale in the low and minimum in the high four bits of each group of 16; 64 bytes of codes;
//         half d, half dmin
//   Q3_K: 32 bytes, the third bits of the codes; 64 bytes, their low bits; 12 bytes, 16 six-bit scales; half d
//   Q4_K: half d, half dmin; 12 bytes, eight six-bit scales and minimums; 128 bytes of codes
//   Q5_K: half d, half dmin; 12 bytes as in Q4_K; 32 bytes, the fifth bits; 128 bytes, the low four
//   Q6_K: 128 bytes, the low four bits; 64 bytes, the upper two; 16 signed bytes, scales; half d
#include "k_quants.h"

BL_KERNEL void bl_decode_q2_K(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 84, out += bl_super_block) {
    const float d = bl_load_half(in + 80), dmin = bl_load_half(in + 82);
    BL_ONE_BY_ONE
    for (int group = 0; group < 16; group++) {
      // Each half of the block has 32 bytes; two bits of 16 of them make a group.
      const uint8_t *codes = in + 16 + group / 8 * 32 + group % 2 * 16;
      const int shift = group / 2 % 4 * 2;
      const float scale = d * (float)(in[group] & 15), minimum = dmin * (float)(in[group] >> 4);
      for (int j = 0; j < 16; j++) {
        out[group * 16 + j] = scale * (float)(codes[j] >> shift & 3) - minimum;
      }
    }
  }
}

BL_KERNEL void bl_decode_q3_K(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 110, out += bl_super_block) {
    const uint8_t *scales = in + 96;
    const float d = bl_load_half(in + 108);
    BL_ONE_BY_ONE
    for (int group = 0; group < 16; group++) {
      // Eight bytes have the low four bits of two scales each, four bytes the upper two bits of four.
      const int low = scales[group % 8] >> (group / 8 * 4) & 15;
      const int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
      const float scale = d * (float)((low | high << 4) - 32);
      const uint8_t *codes = in + 32 + group / 8 * 32 + group % 2 * 16, *thirds = in + group % 2 * 16;
      const int shift = group / 2 % 4 * 2, bit = group / 2;
      for (int j = 0; j < 16; j++) {
        const int code = (codes[j] >> shift & 3) + (thirds[j] >> bit & 1) * 4 - 4;
        out[group * 16 + j] = scale * (float)code;
      }
    }
  }
}

BL_KERNEL void bl_decode_q4_K(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 144, out += bl_super_block) {
    const float d = bl_load_half(in), dmin = bl_load_half(in + 2);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const bl_scale_pair p = bl_scale_pair_of(in + 4, group, d, dmin);
      const uint8_t *codes = in + 16 + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int j = 0; j < 32; j++) {
        out[group * 32 + j] = p.scale * (float)(codes[j] >> shift & 15) - p.minimum;
      }
    }
  }
}

BL_KERNEL void bl_decode_q5_K(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 176, out += bl_super_block) {
    const float d = bl_load_half(in), dmin = bl_load_half(in + 2);
    const uint8_t *fifths = in + 16;
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const bl_scale_pair p = bl_scale_pair_of(in + 4, group, d, dmin);
      const uint8_t *codes = in + 48 + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int j = 0; j < 32; j++) {
        const int code = (codes[j] >> shift & 15) + (fifths[j] >> group & 1) * 16;
        out[group * 32 + j] = p.scale * (float)code - p.minimum;
      }
    }
  }
}

BL_KERNEL void bl_decode_q6_K(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 210, out += bl_super_block) {
    const float d = bl_load_half(in + 208);
    BL_ONE_BY_ONE
    for (int group = 0; group < 16; group++) {
      // Of each half's 128 weights, four runs of 32 share 64 low and 32 high bytes.
      const int half = group / 8, run = group / 2 % 4, start = group % 2 * 16;
      const uint8_t *low = in + half * 64 + run % 2 * 32 + start, *high = in + 128 + half * 32 + start;
      const float scale = d * (float)(int8_t)in[192 + group];
      for (int j = 0; j < 16; j++) {
        const int code = (low[j] >> (run / 2 * 4) & 15) | (high[j] >> (run * 2) & 3) << 4;
        out[group * 16 + j] = scale * (float)(code - 32);
      }
    }
  }
}
