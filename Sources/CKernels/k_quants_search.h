/// How the encoders of K types compute sixteen groups (or super-blocks) at once: one lane of each vector does
/// what the reference does for one, in its order. Vectors go by pointer: by value they would make the calling
/// convention depend on the processor.
#ifndef BITLADDER_K_QUANTS_SEARCH_H
#define BITLADDER_K_QUANTS_SEARCH_H

#include "k_quants.h"

enum { bl_lanes = 16 };

/// For arrays of vectors: none straddles two cache lines.
#define BL_ALIGNED _Alignas(64)

/// Below this the reference takes a group for zeros.
#define BL_NOTHING 1e-15f

// MARK: Rounding

/// The reference's nearest_int: it adds 1.5 x 2^23 and reads the low bits. It is defined for every float, but
/// meaningful only for |x| <= 2^22 (NaN and both infinities give numbers too).
BL_INLINE int32_t bl_nearest(float x) {
  return (int32_t)(bl_bits(x + BL_ROUNDER) & 0x7fffffu) - 0x400000;
}

/// The same for vectors, as "raised" integers: floats BL_ROUNDER + l. The low bits of one are l's; what
/// nearest_int makes of strange values it makes of them too, as the exponent is put in place by force.
BL_INLINE void bl_round_raised(f32x16 *x) {
  *x = (f32x16)(((u32x16)(*x + BL_ROUNDER) & 0x7fffffu) | 0x4b000000u);
}

/// Raised integers, not above `greatest`. (Bits compare as the floats do, and on more ports.)
BL_INLINE void bl_limit_raised(f32x16 *x, int greatest) {
  const i32x16 bits = (i32x16)*x, upper = (int32_t)bl_bits(BL_ROUNDER) + greatest;
  *x = (f32x16)(bits < upper ? bits : upper);
}

/// x rounded to raised integers from `least` to `greatest`.
BL_INLINE void bl_round_between(f32x16 *x, int least, int greatest) {
  bl_round_raised(x);
  const i32x16 bits = (i32x16)*x, lower = (int32_t)bl_bits(BL_ROUNDER) + least;
  *x = (f32x16)(bits > lower ? bits : lower);
  bl_limit_raised(x, greatest);
}

BL_INLINE void bl_magnitudes(const f32x16 *x, f32x16 *magnitudes) {
  *magnitudes = (f32x16)((u32x16)*x & 0x7fffffffu);
}

// MARK: Loading

#define BL_SHUFFLE4(a, b, i, j, k, l)                                                                     \
  __builtin_shufflevector(a, b, i, j, k, l, i + 4, j + 4, k + 4, l + 4, i + 8, j + 8, k + 8, l + 8,       \
                          i + 12, j + 12, k + 12, l + 12)

/// Quarters i, j of a and k, l of b.
#define BL_QUARTERS(a, b, i, j, k, l)                                                                     \
  __builtin_shufflevector(a, b, 4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3, 4 * j, 4 * j + 1, 4 * j + 2,      \
                          4 * j + 3, 16 + 4 * k, 17 + 4 * k, 18 + 4 * k, 19 + 4 * k, 16 + 4 * l,          \
                          17 + 4 * l, 18 + 4 * l, 19 + 4 * l)

