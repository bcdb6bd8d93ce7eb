// Encoding of Q6_K: groups of 16 with a scale. (Layout: k_quants_decode.c.)
//
// The sixteen groups of a super-block are fitted at once; their scales become integers; then the weights are
// rounded again on what those give.
#include "k_quants_fit_scale.h"

/// What codes stand for, by groups of a super-block: the scale, and, if that is 0, how the fit found codes.
typedef struct {
  float scale[16], inverse[16], middle[16];
} group_scales;

BL_INLINE void round_weights(const float *weights, const group_scales *g, int middle,
                             uint8_t codes[bl_super_block]) {
  BL_ONE_BY_ONE
  for (int j = 0; j < 16; j++) {
    const f32x16 x = *(const f32x16 *)(weights + 16 * j);
    const bool usual = g->scale[j] != 0;
    const f32x16 scaled = usual ? x / g->scale[j] : x * g->inverse[j];
    bl_round_sixteen(&scaled, middle, usual || g->middle[j] != 0, codes + 16 * j);
  }
}

BL_INLINE void pack_q6_K(const uint8_t codes[bl_super_block], uint8_t *out) {
  uint8_t *low = out, *high = out + 128;
  BL_ONE_BY_ONE
  for (int half = 0; half < 2; half++, codes += 128, low += 64, high += 32) {
    for (int j = 0; j < 64; j++) low[j] = (uint8_t)((codes[j] & 15) | (codes[j + 64] & 15) << 4);
    for (int j = 0; j < 32; j++) {
      high[j] = (uint8_t)(codes[j] >> 4 | codes[j + 32] >> 4 << 2 | codes[j + 64] >> 4 << 4 |
                          codes[j + 96] >> 4 << 6);
    }
  }
}

BL_INLINE void put_q6_K(const float *weights, const bl_scale_fit *f, uint8_t *out) {
  group_scales g;
  memcpy(g.scale, &f->scale, sizeof g.scale);
  memcpy(g.inverse, &f->inverse, sizeof g.inverse);
  memcpy(g.middle, &f->middle, sizeof g.middle);
  float peak = 0, magnitude = 0;
  for (int j = 0; j < 16; j++) {
    const float a = bl_magnitude(g.scale[j]);
    peak = a > magnitude ? g.scale[j] : peak;
    magnitude = a > magnitude ? a : magnitude;
  }
  if (magnitude < BL_NOTHING) {
    memset(out, 0, 210);
    return;
  }
  const float inverse = -128.0f / peak;
  bl_store_half(1.0f / inverse, out + 208);
  const float d = bl_load_half(out + 208);
  for (int j = 0; j < 16; j++) {
    const int32_t l = bl_nearest(inverse * g.scale[j]);
    out[192 + j] = (uint8_t)(l < 127 ? l : 127);
    g.scale[j] = d * (float)(int8_t)out[192 + j];
  }
  uint8_t codes[bl_super_block];
  round_weights(weights, &g, 32, codes);
  pack_q6_K(codes, out);
}

BL_KERNEL void bl_encode_q6_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  const size_t per_row = row_length / bl_super_block, count = rows * per_row;
  BL_ONE_BY_ONE
  for (size_t block = 0; block < count; block++, weights += bl_super_block, out += 210) {
    BL_LANES(f32x16) x[16], w[16];
    bl_load_groups_of_16(weights, x);
    if (importance) {
      bl_load_groups_of_16(importance + block % per_row * bl_super_block, w);
    } else {
      for (int j = 0; j < 16; j++) w[j] = x[j] * x[j];
    }
    bl_scale_fit f;
    bl_search_scale(x, w, 32, &f);
    put_q6_K(weights, &f, out);
  }
}
