// Encoding of Q3_K: groups of 16 with a scale. (Layout: k_quants_decode.c.)
//
// With importance scales are searched for; without, codes are rounded on the scale that the peak gives and
// then changed one after another. The scales of a super-block become integers, and the weights are rounded
// again on what those give.
#include "k_quants_fit_scale.h"

// MARK: Bytes

/// Eight bytes have the low four bits of two scales each, four bytes the upper two bits of four.
BL_INLINE void pack_six_bits(const uint8_t values[16], uint8_t bytes[12]) {
  for (int j = 0; j < 8; j++) bytes[j] = (uint8_t)((values[j] & 15) | (values[j + 8] & 15) << 4);
  for (int j = 0; j < 4; j++) {
    bytes[8 + j] = (uint8_t)(values[j] >> 4 | values[j + 4] >> 4 << 2 | values[j + 8] >> 4 << 4 |
                             values[j + 12] >> 4 << 6);
  }
}

/// 32 bytes of third bits (bit r of byte j is that of weight j of run r of 32), 64 bytes of the lower two.
BL_INLINE void pack_three_bits(const uint8_t codes[bl_super_block], uint8_t *out) {
  for (int j = 0; j < 32; j++) {
    uint32_t bits = 0;
    for (int run = 0; run < 8; run++) bits |= (uint32_t)(codes[run * 32 + j] >> 2) << run;
    out[j] = (uint8_t)bits;
  }
  out += 32;
  BL_ONE_BY_ONE
  for (int half = 0; half < 2; half++, codes += 128, out += 32) {
    for (int j = 0; j < 32; j++) {
      out[j] = (uint8_t)((codes[j] & 3) | (codes[j + 32] & 3) << 2 | (codes[j + 64] & 3) << 4 |
                         (codes[j + 96] & 3) << 6);
    }
  }
}

/// How the codes found with the fit are kept for groups whose scale comes to 0: `step` bytes apart.
typedef struct {
  const uint8_t *first[16];
  size_t step;
} fitted_codes;

/// Sets a super-block whose scales have become `integers`, from 0 to 63; 1 of them stands for `unit`.
BL_INLINE void put_q3_K(const float *weights, const uint8_t integers[16], float unit,
                        const fitted_codes *fitted, uint8_t *out) {
  uint8_t codes[bl_super_block];
  pack_six_bits(integers, out + 96);
  bl_store_half(unit, out + 108);
  const float d = bl_load_half(out + 108);
  BL_ONE_BY_ONE
  for (int group = 0; group < 16; group++) {
    const float scale = d * (float)((int)integers[group] - 32);
    if (scale != 0) {
      const f32x16 scaled = *(const f32x16 *)(weights + 16 * group) / scale;
      bl_round_sixteen(&scaled, 4, true, codes + 16 * group);
    } else {
      BL_ONE_BY_ONE
      for (size_t j = 0; j < 16; j++) codes[(size_t)group * 16 + j] = fitted->first[group][j * fitted->step];
    }
  }
  pack_three_bits(codes, out);
}

// MARK: Q3_K without importance

/// How many vectors of groups are refined at once (each step waits for the one before, and this fills the
/// time); how many super-blocks are taken together, so that there are many to choose from.
enum { refined = 2, most = 32 };

/// Super-blocks that follow each other, and what is found for them. Most groups are settled by the first
/// rounding; the others are refined, sixteen to a vector in their turn.
typedef struct {
  const float *weights;
  int used;
  float scale[most * 16];
  uint16_t unsettled[most * 16], place[most * 16];  // groups' numbers; where their codes begin
  size_t unsettled_count;
  uint8_t codes[2 * most][16][bl_lanes];
} refinement;

