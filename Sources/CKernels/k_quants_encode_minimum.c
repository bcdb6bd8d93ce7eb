// Encoding of Q2_K, Q4_K, Q5_K: groups with a scale and a minimum. (Layouts: k_quants_decode.c.)
//
// First each group's best scale and minimum are found; then those of a super-block become small integers;
// then the weights are rounded again on what the integers give.
#include "k_quants_fit_minimum.h"

// MARK: Scales of scales

/// The integers that scales (or minimums) become, as bytes, and what they are multiples of.
typedef struct {
  uint8_t values[bl_lanes][16];
  float unit[bl_lanes];
} integers;

/// Sums of a least-squares fit of integers to values.
typedef struct {
  f32x16 products, squares;
} sums;

/// A raised integer cut to its low byte, and lowered.
BL_INLINE void low_byte(const f32x16 *raised, f32x16 *value) {
  *value = (f32x16)(((u32x16)*raised & 0xffu) | 0x4b400000u) - BL_ROUNDER;
}

/// Of nine scales near peak / greatest, the inverse of that with the least weighted squared error. In the
/// first try the integers are cut to bytes, in the others not.
BL_INLINE void search_inverse(const f32x16 *x, const f32x16 *w, int count, int greatest, const f32x16 *peak,
                              f32x16 *best) {
  f32x16 least = 0;
  for (int t = 0; t < 9; t++) {
    const int away = t == 0 ? 0 : t <= 4 ? t - 5 : t - 4;
    const f32x16 inverse = (0.1f * (float)away + (float)greatest) / *peak, scale = 1.0f / inverse;
    f32x16 error = 0;
    for (int j = 0; j < count; j++) {
      f32x16 l = inverse * x[j];
      bl_round_raised(&l);
      if (away == 0) {
        low_byte(&l, &l);
      } else {
        bl_limit_raised(&l, greatest);
        l -= BL_ROUNDER;
      }
      const f32x16 difference = x[j] - scale * l;
      error += w[j] * difference * difference;
    }
    const i32x16 better = error < least;
    *best = t == 0 ? inverse : better ? inverse : *best;
    least = t == 0 ? error : better ? error : least;
  }
}

/// Changes one integer after another as long as that makes the fit better, at most five times round.
BL_INLINE void refine(const f32x16 *x, const f32x16 *w, int count, int greatest, f32x16 *levels, sums *f) {
  for (int round = 0; round < 5; round++) {
    i32x16 changed = 0;
    for (int j = 0; j < count; j++) {
      const f32x16 wx = w[j] * x[j];
      f32x16 products = f->products - wx * levels[j];
      f32x16 squares = f->squares - w[j] * levels[j] * levels[j];
      i32x16 better = (products > 0) & (squares > 0);
      f32x16 l = x[j] * squares / products, byte;
      bl_round_raised(&l);
      bl_limit_raised(&l, greatest);
      low_byte(&l, &byte);
      l -= BL_ROUNDER;
      products += wx * l;
      squares += w[j] * l * l;
      better &= l != levels[j];
      better &= products * products * f->squares > f->products * f->products * squares;
      levels[j] = better ? byte : levels[j];
      f->products = better ? products : f->products;
      f->squares = better ? squares : f->squares;
      changed |= better;
    }
    if (!__builtin_reduce_or(changed)) break;
  }
}

/// The integers of a batch's super-blocks by a weighted search, all super-blocks at once.
BL_INLINE void search_integers(const float values[bl_lanes][16], const float weights[bl_lanes][16], int count,
                               int greatest, integers *out) {
  const float *value_rows[bl_lanes], *weight_rows[bl_lanes];
  for (int s = 0; s < bl_lanes; s++) {
    value_rows[s] = values[s];
    weight_rows[s] = weights[s];
  }
  BL_LANES(f32x16) x[16], w[16], levels[16];
  f32x16 peak = 0, inverse;
  bl_transpose(value_rows, x);
  bl_transpose(weight_rows, w);
  for (int j = 0; j < count; j++) peak = peak > x[j] ? peak : x[j];
  const i32x16 nothing = peak < BL_NOTHING;
  search_inverse(x, w, count, greatest, &peak, &inverse);
  sums f = {0, 0};
  for (int j = 0; j < count; j++) {
    f32x16 l = inverse * x[j];
    bl_round_raised(&l);
    bl_limit_raised(&l, greatest);
    low_byte(&l, levels + j);
    l -= BL_ROUNDER;
    f.products += w[j] * x[j] * l;
    f.squares += w[j] * l * l;
  }
  refine(x, w, count, greatest, levels, &f);
  f32x16 unit = f.squares > 0 ? f.products / f.squares : (f32x16)0;
  unit = nothing ? (f32x16)0 : unit;
  memcpy(out->unit, &unit, sizeof out->unit);
  for (int j = 0; j < count; j++) {
    const f32x16 l = nothing ? (f32x16)0 : levels[j];
    for (int s = 0; s < bl_lanes; s++) out->values[s][j] = (uint8_t)l[s];
  }
}

