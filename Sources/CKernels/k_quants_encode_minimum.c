// Encoding of Q2_K, Q4_K, Q5_K: groups with a scale and a minimum. (Layouts: k_quants_decode.c.)
//
// Groups are fitted sixteen at a time. A fit rounds the weights on a few slightly different scales, each time
// solves for the scale and minimum of least weighted error given those codes, and keeps the best. Then the
// scales and minimums of the super-block become small integers, and the weights are rounded again on what
// those give.
#include "k_quants_search.h"

/// How groups are fitted: `count` weights, codes up to `greatest`, scales such that the range has
/// greatest + low, greatest + low + step ... steps.
typedef struct {
  int count, greatest, tries;
  float low, step;
  bool magnitudes;  // whether errors count by magnitude rather than squared
} plan;

/// What sixteen groups are fitted with. The codes found with it are those of inverse * (x - offset).
typedef struct {
  f32x16 scale, minimum, weight, inverse, offset;
} fit;

/// The same by super-blocks, 16 groups of 16 or 8 of 32 in each.
typedef struct {
  float scale[bl_lanes][16], minimum[bl_lanes][16], weight[bl_lanes][16];
  float inverse[bl_lanes][16], offset[bl_lanes][16];
} fits;

// MARK: Fitting groups

/// How many vectors of groups are fitted at once: one waits for its sums while the other's are made. Number k's
/// weight j is at [j * abreast + k].
enum { abreast = 2, most_weights = 32 * abreast };

#define FOR_ALL_ABREAST _Pragma("clang loop unroll(full)") for (int k = 0; k < abreast; k++)

/// From 0 or less to the greatest.
BL_INLINE void find_range(const f32x16 *x, int count, f32x16 *least, f32x16 *most) {
  FOR_ALL_ABREAST least[k] = most[k] = x[k];
  for (int j = 1; j < count; j++) {
    FOR_ALL_ABREAST {
      const f32x16 value = x[j * abreast + k];
      least[k] = value < least[k] ? value : least[k];
      most[k] = value > most[k] ? value : most[k];
    }
  }
  FOR_ALL_ABREAST least[k] = least[k] > 0 ? (f32x16)0 : least[k];
}

BL_INLINE void sum_weights(const f32x16 *x, const f32x16 *w, int count, f32x16 *sum_w, f32x16 *sum_x) {
  FOR_ALL_ABREAST {
    sum_w[k] = w[k];
    sum_x[k] = w[k] * x[k];
  }
  for (int j = 1; j < count; j++) {
    FOR_ALL_ABREAST {
      sum_w[k] += w[j * abreast + k];
      sum_x[k] += w[j * abreast + k] * x[j * abreast + k];
    }
  }
}

/// Sums over the weights and codes of a group.
typedef struct {
  f32x16 l, l2, xl;
} code_sums;

BL_INLINE void find_codes(const f32x16 *x, const f32x16 *w, const plan *p, const f32x16 *inverse,
                          const f32x16 *offset, f32x16 *codes, code_sums *sums) {
  FOR_ALL_ABREAST sums[k].l = sums[k].l2 = sums[k].xl = 0;
  for (int j = 0; j < p->count; j++) {
    FOR_ALL_ABREAST {
      const int i = j * abreast + k;
      f32x16 code = inverse[k] * (x[i] - offset[k]);
      bl_round_between(&code, 0, p->greatest);
      code -= BL_ROUNDER;
      const f32x16 wl = w[i] * code;
      sums[k].l += wl;
      sums[k].l2 += wl * code;
      sums[k].xl += wl * x[i];
      codes[i] = code;
    }
  }
}

