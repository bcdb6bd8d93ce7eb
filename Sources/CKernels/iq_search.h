/// The search of IQ2 and IQ3 encoders for a group's scale, and for the points of the grid its weights become.
///
/// A group's scale is tried at many values, one in each lane of vectors. Rounding gives, for each, a point;
/// most aren't on the grid, and of the points listed near (iq_lists.h) that of least weighted error is taken.
/// What makes this faster than the reference:
/// - As the scale goes down levels only go up, so that one point serves a run of tries. Its list is gone
///   through once a run rather than once a try.
/// - The short list will do if no weight is close to the limit between two levels.
/// - Errors are lines over the scale, quickly found to a few digits. Mostly these tell which is the least; only
///   where they don't errors are computed as the reference does it.
/// - Of all tries only those near the best are compared as the reference does it.
///
/// All that ends up in bytes comes from the reference's operations in its order. Where the reference stops the
/// program because no point listed has an error below the greatest float, some point listed is taken here;
/// groups whose scale is NaN, where it stops too, get scale 0 and zeros.
#ifndef BITLADDER_IQ_SEARCH_H
#define BITLADDER_IQ_SEARCH_H

#include <float.h>

#include "ggml_block.h"
#include "iq_lists.h"

typedef int32_t i32x8 __attribute__((ext_vector_type(8), aligned(4)));
typedef uint32_t u32x8 __attribute__((ext_vector_type(8), aligned(4)));
typedef uint16_t u16x8 __attribute__((ext_vector_type(8), aligned(2)));
typedef bool boolx8 __attribute__((ext_vector_type(8)));

#define BL_UNROLL _Pragma("clang loop unroll(full)")

enum {
  bl_iq_lanes = 8,
  // At most:
  bl_iq_group = 32,  // weights of a group
  bl_iq_points = 8,  // points of a group
  bl_iq_tries = 32,  // tries, filled up to whole vectors
  bl_iq_most_levels = 8,
  bl_iq_longest = 296,  // a list's length, likewise
};

/// How a type searches; constants where it is used.
typedef struct {
  int dims, bits, levels;  // of a point: weights, bits of a level in the packed form, levels
  int group;               // weights that share a scale
  int tries;               // on either side of the scale first thought of
  float step;
} bl_iq_kind;

/// A group: weights without their signs, how much each counts, the square root of that.
typedef struct {
  const float *x, *weight, *root;
} bl_iq_weights;

typedef struct {
  float scale;
  uint32_t points[bl_iq_points];  // packed
  uint32_t rounded;               // bit k: rounding left point k off the grid, and another was taken
} bl_iq_fit;

BL_INLINE uint8_t bl_iq_bits(const i32x8 *mask) {
  const boolx8 set = __builtin_convertvector(*mask, boolx8);
  uint8_t bits;
  memcpy(&bits, &set, sizeof bits);
  return bits;
}

#define BL_IQ_NUMBERS ((i32x8){0, 1, 2, 3, 4, 5, 6, 7})

/// The greatest lane; where there is NaN, any.
BL_INLINE float bl_iq_most(const f32x8 *lanes) {
  const f32x8 a = *lanes;
  f32x8 b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
  b = a > b ? a : b;
  f32x8 c = __builtin_shufflevector(b, b, 2, 3, 0, 1, 6, 7, 4, 5);
  c = b > c ? b : c;
  return c[0] > c[1] ? c[0] : c[1];
}

/// nearest_int(0.5f * (x / scale - 1)), kept within the levels; `half` is x / scale / 2. (The bits are taken
/// apart as the reference does it, so that NaN comes out the same.)
BL_INLINE void bl_iq_levels(const f32x8 *half, int levels, i32x8 *out) {
  const f32x8 rounded = *half - 0.5f + BL_ROUNDER;
  const i32x8 level = ((i32x8)rounded & 0x7fffff) - 0x400000;
  *out = __builtin_elementwise_max(__builtin_elementwise_min(level, (i32x8)(levels - 1)), (i32x8)0);
}

BL_INLINE int32_t bl_iq_nearest(float x) { return (int32_t)(bl_bits(x + BL_ROUNDER) & 0x7fffff) - 0x400000; }

