/// What IQ2 and IQ3 encoders do before and after the search: magnitudes, signs and importance of the weights of
/// a super-block; scales of its groups.
#ifndef BITLADDER_IQ_PREPARE_H
#define BITLADDER_IQ_PREPARE_H

#include "iq_search.h"

/// What counts for a weight x, given the mean square m of its super-block (or twice that).
typedef enum {
  bl_iq_by_square,    // without importance: x^2
  bl_iq_by_variance,  // without importance: m / 4 + x^2
} bl_iq_unweighted;

/// A super-block, ready for the search.
typedef struct {
  _Alignas(64) float x[bl_super_block];
  _Alignas(64) float weight[bl_super_block];
  _Alignas(64) float root[bl_super_block];
  uint8_t signs[bl_super_block / 8];
} bl_iq_block;

/// Sums of squares of up to four super-blocks, each in order: a lane for each.
BL_INLINE void bl_iq_sums(const float *w, size_t blocks, float sums[4]) {
  const float *rows[4];
  for (size_t k = 0; k < 4; k++) rows[k] = w + (k < blocks ? k : 0) * bl_super_block;
  f32x4 sum = 0;
  BL_ONE_BY_ONE
  for (int i = 0; i < bl_super_block; i += 4) {
    const f32x4 a = *(const f32x4 *)(rows[0] + i), b = *(const f32x4 *)(rows[1] + i);
    const f32x4 c = *(const f32x4 *)(rows[2] + i), d = *(const f32x4 *)(rows[3] + i);
    const f32x4 low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const f32x4 low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const f32x4 high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const f32x4 high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const f32x4 first = __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5);
    const f32x4 second = __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7);
    const f32x4 third = __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5);
    const f32x4 fourth = __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7);
    sum += first * first;
    sum += second * second;
    sum += third * third;
    sum += fourth * fourth;
  }
  *(f32x4 *)sums = sum;
}

BL_INLINE void bl_iq_prepare(const float *w, const float *importance, float mean,
                             bl_iq_unweighted unweighted, bl_iq_block *block) {
  for (int i = 0; i < bl_super_block; i += bl_iq_lanes) {
    const f32x8 x = *(const f32x8 *)(w + i);
    f32x8 weight;
    if (importance) {
      weight = *(const f32x8 *)(importance + i) * __builtin_elementwise_sqrt(mean + x * x);
    } else {
      weight = unweighted == bl_iq_by_square ? x * x : 0.25f * mean + x * x;
    }
    const i32x8 negative = ~(x >= 0);
    *(f32x8 *)(block->x + i) = (f32x8)((u32x8)x ^ ((u32x8)negative & 0x80000000u));
    *(f32x8 *)(block->weight + i) = weight;
    *(f32x8 *)(block->root + i) = __builtin_elementwise_sqrt(weight);
    block->signs[i / 8] = bl_iq_bits(&negative);
  }
}

/// Weights and importance of several rows, and what is known of them.
typedef struct {
  const float *weights, *importance;
  size_t columns, count;  // super-blocks of a row, and of all
  float sums[4];          // of four super-blocks' squares, the next ones
} bl_iq_source;

/// Prepares super-block number b. `spread` times the mean square is what weights are spread by.
BL_INLINE void bl_iq_read(bl_iq_source *source, size_t b, float spread, bl_iq_unweighted unweighted,
                          bl_iq_block *block) {
  const float *w = source->weights + b * bl_super_block;
  if (b % 4 == 0) bl_iq_sums(w, source->count - b, source->sums);
  const float *importance =
      source->importance ? source->importance + b % source->columns * bl_super_block : NULL;
  bl_iq_prepare(w, importance, spread * source->sums[b % 4] / bl_super_block, unweighted, block);
}

/// Encodes a super-block that is ready for the search; may change it.
typedef void bl_iq_encoder(const bl_iq_lists *lists, bl_iq_block *block, uint8_t *out);

/// Encodes several rows, a super-block of `bytes` bytes after another. `encode` is known where this is called, and so
/// inlined.
BL_INLINE void bl_iq_encode_rows(const bl_iq_lists *lists, const float *weights, const float *importance,
                                 size_t rows, size_t row_length, float spread, bl_iq_unweighted unweighted,
                                 bl_iq_encoder *encode, size_t bytes, uint8_t *restrict out) {
  const size_t columns = row_length / bl_super_block, count = rows * columns;
  bl_iq_source source = {weights, importance, columns, count, {0}};
  bl_iq_block block;
  BL_ONE_BY_ONE
  for (size_t b = 0; b < count; b++, out += bytes) {
    bl_iq_read(&source, b, spread, unweighted, &block);
    encode(lists, &block, out);
  }
}