BL_INLINE void sum_errors(const f32x16 *x, const f32x16 *w, const f32x16 *codes, const plan *p,
                          const f32x16 *scale, const f32x16 *offset, f32x16 *error) {
  FOR_ALL_ABREAST error[k] = 0;
  for (int j = 0; j < p->count; j++) {
    FOR_ALL_ABREAST {
      const int i = j * abreast + k;
      f32x16 difference = scale[k] * codes[i] + offset[k] - x[i];
      if (p->magnitudes) {
        bl_magnitudes(&difference, &difference);
      } else {
        difference *= difference;
      }
      error[k] += w[i] * difference;
    }
  }
}

/// The scale and offset of least squared error for given codes. If there are none, `solved` is 0.
BL_INLINE void solve(const code_sums *sums, const f32x16 *sum_w, const f32x16 *sum_x, f32x16 *scale,
                     f32x16 *offset, i32x16 *solved) {
  const f32x16 divisor = *sum_w * sums->l2 - sums->l * sums->l;
  const f32x16 a = (*sum_w * sums->xl - *sum_x * sums->l) / divisor;
  const f32x16 b = (sums->l2 * *sum_x - sums->l * sums->xl) / divisor;
  *scale = b > 0 ? sums->xl / sums->l2 : a;
  *offset = b > 0 ? (f32x16)0 : b;
  *solved = divisor > 0;
}

BL_INLINE void fit_groups(const f32x16 *x, const f32x16 *w, const plan *p, fit best[abreast]) {
  BL_ALIGNED f32x16 codes[most_weights];
  f32x16 sum_x[abreast], most[abreast], sum_w[abreast];
  f32x16 offset[abreast], first_offset[abreast], error[abreast];
  f32x16 inverse[abreast], new_scale[abreast], new_offset[abreast], new_error[abreast];
  i32x16 better[abreast];
  code_sums sums[abreast];
  sum_weights(x, w, p->count, sum_w, sum_x);
  find_range(x, p->count, offset, most);
  FOR_ALL_ABREAST {
    inverse[k] = (float)p->greatest / (most[k] - offset[k]);
    new_scale[k] = 1.0f / inverse[k];
    first_offset[k] = offset[k];
    best[k] = (fit){.scale = new_scale[k], .weight = sum_w[k], .inverse = inverse[k], .offset = offset[k]};
  }
  find_codes(x, w, p, inverse, offset, codes, sums);
  sum_errors(x, w, codes, p, new_scale, offset, error);
  for (int t = 0; t <= p->tries; t++) {
    const float steps = p->low + p->step * (float)t + (float)p->greatest;
    FOR_ALL_ABREAST inverse[k] = steps / (most[k] - offset[k]);
    find_codes(x, w, p, inverse, offset, codes, sums);
    FOR_ALL_ABREAST solve(sums + k, sum_w + k, sum_x + k, new_scale + k, new_offset + k, better + k);
    sum_errors(x, w, codes, p, new_scale, new_offset, new_error);
    FOR_ALL_ABREAST {
      better[k] &= new_error[k] < error[k];
      error[k] = better[k] ? new_error[k] : error[k];
      best[k].scale = better[k] ? new_scale[k] : best[k].scale;
      best[k].inverse = better[k] ? inverse[k] : best[k].inverse;
      best[k].offset = better[k] ? offset[k] : best[k].offset;
      offset[k] = better[k] ? new_offset[k] : offset[k];  // the next try starts from it
    }
  }
  FOR_ALL_ABREAST {
    const i32x16 flat = most[k] <= first_offset[k];
    best[k].minimum = flat ? -first_offset[k] : -offset[k];
    best[k].scale = flat ? (f32x16)0 : best[k].scale;
    best[k].inverse = flat ? (f32x16)0 : best[k].inverse;
  }
}

/// Without importance a weight counts by its magnitude, plus, in groups of 32, the group's root mean square.
BL_INLINE void weigh_plainly(const f32x16 *x, int count, f32x16 *w) {
  f32x16 average = 0;
  if (count == 32) {
    f32x16 squares = 0;
    for (int j = 0; j < count; j++) squares += x[j] * x[j];
    average = __builtin_elementwise_sqrt(squares / 32.0f);
  }
  for (int j = 0; j < count; j++) {
    f32x16 magnitude;
    bl_magnitudes(x + j, &magnitude);
    w[j] = count == 32 ? average + magnitude : magnitude;
  }
}