/// Codes (less 4) on the scale that the peak gives.
BL_INLINE void round_first(const f32x16 *x, f32x16 *levels, bl_fit_sums *out, i32x16 *nothing) {
  f32x16 peak, magnitude;
  bl_find_peak(x, &peak, &magnitude);
  *nothing = magnitude < BL_NOTHING;
  const f32x16 inverse = -4.0f / peak;
  bl_fit_sums f = {0, 0};
  for (int j = 0; j < 16; j++) {
    const f32x16 w = x[j] * x[j];
    f32x16 l = inverse * x[j];
    bl_round_between(&l, -4, 3);
    l -= BL_ROUNDER;
    f.products += w * x[j] * l;
    f.squares += w * l * l;
    levels[j] = l;
  }
  *out = f;
}

/// The level that suits a weight best given the others, and the sums without it.
BL_INLINE void improve(const f32x16 *x, const f32x16 *w, const f32x16 *wx, const f32x16 *level,
                       const bl_fit_sums *f, f32x16 *improved, bl_fit_sums *others) {
  others->products = f->products - *wx * *level;
  others->squares = f->squares - *w * *level * *level;
  f32x16 l = *x * others->squares / others->products;
  bl_round_between(&l, -4, 3);
  *improved = l - BL_ROUNDER;
}

/// The groups in which a level may change. In the others none would.
BL_INLINE void find_unsettled(const f32x16 *x, const f32x16 *levels, const bl_fit_sums *f,
                              i32x16 *unsettled) {
  i32x16 any = 0;
  for (int j = 0; j < 16; j++) {
    f32x16 l;
    bl_fit_sums others;
    const f32x16 w = x[j] * x[j], wx = w * x[j];
    improve(x + j, &w, &wx, levels + j, f, &l, &others);
    any |= (others.products > 0) & (l != levels[j]);
  }
  *unsettled = any;
}

/// Changes one level after another as long as that makes the fit better, at most five times round. (A round
/// without a change would repeat itself, so no group need leave before the others.)
BL_INLINE void refine(const f32x16 x[refined][16], f32x16 levels[refined][16], bl_fit_sums f[refined]) {
  BL_LANES(f32x16) w[refined][16], wx[refined][16];
  for (int k = 0; k < refined; k++) {
    for (int j = 0; j < 16; j++) {
      w[k][j] = x[k][j] * x[k][j];
      wx[k][j] = w[k][j] * x[k][j];
    }
  }
  for (int round = 0; round < 5; round++) {
    i32x16 changed = 0;
    for (int j = 0; j < 16; j++) {
      f32x16 l[refined];
      bl_fit_sums g[refined];
      i32x16 better[refined], any = 0;
#pragma clang loop unroll(full)
      for (int k = 0; k < refined; k++) {
        improve(&x[k][j], &w[k][j], &wx[k][j], &levels[k][j], f + k, l + k, g + k);
        better[k] = (g[k].products > 0) & (l[k] != levels[k][j]);
        any |= better[k];
      }
      if (!__builtin_reduce_or(any)) continue;
#pragma clang loop unroll(full)
      for (int k = 0; k < refined; k++) {
        const f32x16 products = g[k].products + wx[k][j] * l[k];
        const f32x16 squares = g[k].squares + w[k][j] * l[k] * l[k];
        better[k] &= squares > 0;
        better[k] &= products * products * f[k].squares > f[k].products * f[k].products * squares;
        levels[k][j] = better[k] ? l[k] : levels[k][j];
        f[k].products = better[k] ? products : f[k].products;
        f[k].squares = better[k] ? squares : f[k].squares;
        changed |= better[k];
      }
    }
    if (!__builtin_reduce_or(changed)) break;
  }
}

/// The scale that goes with the levels, and the codes.
BL_INLINE void finish_fit(const f32x16 *levels, const bl_fit_sums *f, const i32x16 *nothing, f32x16 *scale,
                          uint8_t codes[16][bl_lanes]) {
  *scale = f->squares > 0 ? f->products / f->squares : (f32x16)0;
  *scale = *nothing ? (f32x16)0 : *scale;
  for (int j = 0; j < 16; j++) {
    const u32x16 code = (u32x16)(levels[j] + (BL_ROUNDER + 4)) & ~(u32x16)*nothing & 0xffu;
    *(u8x16 *)codes[j] = __builtin_convertvector(code, u8x16);
  }
}