/// The integers of one super-block without a search: multiples of the greatest value / greatest.
BL_INLINE void round_integers(const float values[16], int count, int greatest, uint8_t out[16], float *unit) {
  float peak = 0;
  for (int j = 0; j < count; j++) peak = values[j] > peak ? values[j] : peak;
  const float inverse = peak > 0 ? (float)greatest / peak : 0;
  for (int j = 0; j < count; j++) {
    // Strange values wrap to bytes as in the reference.
    out[j] = (uint8_t)bl_nearest(inverse * values[j]);
  }
  *unit = peak > 0 ? peak / (float)greatest : 0;
}

// MARK: Codes

/// Sixteen weights' codes: those of (x + minimum) / scale, or, if the scale is 0, those found with the fit.
BL_INLINE void round_sixteen(const float *w, const bl_scale_pair *pair, float inverse, float offset,
                             int greatest, uint8_t *codes) {
  const f32x16 x = *(const f32x16 *)w;
  f32x16 code = pair->scale != 0 ? (x + pair->minimum) / pair->scale : inverse * (x - offset);
  bl_round_between(&code, 0, greatest);
  const uint32_t mask = pair->scale != 0 || inverse != 0 ? 0xff : 0;
  *(u8x16 *)codes = __builtin_convertvector((u32x16)code & mask, u8x16);
}

BL_INLINE void round_weights(const float *weights, const bl_scale_pair *pairs, const bl_minimum_fits *f,
                             int super_block, const bl_fit_plan *p, uint8_t codes[bl_super_block]) {
  BL_ONE_BY_ONE
  for (int start = 0; start < bl_super_block; start += 16) {
    const int group = start / p->count;
    round_sixteen(weights + start, pairs + group, f->inverse[super_block][group],
                  f->offset[super_block][group], p->greatest, codes + start);
  }
}

/// 32 bytes of four two-bit codes for each half of a super-block.
BL_INLINE void pack_two_bits(const uint8_t codes[bl_super_block], uint8_t bytes[64]) {
  BL_ONE_BY_ONE
  for (int half = 0; half < 2; half++, codes += 128, bytes += 32) {
    for (int j = 0; j < 32; j++) {
      bytes[j] = (uint8_t)(codes[j] | codes[j + 32] << 2 | codes[j + 64] << 4 | codes[j + 96] << 6);
    }
  }
}

/// 32 bytes of the low four bits of two codes for each quarter of a super-block.
BL_INLINE void pack_four_bits(const uint8_t codes[bl_super_block], uint8_t bytes[128]) {
  BL_ONE_BY_ONE
  for (int quarter = 0; quarter < 4; quarter++, codes += 64, bytes += 32) {
    for (int j = 0; j < 32; j++) bytes[j] = (uint8_t)((codes[j] & 15) | (codes[j + 32] & 15) << 4);
  }
}

/// The fifth bits of codes: bit r of byte j is that of weight j of run r of 32.
BL_INLINE void pack_fifth_bits(const uint8_t codes[bl_super_block], uint8_t bytes[32]) {
  for (int j = 0; j < 32; j++) {
    uint32_t bits = 0;
    for (int run = 0; run < 8; run++) bits |= (uint32_t)(codes[run * 32 + j] >> 4) << run;
    bytes[j] = (uint8_t)bits;
  }
}

// MARK: Encoders

/// What is found of a batch before codes are rounded: the fits, and the integers of scales and of minimums.
typedef struct {
  bl_minimum_fits fit;
  integers scales, minimums;
} findings;

BL_INLINE void find_integers(const bl_fit_plan *p, bool weighted, findings *found) {
  const int count = bl_super_block / p->count, greatest = p->count == 32 ? 63 : 15;
  BL_ONE_BY_ONE
  for (int which = 0; which < 2; which++) {
    const float(*values)[16] = which == 0 ? found->fit.scale : found->fit.minimum;
    integers *out = which == 0 ? &found->scales : &found->minimums;
    if (weighted) {
      search_integers(values, found->fit.weight, count, greatest, out);
    } else {
      BL_ONE_BY_ONE
      for (int s = 0; s < bl_lanes; s++) {
        round_integers(values[s], count, greatest, out->values[s], out->unit + s);
      }
    }
  }
}

