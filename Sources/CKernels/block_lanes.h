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

/// Sixteen rows of sixteen become columns.
BL_INLINE void bl_transpose(f32x16 m[16]) {
  f32x16 t[16];
  for (int i = 0; i < 16; i += 2) {
    const f32x16 a = m[i], b = m[i + 1];
    t[i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    t[i + 1] = __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int k = 0; k < 2; k++) {
      const f32x16 a = t[i + k], b = t[i + k + 2];
      f32x16 *to = m + i + 2 * k;
      to[0] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      to[1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  // Now quarter q of m[4 * i + k] is column 4 * q + k of rows 4 * i to 4 * i + 3.
  for (int k = 0; k < 4; k++) {
    f32x16 half[4];
    for (int i = 0; i < 2; i++) {
      const f32x16 a = m[8 * i + k], b = m[8 * i + 4 + k];
      half[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      half[2 + i] =
          __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    for (int i = 0; i < 2; i++) {
      const f32x16 a = half[2 * i], b = half[2 * i + 1];
      f32x16 *to = t + 8 * i + k;
      to[0] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      to[4] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
  }
  for (int i = 0; i < 16; i++) m[i] = t[i];
}

/// x[j] becomes value `from + j` of sixteen blocks; `count` is a multiple of 16.
BL_INLINE void bl_gather(const float *const blocks[bl_lanes], int from, int count, f32x16 *x) {
  BL_ONE_BY_ONE
  for (int j = 0; j < count; j += 16) {
    for (int lane = 0; lane < bl_lanes; lane++) x[j + lane] = *(const f32x16 *)(blocks[lane] + from + j);
    bl_transpose(x + j);
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
