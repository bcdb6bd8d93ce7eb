/// Ranges of groups and the grids that follow from them.
#ifndef BITLADDER_GRID_H
#define BITLADDER_GRID_H

#include "bl_integer.h"
#include "half.h"
#include "kernel.h"

/// The least and greatest code.
BL_INLINE int32_t bl_lowest_code(const bl_integer_format *f) {
  return f->affine ? 0 : -(1 << (f->bits - 1));
}

BL_INLINE int32_t bl_highest_code(const bl_integer_format *f) {
  return f->affine ? (1 << f->bits) - 1 : (1 << (f->bits - 1)) - 1;
}

/// Rounds |x| < 2^22 to an integer, ties to even; larger values and NaN come out as they are or clipped
/// by the caller.
BL_INLINE float bl_rint(float x) { return (x + BL_ROUNDER) - BL_ROUNDER; }

BL_INLINE bl_grid bl_make_grid(const bl_integer_format *f, bl_range range) {
  const float highest = (float)bl_highest_code(f);
  bl_grid grid = {0, 0};
  if (!f->affine) {
    const float limit = -range.lower > range.upper ? -range.lower : range.upper;
    grid.scale = bl_round_scale(limit / highest, f->scale_type);
    return grid;
  }
  grid.scale = bl_round_scale((range.upper - range.lower) / highest, f->scale_type);
  if (grid.scale > 0) {
    const float zero = -range.lower / grid.scale;
    grid.zero_point = (int32_t)bl_rint(zero < highest ? zero : highest);
  }
  return grid;
}

/// The slow way: only finite weights count.
BL_INLINE bl_range bl_masked_range(const float *w, size_t count) {
  bl_range range = {0, 0};
  for (size_t i = 0; i < count; i++) {
    if (!bl_is_finite(w[i])) continue;
    if (w[i] < range.lower) range.lower = w[i];
    if (w[i] > range.upper) range.upper = w[i];
  }
  return range;
}

/// The least and greatest finite weight, widened to hold 0. NaN fails both comparisons and drops out.
BL_INLINE bl_range bl_group_range(const float *w, size_t count) {
  f32x16 lower = 0, upper = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    lower = v < lower ? v : lower;
    upper = v > upper ? v : upper;
  }
  bl_range range = {__builtin_reduce_min(lower), __builtin_reduce_max(upper)};
  for (; i < count; i++) {
    range.lower = w[i] < range.lower ? w[i] : range.lower;
    range.upper = w[i] > range.upper ? w[i] : range.upper;
  }
  if (bl_is_finite(range.lower) && bl_is_finite(range.upper)) return range;
  return bl_masked_range(w, count);
}

/// The greatest finite magnitude, as a range.
BL_INLINE bl_range bl_group_magnitude(const float *w, size_t count) {
  u32x16 greatest = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const u32x16 v = *(const u32x16 *)(w + i) & 0x7fffffffu;
    greatest = __builtin_elementwise_max(greatest, v);
  }
  uint32_t limit = __builtin_reduce_max(greatest);
  for (; i < count; i++) {
    const uint32_t v = bl_bits(w[i]) & 0x7fffffffu;
    limit = v > limit ? v : limit;
  }
  if (limit >= BL_INFINITY_BITS) return bl_masked_range(w, count);
  const bl_range range = {0, bl_float(limit)};
  return range;
}

#endif
