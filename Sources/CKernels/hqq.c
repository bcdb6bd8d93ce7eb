// The solver of HQQ (Badri and Shaji 2023), for each group by itself; HQQCodec.swift has the definition.
#include "bl_hqq.h"

#include "ggml_block.h"
#include "grid.h"

enum { iterations = 20, piece = 256, lanes = 16 };

/// The inverse scale of the solver, and the least and greatest code.
typedef struct {
  float scale, inverse, top;
} steps;

/// Errors below this are shrunk to nothing, whatever beta is: |x| - |x|^-0.3 / beta is negative for them.
#define UNTOUCHED 0.125f

/// x^-0.3 for normal x > 0, within some units of the last place, the same on every processor.
BL_INLINE void power_of_minus_0_3(const f32x16 *value, f32x16 *result) {
  const u32x16 bits = (u32x16)*value;
  // x = m 2^e with m in sqrt(1/2)...sqrt(2); log2 m by the series of the inverse hyperbolic tangent.
  const u32x16 shifted = bits - 0x3f3504f3u;
  const f32x16 e = __builtin_convertvector((i32x16)shifted >> 23, f32x16);
  const f32x16 m = (f32x16)((shifted & 0x007fffffu) + 0x3f3504f3u);
  const f32x16 s = (m - 1) / (m + 1), q = s * s;
  const f32x16 series = 1 + q * (1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9))));
  const f32x16 y = -0.3f * (e + s * series * 2.88539008f);
  // 2^y, by its Taylor series around the nearest whole number.
  const f32x16 whole = (y + BL_ROUNDER) - BL_ROUNDER;
  const f32x16 f = (y - whole) * 0.693147181f;
  const f32x16 head = 1.0f / 24 + f * (1.0f / 120 + f * (1.0f / 720 + f * (1.0f / 5040)));
  const f32x16 fraction = 1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * head)));
  const i32x16 exponent = __builtin_convertvector(whole, i32x16);
  *result = fraction * (f32x16)((exponent + 127) << 23);
}

/// The shrinking operator: sign(x) max(0, |x| - |x|^(p - 1) / beta), p = 0.7.
BL_INLINE void shrink(f32x16 *x, float beta) {
  const f32x16 magnitude = (f32x16)((u32x16)*x & 0x7fffffffu);
  const f32x16 bounded = magnitude > UNTOUCHED ? magnitude : (f32x16)UNTOUCHED;
  f32x16 power;
  power_of_minus_0_3(&bounded, &power);
  f32x16 rest = magnitude - (1 / beta) * power;
  rest = rest > 0 ? rest : (f32x16)0;
  rest = magnitude > UNTOUCHED ? rest : (f32x16)0;
  *x = (f32x16)((u32x16)rest | ((u32x16)*x & 0x80000000u));
}

/// What one pass over a piece adds up.
typedef struct {
  f32x16 error;   // |w - r|
  f32x16 zero;    // q - (w - shrunk error) x inverse
  f32x16 widest;  // the greatest |w - r|
} sums;

/// One step of the solver over up to `piece` weights; weights that aren't finite don't count.
BL_INLINE void add_piece(steps g, float zero, float beta, bool shrinks, const float *w, size_t count,
                         sums *sum) {
  sums s = {0, 0, 0};
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v = __builtin_nanf("");
    if (count - i >= lanes) {
      v = *(const f32x16 *)(w + i);
    } else {
      memcpy(&v, w + i, (count - i) * sizeof *w);
    }
    const i32x16 counts = ((u32x16)v & 0x7fffffffu) < BL_INFINITY_BITS;
    v = counts ? v : (f32x16)0;
    f32x16 q = v * g.inverse + zero;
    q = q > 0 ? q : (f32x16)0;
    q = q < g.top ? q : (f32x16)g.top;
    q = (q + BL_ROUNDER) - BL_ROUNDER;
    f32x16 e = v - (q - zero) * g.scale;
    const f32x16 magnitude = counts ? (f32x16)((u32x16)e & 0x7fffffffu) : (f32x16)0;
    s.error += magnitude;
    s.widest = magnitude > s.widest ? magnitude : s.widest;
    if (shrinks) {
      shrink(&e, beta);
      v -= e;
    }
    s.zero += counts ? q - v * g.inverse : (f32x16)0;
  }
  *sum = s;
}

