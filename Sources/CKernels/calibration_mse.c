#include "calibration.h"
#include "grid.h"

enum { piece = 256 };

bl_range bl_mse_range(bl_range range, int32_t index) {
  if (index == 0) return range;
  const double share = (double)(bl_mse_grid - index) / bl_mse_grid;
  const bl_range candidate = {(float)(range.lower * share), (float)(range.upper * share)};
  return candidate;
}

typedef struct {
  float scale, lowest, highest;
} limits;

/// Adds the squared errors of finite weights (a multiple of 16) on a grid to eight lanes; stops, and
/// returns false, once their sum is over `limit`. The difference is taken in single precision: it is
/// exact unless a weight is clipped to less than half of itself, and then rounded once. Its square is
/// exact in double precision, so fusing it with the sum changes nothing but the speed.
BL_INLINE bool add_errors(limits l, const float *w, size_t count, double limit, f64x8 *sums) {
  f64x8 a = *sums;
  for (size_t start = 0; start < count; start += 64) {
    const size_t end = count - start < 64 ? count : start + 64;
    for (size_t i = start; i < end; i += 16) {
      const f32x16 v = *(const f32x16 *)(w + i);
      f32x16 t = v / l.scale;
      t = t > l.lowest ? t : (f32x16)l.lowest;
      t = t < l.highest ? t : (f32x16)l.highest;
      t = (t + BL_ROUNDER) - BL_ROUNDER;
      const f32x16 e = v - t * l.scale;
      const f64x8 x = __builtin_convertvector(e.lo, f64x8);
      const f64x8 y = __builtin_convertvector(e.hi, f64x8);
      {
#pragma clang fp contract(on)
        a = x * x + a;
        a = y * y + a;
      }
    }
    if (bl_sum_lanes(&a) > limit) return false;
  }
  *sums = a;
  return true;
}

/// The sum of squared errors of a candidate, in `*sum`, or false once it is over `limit`.
/// `finite`: all weights are; otherwise those that aren't are passed over.
BL_INLINE bool candidate_error(const bl_integer_format *f, bl_range range, const float *w, size_t count,
                               bool finite, double limit, double *sum) {
  const bl_grid grid = bl_make_grid(f, range);
  const limits l = {grid.scale, (float)(bl_lowest_code(f) - grid.zero_point),
                    (float)(bl_highest_code(f) - grid.zero_point)};
  f64x8 sums = 0;
  size_t i = 0;
  if (finite) {
    i = count & ~(size_t)15;
    if (!add_errors(l, w, i, limit, &sums)) return false;
  }
  // Copies in which what doesn't count is zero, and so has no error.
  while (i < count) {
    float kept[piece] = {0};
    const size_t n = count - i < piece ? count - i : piece;
    for (size_t j = 0; j < n; j++) kept[j] = bl_is_finite(w[i + j]) ? w[i + j] : 0;
    if (!add_errors(l, kept, (n + 15) & ~(size_t)15, limit, &sums)) return false;
    i += n;
  }
  *sum = bl_sum_lanes(&sums);
  return *sum <= limit;
}

/// The squared errors that clipping to -lower...upper alone makes, in single precision (16 lanes: within
/// 10^-4 for up to 2^16 weights).
BL_INLINE float clipped_error(const float *w, size_t count, float lower, float upper) {
  f32x16 sum = 0;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    const f32x16 over = v - upper, under = -lower - v;
    f32x16 e = over > under ? over : under;
    e = e > 0 ? e : (f32x16)0;
    sum += e * e;
  }
  float total = 0;
  for (int i = 0; i < 16; i++) total += sum[i];
  return total;
}

/// True if no candidate from `index` on can have an error as small as `best`, because what it would clip is
/// more: off the extreme weight, or (where they are whole runs of finite weights) off all of them. The bounds allow for the rounding of scales (at most 2^-8 of them, where
/// they aren't subnormal) and of the zero point (half a step).
BL_INLINE bool is_hopeless(const bl_integer_format *f, bl_range range, int32_t index, double best,
                            const float *w, size_t count) {
  const double lower = -(double)range.lower, upper = range.upper;
  const double share = (double)(bl_mse_grid - index) / bl_mse_grid;
  const double highest = bl_highest_code(f), slack = 1 + 0x1p-8;
  const double extent = f->affine ? lower + upper : lower > upper ? lower : upper;
  if (extent / highest * 0.2 < (f->scale_type == bl_scale_f16 ? 0x1p-14 : 0x1p-120)) return false;
  double kept_lower, kept_upper;
  if (f->affine) {
    kept_upper = share * (extent * slack * (highest + 0.501) / highest - lower);
    kept_lower = share * (lower + extent * slack * 0.501 / highest);
  } else {
    kept_upper = share * extent * slack;
    kept_lower = kept_upper * (highest + 1) / highest;
  }
  const double a = upper - kept_upper, b = lower - kept_lower;
  const double clipped = a > b ? a : b;
  if (clipped <= 0) return false;
  if (clipped * clipped * 0.999 > best) return true;
  if (!w || extent > 1e12 || extent < 1e-12 || index % 2 != 0) return false;
  const float all = clipped_error(w, count, (float)(kept_lower * slack), (float)(kept_upper * slack));
  return all * 0.999 > best;
}

BL_KERNEL bl_range bl_search_mse(const bl_integer_format *f, bl_range range, const float *weights,
                                 size_t count) {
  const bool finite = bl_all_finite(weights, count);
  const float *bounded = finite && count % 16 == 0 && count <= 1 << 16 ? weights : NULL;
  double best = __builtin_inf();
  bl_range best_range = range;
  for (int32_t k = 0; k < bl_mse_candidates; k++) {
    const bl_range candidate = bl_mse_range(range, k);
    double sum;
    if (candidate_error(f, candidate, weights, count, finite, best, &sum) && sum < best) {
      best = sum;
      best_range = candidate;
    }
    if (is_hopeless(f, range, k + 1, best, bounded, count)) break;
  }
  return best_range;
}

BL_KERNEL void bl_mse_errors(const bl_integer_format *f, bl_range range, const float *weights,
                             size_t count, double *sums) {
  const bool finite = bl_all_finite(weights, count);
  for (int32_t k = 0; k < bl_mse_candidates; k++) {
    double sum = 0;
    candidate_error(f, bl_mse_range(range, k), weights, count, finite, __builtin_inf(), &sum);
    sums[k] += sum;
  }
}
