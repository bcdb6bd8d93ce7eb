/// How the encoders of Q2_K, Q4_K and Q5_K fit a scale and a minimum to each group, many groups at a time:
/// they round the weights on a few slightly different scales, each time solve for the scale and minimum of
/// least weighted error given those codes, and keep the best.
#ifndef BITLADDER_K_QUANTS_FIT_MINIMUM_H
#define BITLADDER_K_QUANTS_FIT_MINIMUM_H

#include "k_quants_search.h"

/// How groups are fitted: `count` weights, codes up to `greatest`, scales such that the range has
/// greatest + low, greatest + low + step ... steps.
typedef struct {
  int count, greatest, last_try;
  float low, step;
  bool magnitudes;  // whether errors count by magnitude rather than squared
} bl_fit_plan;

/// What sixteen groups are fitted with. The codes found with it are those of inverse * (x - offset); where
/// inverse is 0 so are all codes.
typedef struct {
  f32x16 scale, minimum, weight, inverse, offset;
} bl_minimum_fit;

/// The same by super-blocks, 16 groups of 16 or 8 of 32 in each.
typedef struct {
  float scale[bl_lanes][16], minimum[bl_lanes][16], weight[bl_lanes][16];
  float inverse[bl_lanes][16], offset[bl_lanes][16];
} bl_minimum_fits;

/// How many vectors of groups are fitted at once: one waits for its sums while the other's are made.
enum { abreast = 2 };

/// A weight, how much it counts, and the code it has got; those of number k's weight j are at
/// [j * abreast + k]. (Side by side: with three arrays, each of 4,096 bytes, a load often has the low address
/// bits of a store just before it and waits.)
typedef struct {
  f32x16 x, w, code;
} item;

#define FOR_ALL_ABREAST _Pragma("clang loop unroll(full)") for (int k = 0; k < abreast; k++)

/// From 0 or less to the greatest.
BL_INLINE void find_range(const item *v, int count, f32x16 *least, f32x16 *most) {
  FOR_ALL_ABREAST least[k] = most[k] = v[k].x;
  for (int j = 1; j < count; j++) {
    FOR_ALL_ABREAST {
      const f32x16 value = v[j * abreast + k].x;
      least[k] = value < least[k] ? value : least[k];
      most[k] = value > most[k] ? value : most[k];
    }
  }
  FOR_ALL_ABREAST least[k] = least[k] > 0 ? (f32x16)0 : least[k];
}

BL_INLINE void sum_weights(const item *v, int count, f32x16 *sum_w, f32x16 *sum_x) {
  FOR_ALL_ABREAST {
    sum_w[k] = v[k].w;
    sum_x[k] = v[k].w * v[k].x;
  }
  for (int j = 1; j < count; j++) {
    FOR_ALL_ABREAST {
      sum_w[k] += v[j * abreast + k].w;
      sum_x[k] += v[j * abreast + k].w * v[j * abreast + k].x;
    }
  }
}

/// Sums over the weights and codes of a group.
typedef struct {
  f32x16 l, l2, xl;
} code_sums;

BL_INLINE void find_codes(item *v, const bl_fit_plan *p, const f32x16 *inverse, const f32x16 *offset,
                          code_sums *sums) {
  FOR_ALL_ABREAST sums[k].l = sums[k].l2 = sums[k].xl = 0;
  for (int j = 0; j < p->count; j++) {
    FOR_ALL_ABREAST {
      item *one = v + j * abreast + k;
      f32x16 code = inverse[k] * (one->x - offset[k]);
      bl_round_between(&code, 0, p->greatest);
      code -= BL_ROUNDER;
      const f32x16 wl = one->w * code;
      sums[k].l += wl;
      sums[k].l2 += wl * code;
      sums[k].xl += wl * one->x;
      one->code = code;
    }
  }
}

BL_INLINE void sum_errors(const item *v, const bl_fit_plan *p, const f32x16 *scale, const f32x16 *offset,
                          f32x16 *error) {
  FOR_ALL_ABREAST error[k] = 0;
  for (int j = 0; j < p->count; j++) {
    FOR_ALL_ABREAST {
      const item *one = v + j * abreast + k;
      f32x16 difference = scale[k] * one->code + offset[k] - one->x;
      if (p->magnitudes) {
        bl_magnitudes(&difference, &difference);
      } else {
        difference *= difference;
      }
      error[k] += one->w * difference;
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

BL_INLINE void fit_groups(item *v, const bl_fit_plan *p, bl_minimum_fit best[abreast]) {
  f32x16 sum_x[abreast], most[abreast], sum_w[abreast];
  f32x16 offset[abreast], first_offset[abreast], error[abreast];
  f32x16 inverse[abreast], new_scale[abreast], new_offset[abreast], new_error[abreast];
  i32x16 better[abreast];
  code_sums sums[abreast];
  sum_weights(v, p->count, sum_w, sum_x);
  find_range(v, p->count, offset, most);
  FOR_ALL_ABREAST {
    inverse[k] = (float)p->greatest / (most[k] - offset[k]);
    new_scale[k] = 1.0f / inverse[k];
    first_offset[k] = offset[k];
    best[k].scale = new_scale[k];
    best[k].weight = sum_w[k];
    best[k].inverse = inverse[k];
    best[k].offset = offset[k];
  }
  find_codes(v, p, inverse, offset, sums);
  sum_errors(v, p, new_scale, offset, error);
  for (int t = 0; t <= p->last_try; t++) {
    const float steps = p->low + p->step * (float)t + (float)p->greatest;
    FOR_ALL_ABREAST inverse[k] = steps / (most[k] - offset[k]);
    find_codes(v, p, inverse, offset, sums);
    FOR_ALL_ABREAST solve(sums + k, sum_w + k, sum_x + k, new_scale + k, new_offset + k, better + k);
    sum_errors(v, p, new_scale, new_offset, new_error);
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
BL_INLINE void load_groups(const bl_blocks *batch, int s, const bl_fit_plan *p, const float spread[bl_lanes],
                           f32x16 *x, f32x16 *w) {
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
  bl_weigh(x, w, &by_lane, p->count, w);
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
BL_INLINE void bl_fit_batch(const bl_blocks *batch, const bl_fit_plan *p, const float spread[bl_lanes],
                            bl_minimum_fits *out) {
  const int together = p->count == 32 ? 2 : 1;
  BL_ONE_BY_ONE
  for (int s = 0; s < batch->used; s += together * abreast) {
    BL_LANES(item) v[32 * abreast];
    bl_minimum_fit found[abreast];
    FOR_ALL_ABREAST {
      BL_LANES(f32x16) x[32], w[32];
      load_groups(batch, s + together * k, p, spread, x, w);
      for (int j = 0; j < p->count; j++) {
        v[j * abreast + k].x = x[j];
        v[j * abreast + k].w = w[j];
      }
    }
    fit_groups(v, p, found);
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

#endif