/// The weights, and how much they count, of the groups of super-block `s` (in groups of 32, and of the next).
/// `spread` has what is added to each square where there is importance.
BL_INLINE void load_groups(const bl_batch *batch, int s, const plan *p, const float spread[bl_lanes], f32x16 *x,
                           f32x16 *w) {
  if (p->count == 32) {
    bl_load_groups_of_32(batch->weights[s], batch->weights[s + 1], x);
  } else {
    bl_load_groups_of_16(batch->weights[s], x);
  }
  if (spread == NULL) {
    weigh_plainly(x, p->count, w);
    return;
  }
  f32x16 by_lane = spread[s];
  if (p->count == 32) {
    for (int l = 8; l < bl_lanes; l++) by_lane[l] = spread[s + 1];
    bl_load_groups_of_32(batch->importance[s], batch->importance[s + 1], w);
  } else {
    bl_load_groups_of_16(batch->importance[s], w);
  }
  bl_weigh(x, &by_lane, p->count, w);
}

/// Keeps what was found for one super-block's groups, or for two's.
BL_INLINE void keep(const f32x16 *values, int count, float out[][16]) {
  float lanes[bl_lanes];
  memcpy(lanes, values, sizeof lanes);
  if (count == 32) {
    memcpy(out[0], lanes, 8 * sizeof *lanes);
    memcpy(out[1], lanes + 8, 8 * sizeof *lanes);
  } else {
    memcpy(out[0], lanes, sizeof lanes);
  }
}

/// Fits the groups of a batch. (Its size is a multiple of how many super-blocks are fitted at once.)
BL_INLINE void fit_batch(const bl_batch *batch, const plan *p, const float spread[bl_lanes], fits *out) {
  const int together = p->count == 32 ? 2 : 1;
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s += together * abreast) {
    BL_ALIGNED f32x16 x[most_weights], w[most_weights];
    fit found[abreast];
    FOR_ALL_ABREAST {
      BL_ALIGNED f32x16 one[32], counts[32];
      load_groups(batch, s + together * k, p, spread, one, counts);
      for (int j = 0; j < p->count; j++) {
        x[j * abreast + k] = one[j];
        w[j * abreast + k] = counts[j];
      }
    }
    fit_groups(x, w, p, found);
    FOR_ALL_ABREAST {
      const int first = s + together * k;
      keep(&found[k].scale, p->count, out->scale + first);
      keep(&found[k].minimum, p->count, out->minimum + first);
      keep(&found[k].weight, p->count, out->weight + first);
      keep(&found[k].inverse, p->count, out->inverse + first);
      keep(&found[k].offset, p->count, out->offset + first);
    }
  }
}

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
  BL_ALIGNED f32x16 x[16], w[16], levels[16];
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

BL_INLINE void make_integers(const float values[bl_lanes][16], const fits *f, const plan *p, int greatest,
                             bool search, integers *out) {
  const int count = bl_super_block / p->count;
  if (search) {
    search_integers(values, f->weight, count, greatest, out);
  } else {
    for (int s = 0; s < bl_lanes; s++) {
      round_integers(values[s], count, greatest, out->values[s], out->unit + s);
    }
  }
}

// MARK: Codes

/// Sixteen weights' codes: those of (x + minimum) / scale, or, where the scale is 0, those found with the fit.
BL_INLINE void round_sixteen(const float *w, const bl_scale_pair *pair, float inverse, float offset, int greatest,
                             uint8_t *codes) {
  const f32x16 x = *(const f32x16 *)w;
  f32x16 code = pair->scale != 0 ? (x + pair->minimum) / pair->scale : inverse * (x - offset);
  bl_round_between(&code, 0, greatest);
  *(u8x16 *)codes = __builtin_convertvector((u32x16)code & 0xffu, u8x16);
}