/// The odd number 2 * level + 1 of weight `dim` of packed points.
BL_INLINE void bl_iq_odd(bl_iq_kind kind, const u32x8 *packed, int dim, f32x8 *out) {
  const u32x8 odd = (*packed << 1 >> (uint32_t)(kind.bits * dim) & (uint32_t)((2 << kind.bits) - 2)) | 1;
  *out = __builtin_convertvector((i32x8)odd, f32x8);
}

/// What the search for one point reads.
typedef struct {
  const float *x, *root, *twice;  // of its weights; twice is root * x * 2
  float energy;                   // the sum of root * x^2
  const float *scales, *inverses, *halves;  // of all tries: scale, 1 / scale, 0.5 / scale
  const float *values;                      // scale times 2 * level + 1, [level][try]
} bl_iq_tables;

BL_INLINE void bl_iq_table_values(bl_iq_kind kind, const f32x8 *scales, float *values) {
  const int vectors = (2 * kind.tries + bl_iq_lanes) / bl_iq_lanes;
  for (int level = 0; level < kind.levels; level++) {
    for (int v = 0; v < vectors; v++) {
      *(f32x8 *)(values + level * bl_iq_tries + v * bl_iq_lanes) = scales[v] * (float)(2 * level + 1);
    }
  }
}

/// The first of a list with the least error, for eight tries from `first` on.
BL_INLINE void bl_iq_best_of(bl_iq_kind kind, const bl_iq_tables *t, const uint16_t *list, int count,
                             int first, u32x8 *winner) {
  const uint32_t mask = (1u << kind.bits) - 1;
  f32x8 least = FLT_MAX;
  u32x8 won = list[0];
  BL_ONE_BY_ONE
  for (int j = 0; j < count; j++) {
    const uint32_t packed = list[j];
    f32x8 sum = 0;
    BL_UNROLL
    for (int i = 0; i < kind.dims; i++) {
      const uint32_t level = packed >> (kind.bits * i) & mask;
      const f32x8 off = *(const f32x8 *)(t->values + first + level * bl_iq_tries) - t->x[i];
      const f32x8 error = t->root[i] * off * off;
      sum = i == 0 ? error : sum + error;
    }
    const i32x8 closer = sum < least;
    won = closer ? (u32x8)packed : won;
    least = closer ? sum : least;
  }
  *winner = won;
}

/// The point for each try, by rounding alone. Returns a bit for each try whose point isn't that of the one
/// before, the first included, and one behind the last.
BL_INLINE uint64_t bl_iq_round(bl_iq_kind kind, const float *x, const f32x8 *halves, uint32_t *rounded) {
  const int vectors = (2 * kind.tries + bl_iq_lanes) / bl_iq_lanes, count = 2 * kind.tries + 1;
  u32x8 before = 0;
  uint64_t starts = 0;
  BL_UNROLL
  for (int v = 0; v < vectors; v++) {
    u32x8 packed = 0;
    BL_UNROLL
    for (int i = kind.dims - 1; i >= 0; i--) {
      const f32x8 half = halves[v] * x[i];
      i32x8 level;
      bl_iq_levels(&half, kind.levels, &level);
      packed = packed << (uint32_t)kind.bits | (u32x8)level;
    }
    *(u32x8 *)(rounded + v * bl_iq_lanes) = packed;
    const i32x8 differs = packed != __builtin_shufflevector(before, packed, 7, 8, 9, 10, 11, 12, 13, 14);
    starts |= (uint64_t)bl_iq_bits(&differs) << (v * bl_iq_lanes);
    before = packed;
  }
  return (starts & ((1ull << count) - 1)) | 1 | 1ull << count;
}

/// Bits of weights that are clear of the limits between levels: 1e-4 is well above what errors of rounding
/// amount to. (None for NaN.)
BL_INLINE uint8_t bl_iq_clear(const f32x8 *half) {
  const f32x8 value = *half - 0.5f, off = value - ((value + BL_ROUNDER) - BL_ROUNDER);
  const i32x8 clear = (f32x8)((u32x8)off & 0x7fffffffu) < 0.4999f;
  return bl_iq_bits(&clear);
}

