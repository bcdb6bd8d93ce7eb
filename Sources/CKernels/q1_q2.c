// Q1_0, Q2_0: one scale, and one or two bits for each weight.
//
// Blocks (halves are IEEE binary16, little-endian):
//   Q1_0: 128 weights: half d, the mean magnitude; 16 bytes, bit j set where weight j is d, else -d
//   Q2_0: 64 weights: half d, the greatest magnitude; 16 bytes, codes of two bits from the low ones up: 0 is -d,
//         1 is 0, 2 is d, 3 is 2d (never written by the encoder)
#include "ggml_block.h"

enum { q1_block = 128, q2_block = 64 };

BL_KERNEL void bl_decode_q1_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 18, out += q1_block) {
    const float d = bl_load_half(in);
    for (int i = 0; i < 16; i++) {
      const uint32_t byte = in[2 + i];
      for (int j = 0; j < 8; j++) out[i * 8 + j] = bl_negated_if(d, ~(byte >> j));
    }
  }
}

BL_KERNEL void bl_decode_q2_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 18, out += q2_block) {
    const float d = bl_load_half(in);
    for (int i = 0; i < 16; i++) {
      const int byte = in[2 + i];
      for (int j = 0; j < 4; j++) out[i * 4 + j] = (float)((byte >> (2 * j) & 3) - 1) * d;
    }
  }
}

BL_KERNEL void bl_encode_q1_0(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += q1_block, out += 18) {
    float sum = 0;
    for (int j = 0; j < q1_block; j++) sum += bl_magnitude(w[j]);
    bl_store_half(sum / q1_block, out);
    for (int i = 0; i < 16; i++) {
      uint32_t byte = 0;
      for (int j = 0; j < 8; j++) byte |= (uint32_t)(w[i * 8 + j] >= 0) << j;
      out[2 + i] = (uint8_t)byte;
    }
  }
}

BL_KERNEL void bl_encode_q2_0(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += q2_block, out += 18) {
    const float d = bl_peak(w, q2_block), id = bl_reciprocal(d);
    bl_store_half(d, out);
    uint8_t codes[q2_block];
    for (int j = 0; j < q2_block; j++) {
      const int32_t code = bl_round_away(w[j] * id) + 1;
      codes[j] = (uint8_t)(code < 0 ? 0 : code > 3 ? 3 : code);
    }
    for (int i = 0; i < 16; i++) {
      out[2 + i] = (uint8_t)(codes[4 * i] | codes[4 * i + 1] << 2 | codes[4 * i + 2] << 4
                             | codes[4 * i + 3] << 6);
    }
  }
}
