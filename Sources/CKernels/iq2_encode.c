// Encoders of IQ2_XXS, IQ2_XS and IQ2_S (iq2.c has the layouts, iq_search.h the search).
#include "iq_prepare.h"

enum {
  eights = bl_super_block / 8,
  sixteens = bl_super_block / 16,
  groups = bl_super_block / 32,  // of IQ2_XXS, as many as lanes
  iq2_xxs_bytes = 66,
  iq2_xs_bytes = 74,
  iq2_s_bytes = 82,
  most_units = 4,  // IQ2_XXS's first scale is sought for whole numbers up to this
};

// MARK: IQ2_XXS's first scales: the eight groups of a super-block side by side

/// Weight i of each group.
typedef struct {
  f32x8 x[32], weight[32];
} columns;

BL_INLINE void nearest_units(const f32x8 *scaled, i32x8 *units) {
  const f32x8 rounded = *scaled + BL_ROUNDER;
  *units = __builtin_elementwise_min(((i32x8)rounded & 0x7fffff) - 0x400000, (i32x8)most_units);
}

/// What is left of weights rounded with one scale. The reference keeps the first try's whole numbers as bytes
/// (-1 counts as 255), and without an upper bound.
BL_INLINE void squared_error(const columns *c, const f32x8 *inverse, bool first, f32x8 *error) {
  const f32x8 scale = 1.0f / *inverse;
  f32x8 sum = 0;
  for (int i = 0; i < 32; i++) {
    const f32x8 scaled = *inverse * c->x[i];
    i32x8 units;
    if (first) {
      units = ((i32x8)(scaled + BL_ROUNDER) - 0x400000) & 255;
    } else {
      nearest_units(&scaled, &units);
    }
    const f32x8 off = c->x[i] - scale * __builtin_convertvector(units, f32x8);
    sum += c->weight[i] * off * off;
  }
  *error = sum;
}

/// Moves whole numbers one by one to where the fit says, as long as the fit gets better, five times at most.
BL_INLINE void improve_units(const columns *c, i32x8 *units, f32x8 *products, f32x8 *squares) {
  f32x8 qx = *products, q2 = *squares;
  i32x8 active = -1;
  for (int pass = 0; pass < 5; pass++) {
    i32x8 changed = 0;
    for (int i = 0; i < 32; i++) {
      const f32x8 weight = c->weight[i], wx = weight * c->x[i];
      const f32x8 old = __builtin_convertvector(units[i], f32x8);
      const f32x8 rest_qx = qx - wx * old, rest_q2 = q2 - weight * old * old;
      const f32x8 scaled = c->x[i] * rest_q2 / rest_qx;
      i32x8 fresh;
      nearest_units(&scaled, &fresh);
      const f32x8 value = __builtin_convertvector(fresh, f32x8);
      const f32x8 new_qx = rest_qx + wx * value, new_q2 = rest_q2 + weight * value * value;
      const i32x8 better = active & (rest_qx > 0) & (rest_q2 > 0) & (fresh != units[i]) &
                           (new_qx * new_qx * q2 > qx * qx * new_q2);
      units[i] = better ? fresh & 255 : units[i];
      qx = better ? new_qx : qx;
      q2 = better ? new_q2 : q2;
      changed |= better;
    }
    active &= changed;
    if (bl_iq_bits(&active) == 0) break;
  }
  *products = qx;
  *squares = q2;
}

