/// How the encoders of Q3_K and Q6_K fit a scale to each group, sixteen groups at a time: they round the
/// weights on a few slightly different scales and keep the one of least weighted error. Codes count from the
/// middle.
#ifndef BITLADDER_K_QUANTS_FIT_SCALE_H
#define BITLADDER_K_QUANTS_FIT_SCALE_H

#include "k_quants_search.h"

/// What sixteen groups are fitted with. The codes found with it are those of inverse * x, plus `middle`;
/// where that is 0 so are all codes.
typedef struct {
  f32x16 scale, inverse, middle;
} bl_scale_fit;

/// The first value of the greatest magnitude, and that. NaN doesn't count.
BL_INLINE void bl_find_peak(const f32x16 *x, f32x16 *peak, f32x16 *magnitude) {
  f32x16 first = 0, greatest = 0;
  for (int j = 0; j < 16; j++) {
    f32x16 a;
    bl_magnitudes(x + j, &a);
    first = a > greatest ? x[j] : first;
    greatest = a > greatest ? a : greatest;
  }
  *peak = first;
  *magnitude = greatest;
}

/// The sums of a weighted least-squares fit of codes to values.
typedef struct {
  f32x16 products, squares;
} bl_fit_sums;

/// The sums of the codes on a scale.
BL_INLINE void bl_add_up(const f32x16 *x, const f32x16 *w, const f32x16 *inverse, int middle,
                         bl_fit_sums *out) {
  bl_fit_sums f = {0, 0};
  for (int j = 0; j < 16; j++) {
    f32x16 l = *inverse * x[j];
    bl_round_between(&l, -middle, middle - 1);
    l -= BL_ROUNDER;
    f.products += w[j] * x[j] * l;
    f.squares += w[j] * l * l;
  }
  *out = f;
}

/// Sixteen values in each lane (a group's weights, or a super-block's scales), codes -middle to middle - 1.
BL_INLINE void bl_search_scale(const f32x16 *x, const f32x16 *w, int middle, bl_scale_fit *out) {
  f32x16 peak, magnitude;
  bl_find_peak(x, &peak, &magnitude);
  bl_fit_sums f;
  bl_scale_fit best = {.inverse = (float)-middle / peak, .middle = (float)middle};
  bl_add_up(x, w, &best.inverse, middle, &f);
  best.scale = f.squares != 0 ? f.products / f.squares : (f32x16)0;
  f32x16 gain = best.scale * f.products;
  for (int t = -9; t <= 9; t++) {
    if (t == 0) continue;
    const f32x16 inverse = -((float)middle + 0.1f * (float)t) / peak;
    bl_add_up(x, w, &inverse, middle, &f);
    const i32x16 better = (f.squares > 0) & (f.products * f.products > gain * f.squares);
    best.scale = better ? f.products / f.squares : best.scale;
    best.inverse = better ? inverse : best.inverse;
    gain = better ? best.scale * f.products : gain;
  }
  const i32x16 nothing = magnitude < BL_NOTHING;
  best.scale = nothing ? (f32x16)0 : best.scale;
  best.inverse = nothing ? (f32x16)0 : best.inverse;
  best.middle = nothing ? (f32x16)0 : best.middle;
  *out = best;
}

/// Sixteen weights' codes from 0 to 2 middle - 1, or, unless `present`, all 0.
BL_INLINE void bl_round_sixteen(const f32x16 *scaled, int middle, bool present, uint8_t *codes) {
  f32x16 code = *scaled;
  bl_round_between(&code, -middle, middle - 1);
  *(u8x16 *)codes = __builtin_convertvector(((u32x16)code + (uint32_t)middle) & (present ? 0xffu : 0), u8x16);
}

#endif