/// Whether all weights are so for a run of tries: if they are for the first and the last they are for all.
BL_INLINE bool bl_iq_run_clear(bl_iq_kind kind, const bl_iq_tables *t, int first, int last) {
  if (kind.dims == 8) {
    const f32x8 x = *(const f32x8 *)t->x, a = x * t->halves[first], b = x * t->halves[last];
    return (bl_iq_clear(&a) & bl_iq_clear(&b)) == 255;
  }
  f32x8 both;
  BL_UNROLL
  for (int i = 0; i < 8; i++) both[i] = t->x[i % 4];
  const f32x8 a = t->halves[first], b = t->halves[last];
  both *= __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
  return bl_iq_clear(&both) == 255;
}

/// The errors of a list's points as functions of the scale. With q a point, x the weights, r their roots and s
/// the scale an error is s^2 sum(r q^2) - 2 s sum(r q x) + sum(r x^2). The last sum is the same for all points;
/// divided by s the others are a line over s.
typedef struct {
  f32x8 slope[bl_iq_longest / bl_iq_lanes], rest[bl_iq_longest / bl_iq_lanes];
  u32x8 point[bl_iq_longest / bl_iq_lanes];
} bl_iq_lines;

BL_INLINE void bl_iq_find_lines(bl_iq_kind kind, const bl_iq_tables *t, const uint16_t *list, int count,
                                bl_iq_lines *lines) {
  BL_ONE_BY_ONE
  for (int j = 0; j < count; j += bl_iq_lanes) {
    const u32x8 packed = __builtin_convertvector(*(const u16x8 *)(list + j), u32x8);
    f32x8 slope = 0, rest = 0;
    BL_UNROLL
    for (int i = 0; i < kind.dims; i++) {
      f32x8 q;
      bl_iq_odd(kind, &packed, i, &q);
      rest += t->twice[i] * q;
      slope += t->root[i] * q * q;
    }
    lines->point[j / bl_iq_lanes] = packed;
    lines->slope[j / bl_iq_lanes] = slope;
    lines->rest[j / bl_iq_lanes] = rest;
  }
}

/// The point of least error for eight tries from `first` on, by the lines. Returns a bit for each try for which
/// that is certain: no other point is nearer than what rounding may add to or take from the two errors as the
/// reference computes them (at most 3e-6 of each and of sum(r x^2); and what is lost below the least normal
/// number). Where there is NaN or infinity nothing is certain.
BL_INLINE uint8_t bl_iq_lowest(const bl_iq_tables *t, const bl_iq_lines *lines, int count, int first,
                               u32x8 *winner) {
  const f32x8 scale = *(const f32x8 *)(t->scales + first);
  const f32x8 inverse = *(const f32x8 *)(t->inverses + first);
  const float *slope = (const float *)lines->slope, *rest = (const float *)lines->rest;
  const uint32_t *points = (const uint32_t *)lines->point;
  f32x8 least = __builtin_inff(), second = __builtin_inff();
  u32x8 won = points[0];
  BL_ONE_BY_ONE
  for (int j = 0; j < count; j++) {
    const f32x8 height = scale * slope[j] - rest[j];
    const f32x8 greater = least > height ? least : height;
    const i32x8 lower = height < least;
    second = second < greater ? second : greater;
    won = lower ? (u32x8)points[j] : won;
    least = lower ? height : least;
  }
  *winner = won;
  const i32x8 certain = second > least * (1 + 5e-5f) + (t->energy * 1.2e-4f + 1e-41f) * inverse;
  return bl_iq_bits(&certain);
}

/// The points on the grid for each try from `first` up to `end`, which rounding gives the point of `cell`.
BL_INLINE void bl_iq_find_run(bl_iq_kind kind, const bl_iq_lists *lists, const bl_iq_tables *t, uint32_t cell,
                              int first, int end, uint32_t *found) {
  _Alignas(64) bl_iq_lines lines;
  const uint16_t *list = lists->points + bl_iq_start(cell);
  int number = (int)bl_iq_number(cell);
  if (!bl_iq_run_clear(kind, t, first, end - 1)) {
    const int all = list[-1];
    list += number;
    number = all;
  }
  bl_iq_find_lines(kind, t, list, number, &lines);
  BL_ONE_BY_ONE
  for (int at = first; at < end; at += bl_iq_lanes) {
    u32x8 *winner = (u32x8 *)(found + at);
    const uint32_t uncertain = ~(uint32_t)bl_iq_lowest(t, &lines, number, at, winner);
    const int used = end - at < bl_iq_lanes ? end - at : bl_iq_lanes;
    if (uncertain & ((1u << used) - 1)) bl_iq_best_of(kind, t, list, number, at, winner);
  }
}