/// The scale of each group for whole numbers from 0 on; 0 for groups of zeros.
BL_INLINE void first_scales(const columns *c, f32x8 *scales) {
  f32x8 peak = 0;
  for (int i = 0; i < 32; i++) peak = peak > c->x[i] ? peak : c->x[i];
  f32x8 inverse = (float)most_units / peak, least;
  squared_error(c, &inverse, true, &least);
  for (int t = -4; t <= 4; t++) {
    if (t == 0) continue;
    const f32x8 other = (0.1f * (float)t + (float)most_units) / peak;
    f32x8 error;
    squared_error(c, &other, false, &error);
    inverse = error < least ? other : inverse;
    least = error < least ? error : least;
  }
  i32x8 units[32];
  f32x8 products = 0, squares = 0;
  for (int i = 0; i < 32; i++) {
    const f32x8 scaled = inverse * c->x[i];
    nearest_units(&scaled, &units[i]);
    const f32x8 value = __builtin_convertvector(units[i], f32x8);
    products += c->weight[i] * c->x[i] * value;
    squares += c->weight[i] * value * value;
    units[i] &= 255;
  }
  improve_units(c, units, &products, &squares);
  const f32x8 scale = squares > 0 ? products / squares : (f32x8)0;
  *scales = peak < 1e-15f ? (f32x8)0 : scale;
}

BL_INLINE void find_first_scales(const bl_iq_block *block, float scales[groups]) {
  columns c;
  for (int i = 0; i < 32; i++) {
    for (int group = 0; group < groups; group++) {
      c.x[i][group] = block->x[group * 32 + i];
      c.weight[i][group] = block->weight[group * 32 + i];
    }
  }
  first_scales(&c, (f32x8 *)scales);
}

// MARK: IQ2_XXS

BL_INLINE void put_iq2_xxs_group(const bl_iq_lists *lists, const bl_iq_block *block, int group, bool inverted,
                                 const bl_iq_fit *fit, uint8_t *out) {
  uint32_t signs = 0;
  for (int k = 0; k < 4; k++) {
    out[2 + group * 8 + k] = (uint8_t)bl_iq_number(lists->cells[fit->points[k]]);
    signs |= ((uint32_t)(block->signs[group * 4 + k] ^ (inverted ? 255 : 0)) & 127) << (7 * k);
  }
  memcpy(out + 2 + group * 8 + 4, &signs, sizeof signs);
}

BL_INLINE void encode_iq2_xxs(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out) {
  const bl_iq_kind kind = {.dims = 8, .bits = 2, .levels = 3, .group = 32, .tries = 6, .step = 0.1f};
  float scales[groups], first[groups], greatest = 0;
  memset(out, 0, iq2_xxs_bytes);
  bl_iq_even_signs(block);
  find_first_scales(block, first);
  BL_ONE_BY_ONE
  for (int group = 0; group < groups; group++) {
    const int start = group * 32;
    const bl_iq_weights w = {block->x + start, block->weight + start, block->root + start};
    const float peak = first[group] * 3;
    scales[group] = 0;
    if (bl_iq_peak(w.x, 32) < 1e-15f || peak <= 0) continue;
    bl_iq_fit fit = {.scale = first[group]};
    const bool inverted = bl_iq_fit_group(kind, lists, &w, peak, bl_iq_again_all, &fit);
    if (fit.scale != fit.scale) continue;
    put_iq2_xxs_group(lists, block, group, inverted, &fit, out);
    scales[group] = fit.scale;
    greatest = greatest > fit.scale ? greatest : fit.scale;
  }
  if (greatest == 0) {
    memset(out, 0, iq2_xxs_bytes);
    return;
  }
  uint8_t codes[groups];
  bl_store_half(bl_iq_scale_codes(scales, groups, greatest, codes), out);
  for (int group = 0; group < groups; group++) out[2 + group * 8 + 7] |= (uint8_t)(codes[group] << 4);
}

BL_KERNEL void bl_encode_iq2_xxs(const float *restrict weights, const float *restrict importance, size_t rows,
                                 size_t row_length, uint8_t *restrict out) {
  if (!importance) {
    memset(out, 0, rows * (row_length / bl_super_block) * iq2_xxs_bytes);
    return;
  }
  bl_iq_encode_rows(bl_iq2_xxs_lists(), weights, importance, rows, row_length, 1,
                    bl_iq_by_square, encode_iq2_xxs, iq2_xxs_bytes, out);
}

// MARK: IQ2_XS, IQ2_S

