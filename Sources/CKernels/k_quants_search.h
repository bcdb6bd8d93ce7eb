/// How the encoders of K types compute sixteen groups (or super-blocks) at once: one lane of each vector does
/// what the reference does for one, in its order. Vectors go by pointer: by value they would make the calling
/// convention depend on the processor.
#ifndef BITLADDER_K_QUANTS_SEARCH_H
#define BITLADDER_K_QUANTS_SEARCH_H

#include "block_lanes.h"
#include "k_quants.h"

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

// MARK: Loading

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

/// The sum of squares of each super-block, from its first weight to its last.
BL_INLINE void bl_sum_squares(const bl_blocks *batch, f32x16 *sums) {
  f32x16 sum = 0;
  for (int start = 0; start < bl_super_block; start += 16) {
    const float *rows[bl_lanes];
    BL_LANES(f32x16) x[16];
    for (int s = 0; s < bl_lanes; s++) rows[s] = batch->weights[s] + start;
    bl_transpose(rows, x);
    for (int j = 0; j < 16; j++) sum += x[j] * x[j];
  }
  *sums = sum;
}

#endif