/// The points on the grid for each try, for the weights of one point.
BL_INLINE void bl_iq_find(bl_iq_kind kind, const bl_iq_lists *lists, const bl_iq_tables *t, uint64_t starts,
                          const uint32_t *rounded, uint32_t *found) {
  const int count = 2 * kind.tries + 1;
  BL_ONE_BY_ONE
  for (int first = 0; first < count;) {
    starts &= starts - 1;
    const int end = __builtin_ctzll(starts);
    const uint32_t cell = lists->cells[rounded[first]];
    if (cell & BL_IQ_ON_GRID) {
      BL_ONE_BY_ONE
      for (int at = first; at < end; at += bl_iq_lanes) *(u32x8 *)(found + at) = rounded[first];
    } else {
      bl_iq_find_run(kind, lists, t, cell, first, end, found);
    }
    first = end;
  }
}

/// The sums of the least-squares fit of each try.
BL_INLINE void bl_iq_sum_up(bl_iq_kind kind, const bl_iq_weights *w, uint32_t (*found)[bl_iq_tries + 8],
                            f32x8 *products, f32x8 *squares) {
  const int vectors = (2 * kind.tries + bl_iq_lanes) / bl_iq_lanes;
  f32x8 qx[bl_iq_tries / bl_iq_lanes], q2[bl_iq_tries / bl_iq_lanes];
  for (int v = 0; v < vectors; v++) qx[v] = q2[v] = 0;
  BL_ONE_BY_ONE
  for (int k = 0; k < kind.group / kind.dims; k++) {
    BL_UNROLL
    for (int i = 0; i < kind.dims; i++) {
      const float weight = w->weight[k * kind.dims + i], wx = weight * w->x[k * kind.dims + i];
      BL_UNROLL
      for (int v = 0; v < vectors; v++) {
        f32x8 q;
        bl_iq_odd(kind, (const u32x8 *)(found[k] + v * bl_iq_lanes), i, &q);
        qx[v] += wx * q;
        q2[v] += weight * q * q;
      }
    }
  }
  for (int v = 0; v < vectors; v++) products[v] = qx[v], squares[v] = q2[v];
}

/// The scales of all tries, around that which puts `peak` on the highest level; one vector more than it takes.
BL_INLINE void bl_iq_scales(bl_iq_kind kind, float peak, f32x8 *scales, f32x8 *inverses, f32x8 *halves) {
  const int vectors = (2 * kind.tries + bl_iq_lanes) / bl_iq_lanes;
  for (int v = 0; v <= vectors; v++) {
    i32x8 number = BL_IQ_NUMBERS + (v * bl_iq_lanes - kind.tries);
    number = __builtin_elementwise_min(number, (i32x8)kind.tries);
    const f32x8 off = __builtin_convertvector(number, f32x8) * kind.step;
    inverses[v] = ((float)(2 * kind.levels - 1) + off) / peak;
    scales[v] = 1.0f / inverses[v];
    halves[v] = 0.5f * inverses[v];
  }
}