/// Makes the number of minuses of each eight weights even, by changing the one that counts least.
BL_INLINE void bl_iq_even_signs(bl_iq_block *block) {
  for (int k = 0; k < bl_super_block / 8; k++) {
    const f32x8 x = *(const f32x8 *)(block->x + 8 * k);
    const f32x8 cost = *(const f32x8 *)(block->weight + 8 * k) * x * x;
    // The first of the least, as a chain of < from the first on finds it: NaN is never less, nothing is less
    // than NaN.
    const f32x8 a = cost == cost ? cost : (f32x8)__builtin_inff();
    f32x8 b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
    b = a < b ? a : b;
    f32x8 c = __builtin_shufflevector(b, b, 2, 3, 0, 1, 6, 7, 4, 5);
    c = b < c ? b : c;
    f32x8 d = __builtin_shufflevector(c, c, 1, 0, 3, 2, 5, 4, 7, 6);
    d = c < d ? c : d;
    const i32x8 least = a == d;
    const int at = cost[0] == cost[0] ? __builtin_ctz(bl_iq_bits(&least)) : 0;
    const uint32_t odd = (uint32_t)__builtin_popcount(block->signs[k]) & 1;
    block->x[8 * k + at] = bl_negated_if(block->x[8 * k + at], odd);
    block->signs[k] ^= (uint8_t)(odd << at);
  }
}

/// The greatest weight of a group, as a chain of `a > b ? a : b` finds it: NaN restarts it.
BL_INLINE float bl_iq_peak(const float *x, int count) {
  f32x8 most = *(const f32x8 *)x;
  i32x8 strange = most != most;
  for (int i = bl_iq_lanes; i < count; i += bl_iq_lanes) {
    const f32x8 v = *(const f32x8 *)(x + i);
    strange |= v != v;
    most = most > v ? most : v;
  }
  if (bl_iq_bits(&strange) == 0) return bl_iq_most(&most);
  float peak = x[0];
  for (int i = 1; i < count; i++) peak = peak > x[i] ? peak : x[i];
  return peak;
}

/// Which points are found anew once a scale is found.
typedef enum {
  bl_iq_again_rounded,     // those that rounding left off the grid
  bl_iq_again_all_if_any,  // all, if there is such a point
  bl_iq_again_all,
} bl_iq_again;

/// A group's scale and points, from what `fit` has of them; true if its signs are to be inverted.
BL_INLINE bool bl_iq_fit_group(bl_iq_kind kind, const bl_iq_lists *lists, const bl_iq_weights *w, float peak,
                               bl_iq_again again, bl_iq_fit *fit) {
  const uint32_t all = (1u << kind.group / kind.dims) - 1;
  fit->rounded = again == bl_iq_again_rounded ? 0 : all;
  for (int k = 0; k < bl_iq_points; k++) fit->points[k] = 0;
  bl_iq_try(kind, lists, w, peak, fit);
  if (again == bl_iq_again_all || (again == bl_iq_again_all_if_any && fit->rounded)) fit->rounded = all;
  if (fit->rounded && fit->scale > 0) bl_iq_refine(kind, lists, w, fit->rounded, fit);
  const bool negative = fit->scale < 0;
  if (negative) fit->scale = -fit->scale;
  return negative;
}

/// Groups' scales as 4 bits each: d times an odd number up to 31. Returns d, before the type's own factor.
BL_INLINE float bl_iq_scale_codes(const float *scales, int count, float greatest, uint8_t *codes) {
  const float d = greatest / 31, inverse = 1 / d;
  for (int k = 0; k < count; k++) {
    const int32_t code = bl_iq_nearest(0.5f * (inverse * scales[k] - 1));
    codes[k] = (uint8_t)(code < 0 ? 0 : code > 15 ? 15 : code);
  }
  return d;
}

/// The same, stored two a byte.
BL_INLINE float bl_iq_put_scales(const float *scales, int count, float greatest, uint8_t *out) {
  uint8_t codes[bl_super_block / 16];
  const float d = bl_iq_scale_codes(scales, count, greatest, codes);
  for (int k = 0; k < count / 2; k++) out[k] = (uint8_t)(codes[2 * k] | codes[2 * k + 1] << 4);
  return d;
}

#endif