BL_INLINE void round_weights(const float *weights, const bl_scale_pair *pairs, const fits *f, int super_block,
                             const plan *p, uint8_t codes[bl_super_block]) {
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

/// What a batch's encoding has found before codes are rounded.
typedef struct {
  fits fit;
  integers scales, minimums;
} findings;

/// `factor` times the mean square is what is added to squares where there is importance.
BL_INLINE void find_all(const bl_batch *batch, const plan *p, bool search, float factor, int greatest_scale,
                        findings *out) {
  float spread[bl_lanes];
  if (search) {
    f32x16 squares;
    bl_sum_squares(batch, &squares);
    squares = factor * squares / (float)bl_super_block;
    memcpy(spread, &squares, sizeof spread);
  }
  memset(out, 0, sizeof *out);
  fit_batch(batch, p, search ? spread : NULL, &out->fit);
  make_integers(out->fit.scale, &out->fit, p, greatest_scale, search, &out->scales);
  make_integers(out->fit.minimum, &out->fit, p, greatest_scale, search, &out->minimums);
}

BL_INLINE void put_q2_K(const bl_batch *batch, const plan *p, const findings *found, uint8_t *out) {
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
BL_INLINE void put_q45_K(const bl_batch *batch, const plan *p, const findings *found, bool limited,
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

BL_KERNEL BL_WHOLE_VECTORS void bl_encode_q2_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  static const plan plain = {16, 3, 15, -0.5f, 0.1f, true}, weighted = {16, 3, 36, -0.9f, 0.05f, false};
  const size_t per_row = row_length / bl_super_block, count = rows * per_row;
  BL_ONE_BY_ONE
  for (size_t first = 0; first < count; first += bl_lanes, out += bl_lanes * 84) {
    bl_batch batch;
    findings found;
    bl_take_batch(weights, importance, first, count, per_row, &batch);
    if (importance == NULL) {
      find_all(&batch, &plain, false, 1, 15, &found);
    } else {
      find_all(&batch, &weighted, true, 1, 15, &found);
    }
    put_q2_K(&batch, &plain, &found, out);
  }
}

BL_KERNEL BL_WHOLE_VECTORS void bl_encode_q4_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  static const plan plain = {32, 15, 20, -1, 0.1f, false}, weighted = {32, 15, 36, -0.9f, 0.05f, false};
  const size_t per_row = row_length / bl_super_block, count = rows * per_row;
  BL_ONE_BY_ONE
  for (size_t first = 0; first < count; first += bl_lanes, out += bl_lanes * 144) {
    bl_batch batch;
    findings found;
    bl_take_batch(weights, importance, first, count, per_row, &batch);
    if (importance == NULL) {
      find_all(&batch, &plain, false, 2, 63, &found);
    } else {
      find_all(&batch, &weighted, true, 2, 63, &found);
    }
    put_q45_K(&batch, &plain, &found, importance == NULL, out);
  }
}

BL_KERNEL BL_WHOLE_VECTORS void bl_encode_q5_K(const float *restrict weights, const float *restrict importance, size_t rows,
                              size_t row_length, uint8_t *restrict out) {
  static const plan plain = {32, 31, 15, -0.5f, 0.1f, false}, weighted = {32, 31, 36, -0.9f, 0.05f, false};
  const size_t per_row = row_length / bl_super_block, count = rows * per_row;
  BL_ONE_BY_ONE
  for (size_t first = 0; first < count; first += bl_lanes, out += bl_lanes * 176) {
    bl_batch batch;
    findings found;
    bl_take_batch(weights, importance, first, count, per_row, &batch);
    if (importance == NULL) {
      find_all(&batch, &plain, false, 2, 63, &found);
    } else {
      find_all(&batch, &weighted, true, 2, 63, &found);
    }
    put_q45_K(&batch, &plain, &found, true, out);
  }
}