/// Settles the groups that the first rounding settles, and lists the others.
BL_INLINE void fit_first(refinement *r) {
  r->unsettled_count = 0;
  BL_ONE_BY_ONE
  for (int s = 0; s < r->used; s++) {
    BL_LANES(f32x16) x[16], levels[16];
    f32x16 scale;
    i32x16 nothing, unsettled;
    bl_fit_sums f;
    bl_load_groups_of_16(r->weights + s * bl_super_block, x);
    round_first(x, levels, &f, &nothing);
    find_unsettled(x, levels, &f, &unsettled);
    finish_fit(levels, &f, &nothing, &scale, r->codes[s]);
    memcpy(r->scale + 16 * s, &scale, sizeof scale);
    unsettled &= ~nothing;
    for (int group = 0; group < 16; group++) {
      r->place[16 * s + group] = (uint16_t)(256 * s + group);
      r->unsettled[r->unsettled_count] = (uint16_t)(16 * s + group);
      r->unsettled_count += (size_t)(unsettled[group] & 1);
    }
  }
}

/// Refines the unsettled groups. (Past the last of them vectors are filled up with it.)
BL_INLINE void fit_unsettled(refinement *r) {
  const size_t count = r->unsettled_count;
  BL_ONE_BY_ONE
  for (size_t start = 0; start < count; start += refined * bl_lanes) {
    BL_LANES(f32x16) x[refined][16], levels[refined][16];
    f32x16 scale;
    i32x16 nothing[refined];
    bl_fit_sums f[refined];
    for (size_t k = 0; k < refined; k++) {
      const float *rows[bl_lanes];
      for (size_t l = 0; l < bl_lanes; l++) {
        const size_t i = start + k * bl_lanes + l, group = r->unsettled[i < count ? i : count - 1];
        rows[l] = r->weights + 16 * group;
      }
      bl_transpose(rows, x[k]);
      round_first(x[k], levels[k], f + k, nothing + k);
    }
    refine(x, levels, f);
    for (size_t k = 0; k < refined; k++) {
      const size_t first = start + k * bl_lanes, vector = most + first / bl_lanes;
      finish_fit(levels[k], f + k, nothing + k, &scale, r->codes[vector]);
      for (size_t l = 0; l < bl_lanes && first + l < count; l++) {
        r->scale[r->unsettled[first + l]] = scale[l];
        r->place[r->unsettled[first + l]] = (uint16_t)(256 * vector + l);
      }
    }
  }
}

BL_INLINE void put_refined(const refinement *r, int super_block, uint8_t *out) {
  const float *scales = r->scale + 16 * super_block;
  float peak = 0, magnitude = 0;
  for (int j = 0; j < 16; j++) {
    const float a = bl_magnitude(scales[j]);
    peak = a > magnitude ? scales[j] : peak;
    magnitude = a > magnitude ? a : magnitude;
  }
  const float inverse = -32.0f / peak;
  uint8_t integers[16];
  fitted_codes fitted = {.step = bl_lanes};
  for (int j = 0; j < 16; j++) {
    const int32_t l = (int8_t)bl_nearest(inverse * scales[j]);
    integers[j] = (uint8_t)(peak == 0 ? 0 : (l < -32 ? -32 : l > 31 ? 31 : l) + 32);
    fitted.first[j] = &r->codes[0][0][0] + r->place[16 * super_block + j];
  }
  put_q3_K(r->weights + super_block * bl_super_block, integers, peak == 0 ? 0 : 1.0f / inverse, &fitted, out);
}

