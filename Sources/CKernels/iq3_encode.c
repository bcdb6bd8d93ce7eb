// Encoders of IQ3_XXS and IQ3_S (iq3.c has the layouts, iq_search.h the search).
#include "iq_prepare.h"

enum { groups = bl_super_block / 32, iq3_xxs_bytes = 98, iq3_s_bytes = 110 };

BL_INLINE void put_iq3_xxs_group(const bl_iq_lists *lists, const bl_iq_block *block, int group, bool inverted,
                                 const bl_iq_fit *fit, uint8_t *out) {
  for (int k = 0; k < 8; k++) out[2 + group * 8 + k] = (uint8_t)bl_iq_number(lists->cells[fit->points[k]]);
  uint32_t signs = 0;
  for (int k = 0; k < 4; k++) {
    signs |= ((uint32_t)(block->signs[group * 4 + k] ^ (inverted ? 255 : 0)) & 127) << (7 * k);
  }
  memcpy(out + 66 + group * 4, &signs, sizeof signs);
}

BL_INLINE void encode_iq3_xxs(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out) {
  const bl_iq_kind kind = {.dims = 4, .bits = 3, .levels = 8, .group = 32, .tries = 15, .step = 0.2f};
  float scales[groups], greatest = 0;
  memset(out, 0, iq3_xxs_bytes);
  bl_iq_even_signs(block);
  BL_ONE_BY_ONE
  for (int group = 0; group < groups; group++) {
    const int first = group * 32;
    const bl_iq_weights w = {block->x + first, block->weight + first, block->root + first};
    const float peak = bl_iq_peak(w.x, 32);
    scales[group] = 0;
    if (peak < 1e-8f) continue;
    bl_iq_fit fit = {.scale = peak / 15};
    const bool inverted = bl_iq_fit_group(kind, lists, &w, peak, bl_iq_again_rounded, &fit);
    if (fit.scale != fit.scale) continue;
    put_iq3_xxs_group(lists, block, group, inverted, &fit, out);
    scales[group] = fit.scale;
    greatest = greatest > fit.scale ? greatest : fit.scale;
  }
  if (greatest == 0) {
    memset(out, 0, iq3_xxs_bytes);
    return;
  }
  uint8_t codes[groups];
  bl_store_half(bl_iq_scale_codes(scales, groups, greatest, codes) * 1.0125f, out);
  for (int group = 0; group < groups; group++) out[69 + group * 4] |= (uint8_t)(codes[group] << 4);
}

BL_KERNEL void bl_encode_iq3_xxs(const float *restrict weights, const float *restrict importance, size_t rows,
                                 size_t row_length, uint8_t *restrict out) {
  bl_iq_encode_rows(bl_iq3_xxs_lists(), weights, importance, rows, row_length, 2,
                    bl_iq_by_square, encode_iq3_xxs, iq3_xxs_bytes, out);
}

/// Indices and signs go to `place`, which the reference doesn't move on for groups of zeros. (So that groups
/// behind those decode wrong; but these are its bytes.)
BL_INLINE void put_iq3_s_group(const bl_iq_lists *lists, const bl_iq_block *block, int group, int place,
                               bool inverted, const bl_iq_fit *fit, uint8_t *out) {
  uint32_t ninths = 0;
  for (int k = 0; k < 8; k++) {
    const uint32_t index = bl_iq_number(lists->cells[fit->points[k]]);
    out[2 + place * 8 + k] = (uint8_t)index;
    ninths |= (index >> 8) << k;
  }
  out[66 + group] = (uint8_t)ninths;
  for (int k = 0; k < 4; k++) out[74 + place * 4 + k] = block->signs[group * 4 + k] ^ (inverted ? 255 : 0);
}

BL_INLINE void encode_iq3_s(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out) {
  const bl_iq_kind kind = {.dims = 4, .bits = 3, .levels = 8, .group = 32, .tries = 9, .step = 0.2f};
  float scales[groups], greatest = 0;
  int place = 0;
  memset(out, 0, iq3_s_bytes);
  BL_ONE_BY_ONE
  for (int group = 0; group < groups; group++) {
    const int first = group * 32;
    const bl_iq_weights w = {block->x + first, block->weight + first, block->root + first};
    const float peak = bl_iq_peak(w.x, 32);
    scales[group] = 0;
    if (peak == 0) continue;
    bl_iq_fit fit = {.scale = peak / 15};
    const bool inverted = bl_iq_fit_group(kind, lists, &w, peak, bl_iq_again_all_if_any, &fit);
    if (fit.scale == fit.scale) {
      put_iq3_s_group(lists, block, group, place, inverted, &fit, out);
      scales[group] = fit.scale;
    }
    place++;
    greatest = greatest > scales[group] ? greatest : scales[group];
  }
  if (greatest == 0) return;
  bl_store_half(bl_iq_put_scales(scales, groups, greatest, out + 106) * 1.033f, out);
}

BL_KERNEL void bl_encode_iq3_s(const float *restrict weights, const float *restrict importance, size_t rows,
                               size_t row_length, uint8_t *restrict out) {
  bl_iq_encode_rows(bl_iq3_s_lists(), weights, importance, rows, row_length, 2,
                    bl_iq_by_square, encode_iq3_s, iq3_s_bytes, out);
}