/// The best try: the last that is better than the best before; negative if none is any good. The reference goes
/// through all of them in order; here only through those near the best, if all values are far from the limits
/// of floats. (Often several are equal, and whether a later one counts as better is up to rounding.)
BL_INLINE int bl_iq_best_try(bl_iq_kind kind, const f32x8 *products, const f32x8 *squares) {
  const int count = 2 * kind.tries + 1, vectors = (count + bl_iq_lanes - 1) / bl_iq_lanes;
  f32x8 gains[bl_iq_tries / bl_iq_lanes], most = 0;
  i32x8 ordinary = -1;
  for (int v = 0; v < vectors; v++) {
    const f32x8 qx = products[v], q2 = squares[v], square = qx * qx, gain = qx / q2 * qx;
    const i32x8 used = BL_IQ_NUMBERS < count - v * bl_iq_lanes;
    ordinary &= ~used | ((q2 > 1e-30f) & (q2 < 1e30f) & (square > 1e-30f) & (square < 1e30f));
    gains[v] = used ? gain : (f32x8)0;
    most = most > gains[v] ? most : gains[v];
  }
  const float enough = bl_iq_most(&most) * (1 - 2e-6f);
  uint32_t good = 0;
  for (int v = 0; v < vectors; v++) {
    const i32x8 near = gains[v] > enough;
    good |= (uint32_t)bl_iq_bits(&near) << (v * bl_iq_lanes);
  }
  if (bl_iq_bits(&ordinary) != 255) good = (uint32_t)((1ull << count) - 1);
  float best = 0;
  int best_try = -1;
  BL_ONE_BY_ONE
  for (; good != 0; good &= good - 1) {
    const int t = __builtin_ctz(good);
    const float qx = ((const float *)products)[t], q2 = ((const float *)squares)[t];
    const bool better = (q2 > 0) & (qx * qx > best * q2);
    best = better ? ((const float *)gains)[t] : best;
    best_try = better ? t : best_try;
  }
  return best_try;
}

/// Tries scales, and keeps the best in `fit`.
BL_INLINE void bl_iq_try(bl_iq_kind kind, const bl_iq_lists *lists, const bl_iq_weights *w, float peak,
                         bl_iq_fit *fit) {
  enum { vectors = bl_iq_tries / bl_iq_lanes };
  const int points = kind.group / kind.dims;
  _Alignas(64) f32x8 scales[vectors + 1], inverses[vectors + 1], halves[vectors + 1];
  _Alignas(64) f32x8 products[vectors], squares[vectors];
  // One vector more than there are tries: runs are read and written by whole vectors from where they start.
  _Alignas(64) uint32_t rounded[bl_iq_points][bl_iq_tries], found[bl_iq_points][bl_iq_tries + 8];
  _Alignas(64) float values[bl_iq_most_levels * bl_iq_tries + 8], twice[bl_iq_group], energy[bl_iq_group];
  bl_iq_scales(kind, peak, scales, inverses, halves);
  bl_iq_table_values(kind, scales, values);
  for (int i = 0; i < kind.group; i += bl_iq_lanes) {
    const f32x8 x = *(const f32x8 *)(w->x + i), product = *(const f32x8 *)(w->root + i) * x;
    *(f32x8 *)(twice + i) = product * 2.0f;
    *(f32x8 *)(energy + i) = product * x;
  }
  // All points are rounded first: what branches depend on is there early then.
  uint64_t starts[bl_iq_points];
  BL_ONE_BY_ONE
  for (int k = 0; k < points; k++) {
    starts[k] = bl_iq_round(kind, w->x + k * kind.dims, halves, rounded[k]);
  }
  BL_ONE_BY_ONE
  for (int k = 0; k < points; k++) {
    const int at = k * kind.dims;
    bl_iq_tables t = {.x = w->x + at, .root = w->root + at, .twice = twice + at, .energy = energy[at],
                      .scales = (const float *)scales, .inverses = (const float *)inverses,
                      .halves = (const float *)halves, .values = values};
    BL_UNROLL
    for (int i = 1; i < kind.dims; i++) t.energy += energy[at + i];
    bl_iq_find(kind, lists, &t, starts[k], rounded[k], found[k]);
  }
  bl_iq_sum_up(kind, w, found, products, squares);
  const int best = bl_iq_best_try(kind, products, squares);
  if (best < 0) return;
  fit->scale = ((const float *)products)[best] / ((const float *)squares)[best];
  fit->rounded = 0;
  for (int k = 0; k < points; k++) {
    fit->points[k] = found[k][best];
    fit->rounded |= (uint32_t)!(lists->cells[rounded[k][best]] & BL_IQ_ON_GRID) << k;
  }
}