BL_INLINE void encode_refined(const float *weights, size_t count, uint8_t *out) {
  BL_ONE_BY_ONE
  for (size_t first = 0; first < count; first += most) {
    refinement r;
    r.weights = weights + first * bl_super_block;
    r.used = count - first < most ? (int)(count - first) : most;
    fit_first(&r);
    fit_unsettled(&r);
    BL_ONE_BY_ONE
    for (int s = 0; s < r.used; s++, out += 110) put_refined(&r, s, out);
  }
}

// MARK: Q3_K with importance

/// What is found for a batch: by super-blocks and groups, scales, their weights, and how codes come about.
typedef struct {
  float scale[bl_lanes][16], weight[bl_lanes][16], inverse[bl_lanes][16], middle[bl_lanes][16];
} found;

BL_INLINE void fit_batch(const bl_blocks *batch, found *out) {
  f32x16 squares;
  bl_sum_squares(batch, &squares);
  squares = 2.0f * squares / (float)bl_super_block;
  memset(out, 0, sizeof *out);
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s++) {
    BL_LANES(f32x16) x[16], w[16];
    f32x16 weight = 0;
    bl_load_groups_of_16(batch->weights[s], x);
    bl_load_groups_of_16(batch->importance[s], w);
    const f32x16 spread = squares[s];
    bl_weigh(x, w, &spread, 16, w);
    for (int j = 0; j < 16; j++) weight += w[j];
    bl_scale_fit f;
    bl_search_scale(x, w, 4, &f);
    memcpy(out->scale[s], &f.scale, sizeof f.scale);
    memcpy(out->weight[s], &weight, sizeof weight);
    memcpy(out->inverse[s], &f.inverse, sizeof f.inverse);
    memcpy(out->middle[s], &f.middle, sizeof f.middle);
  }
}

/// The integers of all super-blocks' scales at once.
BL_INLINE void find_integers(const found *f, uint8_t integers[bl_lanes][16], float units[bl_lanes]) {
  const float *rows[bl_lanes], *weight_rows[bl_lanes];
  for (int s = 0; s < bl_lanes; s++) {
    rows[s] = f->scale[s];
    weight_rows[s] = f->weight[s];
  }
  BL_LANES(f32x16) x[16], w[16];
  bl_transpose(rows, x);
  bl_transpose(weight_rows, w);
  bl_scale_fit best;
  bl_search_scale(x, w, 32, &best);
  memcpy(units, &best.scale, sizeof best.scale);
  for (int j = 0; j < 16; j++) {
    f32x16 l = best.inverse * x[j];
    bl_round_between(&l, -32, 31);
    l = best.middle != 0 ? l - BL_ROUNDER + best.middle : (f32x16)0;
    for (int s = 0; s < bl_lanes; s++) integers[s][j] = (uint8_t)l[s];
  }
}

BL_INLINE void encode_weighted(const bl_blocks *batch, uint8_t *out) {
  found f;
  uint8_t integers[bl_lanes][16];
  float units[bl_lanes];
  fit_batch(batch, &f);
  find_integers(&f, integers, units);
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s++, out += 110) {
    uint8_t codes[bl_super_block];
    fitted_codes fitted = {.step = 1};
    BL_ONE_BY_ONE
    for (int j = 0; j < 16; j++) {
      const f32x16 scaled = f.inverse[s][j] * *(const f32x16 *)(batch->weights[s] + 16 * j);
      bl_round_sixteen(&scaled, 4, f.middle[s][j] != 0, codes + 16 * j);
      fitted.first[j] = codes + 16 * j;
    }
    put_q3_K(batch->weights[s], integers[s], units[s], &fitted, out);
  }
}

BL_KERNEL void bl_encode_q3_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  bl_remainder left = bl_begin(weights, importance, rows, row_length, bl_super_block);
  if (importance == NULL) {
    encode_refined(weights, left.blocks, out);
    return;
  }
  BL_ONE_BY_ONE
  for (; left.blocks > 0; out += bl_lanes * 110) {
    bl_blocks batch;
    bl_take_blocks(&left, bl_super_block, &batch);
    encode_weighted(&batch, out);
  }
}