/// With importance, squares have the super-block's mean square added, or, with groups of 32, twice that.
BL_INLINE void find_all(const bl_blocks *batch, const bl_fit_plan *p, bool weighted, findings *out) {
  float spread[bl_lanes];
  if (weighted) {
    f32x16 squares;
    bl_sum_squares(batch, &squares);
    squares = (p->count == 32 ? 2.0f : 1.0f) * squares / (float)bl_super_block;
    memcpy(spread, &squares, sizeof spread);
  }
  memset(out, 0, sizeof *out);
  bl_fit_batch(batch, p, weighted ? spread : NULL, &out->fit);
  find_integers(p, weighted, out);
}

BL_INLINE void put_q2_K(const bl_blocks *batch, const bl_fit_plan *p, const findings *found, uint8_t *out) {
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s++, out += 84) {
    bl_store_half(found->scales.unit[s], out + 80);
    bl_store_half(found->minimums.unit[s], out + 82);
    const float d = bl_load_half(out + 80), dmin = bl_load_half(out + 82);
    bl_scale_pair pairs[16];
    for (int j = 0; j < 16; j++) {
      out[j] = (uint8_t)(found->scales.values[s][j] | found->minimums.values[s][j] << 4);
      pairs[j].scale = d * (float)(out[j] & 15);
      pairs[j].minimum = dmin * (float)(out[j] >> 4);
    }
    uint8_t codes[bl_super_block];
    round_weights(batch->weights[s], pairs, &found->fit, s, p, codes);
    pack_two_bits(codes, out + 16);
  }
}

/// Half d, half dmin, twelve bytes of scales; then Q5_K's fifth bits; then the low four.
BL_INLINE void put_q45_K(const bl_blocks *batch, const bl_fit_plan *p, const findings *found, bool limited,
                         uint8_t *out) {
  const int bytes = p->greatest == 31 ? 176 : 144;
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s++, out += bytes) {
    uint8_t scales[8], minimums[8];
    for (int j = 0; j < 8; j++) {
      const uint8_t scale = found->scales.values[s][j], minimum = found->minimums.values[s][j];
      scales[j] = limited && scale > 63 ? 63 : scale;
      minimums[j] = limited && minimum > 63 ? 63 : minimum;
    }
    bl_store_half(found->scales.unit[s], out);
    bl_store_half(found->minimums.unit[s], out + 2);
    bl_pack_scale_pairs(scales, minimums, out + 4);
    const float d = bl_load_half(out), dmin = bl_load_half(out + 2);
    bl_scale_pair pairs[8];
    for (int j = 0; j < 8; j++) pairs[j] = bl_scale_pair_of(out + 4, j, d, dmin);
    uint8_t codes[bl_super_block];
    round_weights(batch->weights[s], pairs, &found->fit, s, p, codes);
    if (p->greatest == 31) pack_fifth_bits(codes, out + 16);
    pack_four_bits(codes, out + bytes - 128);
  }
}

BL_INLINE void encode(const float *weights, const float *importance, size_t rows, size_t row_length,
                      const bl_fit_plan *p, uint8_t *out) {
  bl_remainder left = bl_begin(weights, importance, rows, row_length, bl_super_block);
  const size_t bytes = p->greatest == 3 ? 84 : p->greatest == 15 ? 144 : 176;
  BL_ONE_BY_ONE
  for (; left.blocks > 0; out += bl_lanes * bytes) {
    bl_blocks batch;
    findings found;
    bl_take_blocks(&left, bl_super_block, &batch);
    find_all(&batch, p, importance != NULL, &found);
    if (p->greatest == 3) {
      put_q2_K(&batch, p, &found, out);
    } else {
      // In the reference, Q4_K's searched integers alone aren't limited.
      put_q45_K(&batch, p, &found, p->greatest == 31 || importance == NULL, out);
    }
  }
}

BL_KERNEL void bl_encode_q2_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  bl_fit_plan p = {16, 3, 15, -0.5f, 0.1f, true};
  if (importance) p = (bl_fit_plan){16, 3, 36, -0.9f, 0.05f, false};
  encode(weights, importance, rows, row_length, &p, out);
}

BL_KERNEL void bl_encode_q4_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  bl_fit_plan p = {32, 15, 20, -1, 0.1f, false};
  if (importance) p = (bl_fit_plan){32, 15, 36, -0.9f, 0.05f, false};
  encode(weights, importance, rows, row_length, &p, out);
}

BL_KERNEL void bl_encode_q5_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  bl_fit_plan p = {32, 31, 15, -0.5f, 0.1f, false};
  if (importance) p = (bl_fit_plan){32, 31, 36, -0.9f, 0.05f, false};
  encode(weights, importance, rows, row_length, &p, out);
}