BL_INLINE double total(const f32x16 *v) {
  const f64x8 both = __builtin_convertvector(v->lo, f64x8) + __builtin_convertvector(v->hi, f64x8);
  return bl_sum_lanes(&both);
}

/// A zero point as it reads back.
BL_INLINE float stored(float zero, int32_t scale_type) {
  return zero < 0 ? -bl_round_scale(-zero, scale_type) : bl_round_scale(zero, scale_type);
}

BL_INLINE steps steps_of(const bl_integer_format *f, float scale) {
  const steps g = {scale, 1 / scale, (float)((1 << f->bits) - 1)};
  return g;
}

BL_INLINE bl_hqq_grid search(const bl_integer_format *f, const float *w, size_t count) {
  float least = __builtin_inff(), greatest = -__builtin_inff();
  size_t finite = 0;
  for (size_t i = 0; i < count; i++) {
    const bool counts = bl_is_finite(w[i]);
    least = counts && w[i] < least ? w[i] : least;
    greatest = counts && w[i] > greatest ? w[i] : greatest;
    finite += counts;
  }
  if (finite == 0) least = greatest = 0;
  const float extent = greatest - least, top = (float)((1 << f->bits) - 1);
  float inverse = extent <= 1e-4f ? 1 : top / extent;
  inverse = inverse < 2e4f ? inverse : 2e4f;
  const steps g = steps_of(f, bl_round_scale(1 / inverse, f->scale_type));

  float zero = -least * g.inverse, best_zero = zero, beta = 10;
  float best = 1e4f;
  for (int i = 0; i < iterations && finite > 0; i++) {
    double error = 0, sum = 0;
    BL_ONE_BY_ONE
    for (size_t start = 0; start < count; start += piece) {
      const size_t n = count - start < piece ? count - start : piece;
      sums s;
      add_piece(g, zero, beta, false, w + start, n, &s);
      if (__builtin_reduce_max(s.widest) > UNTOUCHED) add_piece(g, zero, beta, true, w + start, n, &s);
      error += total(&s.error);
      sum += total(&s.zero);
    }
    const float mean = (float)(error / (double)finite);
    if (!(mean < best)) {
      zero = best_zero;
      break;
    }
    best = mean;
    best_zero = zero;
    zero = (float)(sum / (double)finite);
    beta *= 1.01f;
  }
  const bl_hqq_grid grid = {g.scale, stored(zero, f->scale_type)};
  return grid;
}

/// The place of a weight on its grid.
BL_INLINE float code_of(steps g, float zero, float w) {
  float q = (w == w ? w : 0) * g.inverse + zero;
  q = q > 0 ? q : 0;
  q = q < g.top ? q : g.top;
  return bl_rint(q);
}

BL_KERNEL bl_hqq_grid bl_hqq_search(const bl_integer_format *format, const float *weights, size_t count) {
  return search(format, weights, count);
}

BL_KERNEL void bl_hqq_reconstruct_row(const bl_integer_format *format, const float *weights, size_t count,
                                      size_t group, float *restrict out) {
  BL_ONE_BY_ONE
  for (size_t start = 0; start < count; start += group) {
    const size_t n = count - start < group ? count - start : group;
    const bl_hqq_grid grid = search(format, weights + start, n);
    const steps g = steps_of(format, grid.scale);
    for (size_t i = start; i < start + n; i++) {
      out[i] = (code_of(g, grid.zero_point, weights[i]) - grid.zero_point) * grid.scale;
    }
  }
}

BL_KERNEL void bl_hqq_codes(const bl_integer_format *format, bl_hqq_grid grid, const float *weights,
                            size_t count, uint8_t *restrict codes) {
  const steps g = steps_of(format, grid.scale);
  for (size_t i = 0; i < count; i++) {
    codes[i] = (uint8_t)(int32_t)code_of(g, grid.zero_point, weights[i]);
  }
}

BL_KERNEL void bl_hqq_decode(bl_hqq_grid grid, const uint8_t *codes, size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = ((float)codes[i] - grid.zero_point) * grid.scale;
}