/// The first of a list with the least error at one scale: eight points side by side.
BL_INLINE uint32_t bl_iq_best_at(bl_iq_kind kind, const uint16_t *list, int count, const float *x,
                                 const float *root, float scale) {
  const i32x8 numbers = BL_IQ_NUMBERS;
  f32x8 least = FLT_MAX;
  i32x8 winner = numbers;
  for (int j = 0; j < count; j += bl_iq_lanes) {
    const u32x8 packed = __builtin_convertvector(*(const u16x8 *)(list + j), u32x8);
    f32x8 sum = 0;
    BL_UNROLL
    for (int i = 0; i < kind.dims; i++) {
      f32x8 q;
      bl_iq_odd(kind, &packed, i, &q);
      const f32x8 off = scale * q - x[i];
      sum += root[i] * off * off;
    }
    const i32x8 closer = (sum < least) & (numbers + j < count);
    winner = closer ? numbers + j : winner;
    least = closer ? sum : least;
  }
  const i32x8 here = least == __builtin_reduce_min(least);
  return list[__builtin_reduce_min(here ? winner : (i32x8)INT32_MAX)];
}

/// Packs eight levels, as one point or as two, whose packed form is in the first lane of each.
BL_INLINE void bl_iq_pack(bl_iq_kind kind, const i32x8 *levels, uint32_t *packed) {
  u32x8 v = (u32x8)*levels << ((u32x8)(BL_IQ_NUMBERS & (kind.dims - 1)) * (uint32_t)kind.bits);
  v |= __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
  v |= __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
  if (kind.dims == 8) v |= __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
  packed[0] = v[0];
  if (kind.dims == 4) packed[1] = v[4];
}

/// The scale that fits a group's points best, or `scale` if there is none.
BL_INLINE float bl_iq_fit_scale(bl_iq_kind kind, const bl_iq_weights *w, const uint32_t *points, float scale) {
  float qx[bl_iq_group], q2[bl_iq_group], products = 0, squares = 0;
  for (int i = 0; i < kind.group; i += bl_iq_lanes) {
    const uint32_t a = points[i / kind.dims], b = points[(i + 4) / kind.dims];
    const u32x8 packed = (u32x8){a, a, a, a, b, b, b, b}, mask = (2u << kind.bits) - 2;
    const u32x8 shifts = (u32x8)(BL_IQ_NUMBERS & (kind.dims - 1)) * (uint32_t)kind.bits;
    const f32x8 q = __builtin_convertvector((i32x8)((packed << 1 >> shifts & mask) | 1), f32x8);
    const f32x8 weight = *(const f32x8 *)(w->weight + i), x = *(const f32x8 *)(w->x + i);
    *(f32x8 *)(qx + i) = weight * x * q;
    *(f32x8 *)(q2 + i) = weight * q * q;
  }
  for (int i = 0; i < kind.group; i++) products += qx[i], squares += q2[i];
  return squares > 0 ? products / squares : scale;
}

/// Finds points anew for the scale that was found, those of bits `which`, and fits the scale to them.
BL_INLINE void bl_iq_refine(bl_iq_kind kind, const bl_iq_lists *lists, const bl_iq_weights *w, uint32_t which,
                            bl_iq_fit *fit) {
  const float half_inverse = 0.5f * (1.0f / fit->scale);
  uint32_t packed[bl_iq_points], clear = 0;
  for (int i = 0; i < kind.group; i += bl_iq_lanes) {
    const f32x8 half = half_inverse * *(const f32x8 *)(w->x + i);
    i32x8 levels;
    bl_iq_levels(&half, kind.levels, &levels);
    bl_iq_pack(kind, &levels, packed + i / kind.dims);
    clear |= (uint32_t)bl_iq_clear(&half) << i;
  }
  BL_ONE_BY_ONE
  for (int k = 0; k < kind.group / kind.dims; k++) {
    if (!(which >> k & 1)) continue;
    const int first = k * kind.dims;
    const uint32_t cell = lists->cells[packed[k]], all = (1u << kind.dims) - 1;
    fit->points[k] = packed[k];
    if (cell & BL_IQ_ON_GRID) continue;
    const uint16_t *list = lists->points + bl_iq_start(cell);
    const bool short_list = (clear >> first & all) == all;
    const int number = (int)bl_iq_number(cell);
    fit->points[k] = bl_iq_best_at(kind, short_list ? list : list + number, short_list ? number : list[-1],
                                   w->x + first, w->root + first, fit->scale);
  }
  fit->scale = bl_iq_fit_scale(kind, w, fit->points, fit->scale);
}

#endif