/// Lane r of out[j] is rows[r][j]: a transposition of 16 x 16.
BL_INLINE void bl_transpose(const float *const rows[bl_lanes], f32x16 out[16]) {
  BL_ALIGNED f32x16 t[16];
  for (int r = 0; r < 16; r += 4) {
    const f32x16 a = *(const f32x16 *)rows[r], b = *(const f32x16 *)rows[r + 1];
    const f32x16 c = *(const f32x16 *)rows[r + 2], d = *(const f32x16 *)rows[r + 3];
    const f32x16 ab = BL_SHUFFLE4(a, b, 0, 16, 1, 17), cd = BL_SHUFFLE4(c, d, 0, 16, 1, 17);
    const f32x16 ab2 = BL_SHUFFLE4(a, b, 2, 18, 3, 19), cd2 = BL_SHUFFLE4(c, d, 2, 18, 3, 19);
    t[r] = BL_SHUFFLE4(ab, cd, 0, 1, 16, 17);
    t[r + 1] = BL_SHUFFLE4(ab, cd, 2, 3, 18, 19);
    t[r + 2] = BL_SHUFFLE4(ab2, cd2, 0, 1, 16, 17);
    t[r + 3] = BL_SHUFFLE4(ab2, cd2, 2, 3, 18, 19);
  }
  // Quarter q of t[4k + c] is column 4q + c of rows 4k to 4k + 3.
  for (int c = 0; c < 4; c++) {
    const f32x16 even = BL_QUARTERS(t[c], t[c + 4], 0, 2, 0, 2);
    const f32x16 odd = BL_QUARTERS(t[c], t[c + 4], 1, 3, 1, 3);
    const f32x16 even2 = BL_QUARTERS(t[c + 8], t[c + 12], 0, 2, 0, 2);
    const f32x16 odd2 = BL_QUARTERS(t[c + 8], t[c + 12], 1, 3, 1, 3);
    out[c] = BL_QUARTERS(even, even2, 0, 2, 0, 2);
    out[c + 4] = BL_QUARTERS(odd, odd2, 0, 2, 0, 2);
    out[c + 8] = BL_QUARTERS(even, even2, 1, 3, 1, 3);
    out[c + 12] = BL_QUARTERS(odd, odd2, 1, 3, 1, 3);
  }
}

/// Sixteen groups of 16 weights that follow each other.
BL_INLINE void bl_load_groups_of_16(const float *from, f32x16 out[16]) {
  const float *rows[bl_lanes];
  for (int r = 0; r < bl_lanes; r++) rows[r] = from + 16 * r;
  bl_transpose(rows, out);
}

/// Eight groups of 32 weights at `a` and eight at `b`.
BL_INLINE void bl_load_groups_of_32(const float *a, const float *b, f32x16 out[32]) {
  for (int half = 0; half < 2; half++) {
    const float *rows[bl_lanes];
    for (int r = 0; r < 8; r++) {
      rows[r] = a + 32 * r + 16 * half;
      rows[r + 8] = b + 32 * r + 16 * half;
    }
    bl_transpose(rows, out + 16 * half);
  }
}

// MARK: Sixteen super-blocks

/// Up to sixteen super-blocks that follow each other, perhaps over the ends of rows. Those beyond `used`
/// repeat the first: they are computed and not stored.
typedef struct {
  const float *weights[bl_lanes], *importance[bl_lanes];
  int used;
} bl_batch;

/// Super-blocks `first` and on of `count`; `per_row` of them share their importance with those of every row.
BL_INLINE void bl_take_batch(const float *weights, const float *importance, size_t first, size_t count,
                             size_t per_row, bl_batch *batch) {
  batch->used = count - first < bl_lanes ? (int)(count - first) : bl_lanes;
  for (size_t s = 0; s < bl_lanes; s++) {
    const size_t block = s < (size_t)batch->used ? first + s : first;
    batch->weights[s] = weights + block * bl_super_block;
    batch->importance[s] = importance ? importance + block % per_row * bl_super_block : NULL;
  }
}

/// The sum of squares of each super-block, from its first weight to its last.
BL_INLINE void bl_sum_squares(const bl_batch *batch, f32x16 *sums) {
  f32x16 sum = 0;
  for (int start = 0; start < bl_super_block; start += 16) {
    const float *rows[bl_lanes];
    BL_ALIGNED f32x16 x[16];
    for (int s = 0; s < bl_lanes; s++) rows[s] = batch->weights[s] + start;
    bl_transpose(rows, x);
    for (int j = 0; j < 16; j++) sum += x[j] * x[j];
  }
  *sums = sum;
}

/// How much a weight counts, by its importance and its size: q sqrt(s + x^2).
BL_INLINE void bl_weigh(const f32x16 *x, const f32x16 *spread, int count, f32x16 *weights) {
  for (int j = 0; j < count; j++) {
    weights[j] *= __builtin_elementwise_sqrt(*spread + x[j] * x[j]);
  }
}

#endif
