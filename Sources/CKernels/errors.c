#include "bl_errors.h"

#include "kernel.h"

enum { block = 512 };

typedef struct {
  f64x8 squared_error[2], squares[2], squares_reconstructed[2], products[2], max_error[2];
} lanes;

/// Adds finite pairs; `count` is a multiple of 16. The squares of single-precision values are exact in
/// double precision, so fusing their product with the sum changes nothing but the speed; the error's
/// square may be inexact and isn't fused.
BL_INLINE void add_block(const float *w, const float *r, size_t count, lanes *sums) {
  lanes s = *sums;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 wv = *(const f32x16 *)(w + i), rv = *(const f32x16 *)(r + i);
#pragma clang loop unroll(full)
    for (int h = 0; h < 2; h++) {
      const f64x8 a = __builtin_convertvector(h ? wv.hi : wv.lo, f64x8);
      const f64x8 b = __builtin_convertvector(h ? rv.hi : rv.lo, f64x8);
      const f64x8 e = a - b;
      const f64x8 magnitude = __builtin_elementwise_abs(e);
      s.squared_error[h] += e * e;
      s.max_error[h] = magnitude > s.max_error[h] ? magnitude : s.max_error[h];
      {
#pragma clang fp contract(on)
        s.squares[h] = a * a + s.squares[h];
        s.squares_reconstructed[h] = b * b + s.squares_reconstructed[h];
        s.products[h] = a * b + s.products[h];
      }
    }
  }
  *sums = s;
}

/// True if all of the values are finite.
BL_INLINE bool all_finite(const float *w, const float *r, size_t count) {
  u32x16 greatest = 0;
  for (size_t i = 0; i < count; i += 16) {
    const u32x16 a = *(const u32x16 *)(w + i) & 0x7fffffffu;
    const u32x16 b = *(const u32x16 *)(r + i) & 0x7fffffffu;
    greatest = __builtin_elementwise_max(greatest, __builtin_elementwise_max(a, b));
  }
  return __builtin_reduce_max(greatest) < BL_INFINITY_BITS;
}

BL_INLINE double both(const f64x8 *v) { return bl_sum_lanes(&v[0]) + bl_sum_lanes(&v[1]); }

BL_KERNEL void bl_error_sums_add(const float *weights, const float *reconstructed, size_t count,
                                 bl_error_sums *sums) {
  lanes s = {0};
  uint64_t kept = 0, nan = 0, infinite = 0, lost = 0;
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    const float *w = weights + start, *r = reconstructed + start;
    if (n == block && all_finite(w, r, block)) {
      kept += block;
      add_block(w, r, block, &s);
      continue;
    }
    // A copy in which pairs that don't count are zeros, and so add nothing.
    float a[block] = {0}, b[block] = {0};
    for (size_t i = 0; i < n; i++) {
      if (!bl_is_finite(w[i])) {
        nan += w[i] != w[i];
        infinite += w[i] == w[i];
      } else if (!bl_is_finite(r[i])) {
        kept++;
        lost++;
      } else {
        kept++;
        a[i] = w[i];
        b[i] = r[i];
      }
    }
    add_block(a, b, (n + 15) & ~(size_t)15, &s);
  }
  sums->count += kept;
  sums->nan += nan;
  sums->infinite += infinite;
  sums->not_finite_reconstructed += lost;
  sums->squared_error += both(s.squared_error);
  sums->squares += both(s.squares);
  sums->squares_reconstructed += both(s.squares_reconstructed);
  sums->products += both(s.products);
  for (int h = 0; h < 2; h++) {
    for (int i = 0; i < 8; i++) {
      if (s.max_error[h][i] > sums->max_error) sums->max_error = s.max_error[h][i];
    }
  }
}

/// Adds eight pairs; those that don't count are zeros.
BL_INLINE void add_weighted(const f32x8 *w, const f32x8 *r, const f32x8 *importance, f64x8 sums[2]) {
  typedef uint32_t u32x8 __attribute__((ext_vector_type(8)));
  const u32x8 a = (u32x8)*w & 0x7fffffffu, b = (u32x8)*r & 0x7fffffffu;
  const f32x8 nothing = 0;
  const f32x8 kept = __builtin_elementwise_max(a, b) < BL_INFINITY_BITS ? *w : nothing;
  const f32x8 back = __builtin_elementwise_max(a, b) < BL_INFINITY_BITS ? *r : nothing;
  const f64x8 weight = __builtin_convertvector(*importance, f64x8);
  const f64x8 source = __builtin_convertvector(kept, f64x8);
  const f64x8 error = source - __builtin_convertvector(back, f64x8);
  sums[0] += weight * (error * error);
  sums[1] += weight * (source * source);
}

BL_KERNEL void bl_weighted_sums_add(const float *weights, const float *reconstructed,
                                    const float *importance, size_t rows, size_t row_length,
                                    bl_weighted_sums *sums) {
  f64x8 s[2] = {0, 0};
  const size_t whole = row_length & ~(size_t)7, rest = row_length - whole;
  for (size_t row = 0; row < rows; row++) {
    const float *w = weights + row * row_length, *r = reconstructed + row * row_length;
    for (size_t i = 0; i < whole; i += 8) {
      add_weighted((const f32x8 *)(w + i), (const f32x8 *)(r + i), (const f32x8 *)(importance + i), s);
    }
    if (rest == 0) continue;
    f32x8 tail[3] = {0, 0, 0};
    memcpy(&tail[0], w + whole, rest * sizeof *w);
    memcpy(&tail[1], r + whole, rest * sizeof *r);
    memcpy(&tail[2], importance + whole, rest * sizeof *importance);
    add_weighted(&tail[0], &tail[1], &tail[2], s);
  }
  sums->squared_error += bl_sum_lanes(&s[0]);
  sums->squares += bl_sum_lanes(&s[1]);
}