BL_INLINE void put_iq2_xs_group(const bl_iq_lists *lists, const bl_iq_block *block, int group, bool inverted,
                                const bl_iq_fit *fit, uint8_t *out) {
  for (int k = 0; k < 2; k++) {
    const uint32_t signs = (block->signs[group * 2 + k] ^ (inverted ? 255 : 0)) & 127;
    const uint16_t word = (uint16_t)(bl_iq_number(lists->cells[fit->points[k]]) | signs << 9);
    memcpy(out + 2 + group * 4 + k * 2, &word, sizeof word);
  }
}

BL_INLINE void put_iq2_s_group(const bl_iq_lists *lists, const bl_iq_block *block, int group, bool inverted,
                               const bl_iq_fit *fit, uint8_t *out) {
  for (int k = 0; k < 2; k++) {
    const int eight = group * 2 + k;
    const uint32_t index = bl_iq_number(lists->cells[fit->points[k]]);
    out[2 + eight] = (uint8_t)index;
    out[2 + eights + eight] = block->signs[eight] ^ (inverted ? 255 : 0);
    out[2 + 2 * eights + eight / 4] |= (uint8_t)((index >> 8) << (eight % 4 * 2));
  }
}

/// A super-block of IQ2_S, or of IQ2_XS.
BL_INLINE void encode_sixteens(const bl_iq_lists *lists, const bl_iq_block *block, bool s, uint8_t *out) {
  const bl_iq_kind kind = {.dims = 8, .bits = 2, .levels = 3, .group = 16, .tries = 9, .step = 0.1f};
  const size_t bytes = s ? iq2_s_bytes : iq2_xs_bytes;
  float scales[sixteens], greatest = 0;
  memset(out, 0, bytes);
  BL_ONE_BY_ONE
  for (int group = 0; group < sixteens; group++) {
    const int first = group * 16;
    const bl_iq_weights w = {block->x + first, block->weight + first, block->root + first};
    const float peak = bl_iq_peak(w.x, 16);
    scales[group] = 0;
    if (peak < (s ? 1e-8f : 1e-15f)) continue;
    bl_iq_fit fit = {.scale = peak / 5};
    const bool inverted = bl_iq_fit_group(kind, lists, &w, peak, bl_iq_again_rounded, &fit);
    if (fit.scale != fit.scale) continue;
    if (s) {
      put_iq2_s_group(lists, block, group, inverted, &fit, out);
    } else {
      put_iq2_xs_group(lists, block, group, inverted, &fit, out);
    }
    scales[group] = fit.scale;
    greatest = greatest > fit.scale ? greatest : fit.scale;
  }
  if (greatest == 0) {
    if (!s) memset(out, 0, bytes);
    return;
  }
  const float d = bl_iq_put_scales(scales, sixteens, greatest, out + bytes - 8);
  bl_store_half(s ? d * 0.9875f : d, out);
}

BL_INLINE void encode_iq2_xs(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out) {
  bl_iq_even_signs(block);
  encode_sixteens(lists, block, false, out);
}

BL_INLINE void encode_iq2_s(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out) {
  encode_sixteens(lists, block, true, out);
}

BL_KERNEL void bl_encode_iq2_xs(const float *restrict weights, const float *restrict importance, size_t rows,
                                size_t row_length, uint8_t *restrict out) {
  if (!importance) {
    memset(out, 0, rows * (row_length / bl_super_block) * iq2_xs_bytes);
    return;
  }
  bl_iq_encode_rows(bl_iq2_xs_lists(), weights, importance, rows, row_length, 1,
                    bl_iq_by_square, encode_iq2_xs, iq2_xs_bytes, out);
}

BL_KERNEL void bl_encode_iq2_s(const float *restrict weights, const float *restrict importance, size_t rows,
                               size_t row_length, uint8_t *restrict out) {
  bl_iq_encode_rows(bl_iq2_s_lists(), weights, importance, rows, row_length, 2,
                    bl_iq_by_variance, encode_iq2_s, iq2_s_bytes, out);
}
