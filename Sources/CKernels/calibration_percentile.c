#include "calibration.h"

/// A key that sorts as the weights do (or as their magnitudes); what isn't finite sorts last.
BL_INLINE void sortable(const float *w, bool magnitudes, u32x16 *key) {
  const u32x16 u = *(const u32x16 *)w, magnitude = u & 0x7fffffffu;
  u32x16 k = magnitude;
  if (!magnitudes) {
    const u32x16 flip = (u32x16)((i32x16)u >> 31) | 0x80000000u;
    k = u ^ flip;
  }
  *key = magnitude < BL_INFINITY_BITS ? k : (u32x16)0xffffffffu;
}

BL_INLINE double value_of(uint32_t key, bool magnitudes) {
  if (magnitudes) return bl_float(key);
  return bl_float(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

typedef struct {
  const float *weights;
  size_t whole;         // weights in whole runs of 16
  const float *rest;    // the others, padded with NaN
  bool magnitudes;
} view;

/// How many keys are under `limit`.
BL_INLINE size_t count_under(view v, uint32_t limit) {
  u32x16 lanes = 0, key;
  for (size_t i = 0; i <= v.whole; i += 16) {
    sortable(i < v.whole ? v.weights + i : v.rest, v.magnitudes, &key);
    lanes += key < limit ? (u32x16)1 : (u32x16)0;
  }
  return __builtin_reduce_add(lanes);
}

/// The least key at or over `limit`.
BL_INLINE uint32_t least_from(view v, uint32_t limit) {
  u32x16 lanes = 0xffffffffu, key;
  for (size_t i = 0; i <= v.whole; i += 16) {
    sortable(i < v.whole ? v.weights + i : v.rest, v.magnitudes, &key);
    lanes = __builtin_elementwise_min(lanes, key >= limit ? key : (u32x16)0xffffffffu);
  }
  return __builtin_reduce_min(lanes);
}

double bl_interpolate(double a, double b, double t) {
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/// The quantile of `count` finite weights: the key of rank floor(h), h = (count - 1) x share, is found bit
/// by bit, each time by counting the keys under a trial value.
BL_INLINE double quantile(view v, size_t count, double share) {
  const double h = (double)(count - 1) * share;
  const size_t rank = (size_t)h;
  uint32_t key = 0;
  for (int bit = 31; bit >= 0; bit--) {
    const uint32_t trial = key | (1u << bit);
    if (count_under(v, trial) <= rank) key = trial;
  }
  const double a = value_of(key, v.magnitudes);
  if (h == (double)rank) return a;
  const bool repeated = count_under(v, key + 1) > rank + 1;
  const double b = repeated ? a : value_of(least_from(v, key + 1), v.magnitudes);
  return bl_interpolate(a, b, h - (double)rank);
}

BL_KERNEL bl_range bl_search_percentile(const bl_integer_format *f, const float *weights,
                                        size_t count) {
  float rest[16];
  const size_t whole = count & ~(size_t)15;
  for (size_t i = 0; i < 16; i++) rest[i] = whole + i < count ? weights[whole + i] : __builtin_nanf("");
  const view v = {weights, whole, rest, !f->affine};
  const size_t finite = count_under(v, 0xffffffffu);
  bl_range range = {0, 0};
  if (finite == 0) return range;
  const float upper = (float)quantile(v, finite, f->percentile / 100);
  range.upper = upper > 0 ? upper : 0;
  if (f->affine) {
    const float lower = (float)quantile(v, finite, (100 - f->percentile) / 100);
    range.lower = lower < 0 ? lower : 0;
  }
  return range;
}
