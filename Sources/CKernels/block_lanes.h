/// Encoders that search do so for sixteen blocks side by side: one lane of each vector does for its block
/// what the reference does, in the reference's order, so that no sum is rounded otherwise. Where the
/// reference branches, lanes select.
#ifndef BITLADDER_BLOCK_LANES_H
#define BITLADDER_BLOCK_LANES_H

#include "ggml_block.h"

enum { bl_lanes = 16 };

/// An array of vectors; where none straddles two cache lines.
#define BL_LANES(type) _Alignas(64) type

/// Sixteen blocks: where their weights begin, the importance of their columns, their rows. Lanes beyond the
/// last block repeat it; what they find isn't stored.
typedef struct {
  const float *weights[bl_lanes], *importance[bl_lanes];
  size_t rows[bl_lanes];
  int used;
} bl_blocks;

/// What is left to encode of several rows, and where that begins; blocks are taken over the ends of rows.
typedef struct {
  const float *weights, *importance;
  size_t row_length, blocks, row, column;
} bl_remainder;

BL_INLINE bl_remainder bl_begin(const float *weights, const float *importance, size_t rows, size_t row_length,
                                size_t block) {
  const bl_remainder all = {weights, importance, row_length, rows * (row_length / block), 0, 0};
  return all;
}

BL_INLINE void bl_take_blocks(bl_remainder *left, size_t block, bl_blocks *taken) {
  taken->used = left->blocks < bl_lanes ? (int)left->blocks : bl_lanes;
  left->blocks -= (size_t)taken->used;
  for (int lane = 0; lane < bl_lanes; lane++) {
    const int source = lane < taken->used ? lane : taken->used - 1;
    if (lane > source) {
      taken->weights[lane] = taken->weights[source];
      taken->importance[lane] = taken->importance[source];
      taken->rows[lane] = taken->rows[source];
      continue;
    }
    taken->weights[lane] = left->weights;
    taken->importance[lane] = left->importance ? left->importance + left->column : NULL;
    taken->rows[lane] = left->row;
    left->weights += block;
    left->column += block;
    if (left->column == left->row_length) left->column = 0, left->row++;
  }
}

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
  BL_LANES(f32x16) t[16];
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

/// x[j] becomes value `from + j` of sixteen blocks; `count` is a multiple of 16.
BL_INLINE void bl_gather(const float *const blocks[bl_lanes], int from, int count, f32x16 *x) {
  BL_ONE_BY_ONE
  for (int j = 0; j < count; j += 16) {
    const float *rows[bl_lanes];
    for (int lane = 0; lane < bl_lanes; lane++) rows[lane] = blocks[lane] + from + j;
    bl_transpose(rows, x + j);
  }
}

BL_INLINE void bl_magnitudes(const f32x16 *x, f32x16 *magnitudes) {
  *magnitudes = (f32x16)((u32x16)*x & 0x7fffffffu);
}

/// Rounded to an integer, ties to even; where |x| > 2^22, or for NaN, whatever the bits then say.
BL_INLINE void bl_round_lanes(const f32x16 *x, i32x16 *rounded) {
  const f32x16 shifted = *x + BL_ROUNDER;
  *rounded = ((i32x16)shifted & 0x007fffff) - 0x00400000;
}

BL_INLINE void bl_clamp_lanes(i32x16 *x, int32_t least, int32_t most) {
  const i32x16 raised = *x > least ? *x : (i32x16)least;
  *x = raised < most ? raised : (i32x16)most;
}

BL_INLINE bool bl_any(const i32x16 *mask) { return __builtin_reduce_or(*mask) != 0; }

/// How much the squared error of each of `count` weights counts: its importance, and its size with that of
/// all.
BL_INLINE void bl_weigh(const f32x16 *x, const f32x16 *importance, const f32x16 *mean_square, int count,
                        f32x16 *weights) {
  for (int j = 0; j < count; j++) {
    weights[j] = importance[j] * __builtin_elementwise_sqrt(*mean_square + x[j] * x[j]);
  }
}

/// The first greatest magnitude of 32 weights and the weight that has it; NaN doesn't count.
BL_INLINE void bl_peak_lanes(const f32x16 x[32], f32x16 *peak, f32x16 *first) {
  *peak = 0, *first = 0;
  for (int j = 0; j < 32; j++) {
    f32x16 magnitude;
    bl_magnitudes(&x[j], &magnitude);
    *first = magnitude > *peak ? x[j] : *first;
    *peak = magnitude > *peak ? magnitude : *peak;
  }
}

/// Codes of 32 weights, their low four bits, as bl_pack_halves packs them: four words of four bytes.
BL_INLINE void bl_pack_lanes(const i32x16 codes[32], u32x16 words[4]) {
  for (int k = 0; k < 4; k++) {
    u32x16 word = 0;
    for (int i = 0; i < 4; i++) {
      const u32x16 low = (u32x16)codes[4 * k + i] & 15, high = (u32x16)codes[4 * k + i + 16] & 15;
      word |= (low | high << 4) << (8 * i);
    }
    words[k] = word;
  }
}

/// One lane of a vector in memory. (Indexing the vector would load all of it and store it again.)
BL_INLINE float bl_lane(const f32x16 *v, int lane) {
  float value;
  memcpy(&value, (const uint8_t *)v + 4 * lane, sizeof value);
  return value;
}

/// One lane of each of `count` vectors of words.
BL_INLINE void bl_store_words(const u32x16 *words, int count, int lane, uint8_t *bytes) {
  for (int k = 0; k < count; k++) memcpy(bytes + 4 * k, (const uint8_t *)&words[k] + 4 * lane, 4);
}

/// The halves nearest to sixteen floats.
BL_INLINE void bl_halves(const f32x16 *v, uint16_t halves[bl_lanes]) {
  for (int lane = 0; lane < bl_lanes; lane++) halves[lane] = bl_half_from_float(bl_lane(v, lane));
}

#endif
