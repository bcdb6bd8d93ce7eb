/// What the encoders of IQ1_S and IQ1_M share. Both find, for blocks of 32 or 16 weights, levels -1, 0, 1,
/// a scale and shifts: weights are sorted, and of all ways to cut that order in three the best is taken
/// (each type has its own search); then each eight levels are moved to a point of the grid.
#ifndef BITLADDER_IQ1_ENCODE_H
#define BITLADDER_IQ1_ENCODE_H

#include "block_lanes.h"
#include "iq1_grid.h"

enum { bl_iq1_longest = 32, bl_iq1_groups = bl_iq1_longest / 8 };

/// One block in each lane.
typedef struct {
  BL_LANES(f32x16) x[bl_iq1_longest];
  BL_LANES(f32x16) weights[bl_iq1_longest];  // of the errors
  // In ascending order: x, where it was, its weight. One more for the end.
  BL_LANES(f32x16) sorted[bl_iq1_longest + 1];
  BL_LANES(i32x16) order[bl_iq1_longest + 1];
  BL_LANES(f32x16) sorted_weights[bl_iq1_longest];
  // What the search found: how many levels are -1, how many aren't 1; by what each eight are shifted.
  i32x16 found, cuts[2];
  f32x16 scale, shifts[bl_iq1_groups];
  // What was made of it.
  BL_LANES(u32x16) codes[bl_iq1_groups], indices[bl_iq1_groups];
} bl_iq1_block;

// MARK: Sorting

/// Orders two places by x, then by where it was, so that the order is that of a stable sort.
BL_INLINE void bl_iq1_exchange(bl_iq1_block *b, int low, int high) {
  const f32x16 x = b->sorted[low], y = b->sorted[high];
  const f32x16 xw = b->sorted_weights[low], yw = b->sorted_weights[high];
  const i32x16 xi = b->order[low], yi = b->order[high];
  const i32x16 swap = (x > y) | ((x == y) & (xi > yi));
  b->sorted[low] = swap ? y : x;
  b->sorted[high] = swap ? x : y;
  b->sorted_weights[low] = swap ? yw : xw;
  b->sorted_weights[high] = swap ? xw : yw;
  b->order[low] = swap ? yi : xi;
  b->order[high] = swap ? xi : yi;
}

/// Batcher's network of odd-even merges. `count` is a power of two.
BL_INLINE void bl_iq1_sort(bl_iq1_block *b, int count) {
  for (int j = 0; j < count; j++) {
    b->sorted[j] = b->x[j];
    b->sorted_weights[j] = b->weights[j];
    b->order[j] = j;
  }
  b->sorted[count] = __builtin_inff();
  b->order[count] = count;
  BL_ONE_BY_ONE
  for (int merged = 1; merged < count; merged *= 2) {
    BL_ONE_BY_ONE
    for (int step = merged; step > 0; step /= 2) {
      BL_ONE_BY_ONE
      for (int j = step % merged; j + step < count; j += 2 * step) {
        BL_ONE_BY_ONE
        for (int i = j; i < j + step && i + step < count; i++) {
          if (i / (2 * merged) == (i + step) / (2 * merged)) bl_iq1_exchange(b, i, i + step);
        }
      }
    }
  }
}

// MARK: Levels

BL_INLINE void bl_iq1_cut_at(const bl_iq1_block *b, int cut, f32x16 *x, i32x16 *order) {
  BL_LANES(float) xs[bl_lanes];
  BL_LANES(int32_t) orders[bl_lanes], cuts[bl_lanes];
  memcpy(cuts, &b->cuts[cut], sizeof cuts);
  for (int lane = 0; lane < bl_lanes; lane++) {
    xs[lane] = bl_lane(&b->sorted[cuts[lane]], lane);
    memcpy(&orders[lane], (const uint8_t *)&b->order[cuts[lane]] + 4 * lane, 4);
  }
  memcpy(x, xs, sizeof xs);
  memcpy(order, orders, sizeof orders);
}

/// The codes of all levels, as the cuts say. A scale that would be negative changes all signs.
BL_INLINE void bl_iq1_cut(bl_iq1_block *b, int count) {
  f32x16 x[2];
  i32x16 order[2];
  for (int k = 0; k < 2; k++) bl_iq1_cut_at(b, k, &x[k], &order[k]);
  const i32x16 negative = b->scale < 0;
  b->scale = negative ? -b->scale : b->scale;
  for (int group = 0; group < count / 8; group++) {
    u32x16 code = 0;
    for (int i = 0; i < 8; i++) {
      const int j = 8 * group + i;
      i32x16 level = 0;  // masks are -1
      for (int k = 0; k < 2; k++) level -= (b->x[j] > x[k]) | ((b->x[j] == x[k]) & (j >= order[k]));
      code |= (u32x16)level << (2 * i);
    }
    b->codes[group] = negative ? 0xaaaau - code : code;
    b->shifts[group] = negative ? -b->shifts[group] : b->shifts[group];
  }
}

/// Level i of eight, shifted.
BL_INLINE void bl_iq1_level(const u32x16 *code, int i, const f32x16 *shift, f32x16 *level) {
  *level = __builtin_convertvector((i32x16)(*code >> (2 * i) & 3) - 1, f32x16) + *shift;
}

// MARK: The grid

/// The errors that the three levels make for each of eight weights, lanes first.
typedef struct {
  BL_LANES(f32x16) of[8][3];
} bl_iq1_errors;

BL_INLINE void bl_iq1_find_errors(const bl_iq1_block *b, int group, bl_iq1_errors *errors) {
  f32x16 scaled[3];
  for (int level = 0; level < 3; level++) scaled[level] = b->scale * ((float)(level - 1) + b->shifts[group]);
  for (int i = 0; i < 8; i++) {
    for (int level = 0; level < 3; level++) {
      const f32x16 difference = scaled[level] - b->x[8 * group + i];
      errors->of[i][level] = b->weights[8 * group + i] * difference * difference;
    }
  }
}

/// The first code that makes the least error, of `count`, a multiple of 16; -1 if none is finite.
BL_INLINE int32_t bl_iq1_nearest(const bl_iq1_errors *errors, int lane, const uint16_t *codes,
                                 uint32_t count) {
  float e[8][3];
  for (int i = 0; i < 8; i++) {
    for (int level = 0; level < 3; level++) e[i][level] = bl_lane(&errors->of[i][level], lane);
  }
  const float largest = 0x1.fffffep127f;
  f32x16 least = largest;
  u32x16 best = 0;
  BL_ONE_BY_ONE
  for (uint32_t from = 0; from < count; from += bl_iq1_run) {
    const u32x16 code = __builtin_convertvector(*(const u16x16 *)(codes + from), u32x16);
    f32x16 sum = 0;
    for (int i = 0; i < 8; i++) {
      const f32x16 low = (code & 1u << (2 * i)) != 0 ? (f32x16)e[i][1] : (f32x16)e[i][0];
      sum += (code & 2u << (2 * i)) != 0 ? (f32x16)e[i][2] : low;
    }
    const i32x16 better = sum < least;
    least = better ? sum : least;
    best = better ? (u32x16)from : best;
  }
  const float limit = bl_least_lane(&least);
  if (!(limit < largest)) return -1;
  const u32x16 numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const u32x16 first = least == limit ? best + numbers : (u32x16)UINT32_MAX;
  return codes[__builtin_reduce_min(first)];
}

/// Moves the levels of one lane's eight weights to the grid; false if nowhere the error is finite. There ggml
/// aborts.
BL_INLINE bool bl_iq1_place(const bl_iq1_grid *grid, const bl_iq1_errors *errors, int lane, uint32_t *code,
                            uint32_t *index) {
  const int16_t place = grid->place[bl_iq1_pattern(grid, *code)];
  if (place >= 0) {
    *index = (uint32_t)place;
    return true;
  }
  const uint32_t from = grid->starts[-1 - place], to = grid->starts[-place];
  int32_t found = bl_iq1_nearest(errors, lane, grid->lists + from, to - from);
  if (found < 0) found = bl_iq1_nearest(errors, lane, grid->codes, bl_iq1_points);
  if (found < 0) return false;
  *code = (uint32_t)found;
  *index = (uint32_t)grid->place[bl_iq1_pattern(grid, *code)];
  return true;
}

/// Moves all levels to the grid. Lanes in which something was found and that weren't on it get the scale
/// that fits the new levels best.
BL_INLINE void bl_iq1_snap(const bl_iq1_grid *grid, bl_iq1_block *b, int count) {
  u32x16 before[bl_iq1_groups];
  BL_ONE_BY_ONE
  for (int group = 0; group < count / 8; group++) {
    bl_iq1_errors errors;
    bl_iq1_find_errors(b, group, &errors);
    before[group] = b->codes[group];
    BL_LANES(uint32_t) codes[bl_lanes], indices[bl_lanes];
    BL_LANES(int32_t) found[bl_lanes];
    memcpy(codes, &b->codes[group], sizeof codes);
    memcpy(found, &b->found, sizeof found);
    BL_ONE_BY_ONE
    for (int lane = 0; lane < bl_lanes; lane++) {
      indices[lane] = 0;
      if (found[lane] && !bl_iq1_place(grid, &errors, lane, &codes[lane], &indices[lane])) found[lane] = 0;
    }
    memcpy(&b->codes[group], codes, sizeof codes);
    memcpy(&b->indices[group], indices, sizeof indices);
    memcpy(&b->found, found, sizeof found);
  }
  i32x16 moved = 0;
  f32x16 products = 0, squares = 0;
  for (int group = 0; group < count / 8; group++) {
    moved |= b->codes[group] != before[group];
    for (int i = 0; i < 8; i++) {
      f32x16 level;
      bl_iq1_level(&b->codes[group], i, &b->shifts[group], &level);
      const f32x16 weighted = b->weights[8 * group + i] * level;
      products += weighted * b->x[8 * group + i];
      squares += weighted * level;
    }
  }
  b->scale = (moved & (products > 0) & (squares > 0)) != 0 ? products / squares : b->scale;
}

/// Where nothing was found, all is as for the grid's first point and a scale of 0.
BL_INLINE void bl_iq1_settle(bl_iq1_block *b, float shift, int count) {
  b->found &= b->scale >= 0;  // otherwise it is NaN: there ggml aborts
  b->scale = b->found ? b->scale : (f32x16)0;
  for (int group = 0; group < count / 8; group++) {
    b->codes[group] = b->found ? b->codes[group] : (u32x16)0;
    b->indices[group] = b->found ? b->indices[group] : (u32x16)0;
    b->shifts[group] = b->found ? b->shifts[group] : (f32x16)shift;
  }
}

// MARK: Super-blocks

/// Sixteen super-blocks' weights, and twice the mean square of each.
typedef struct {
  BL_LANES(f32x16) x[bl_super_block];
  f32x16 square;
} bl_iq1_input;

BL_INLINE void bl_iq1_read(const bl_blocks *blocks, bl_iq1_input *in) {
  bl_gather(blocks->weights, 0, bl_super_block, in->x);
  f32x16 sum = 0;
  for (int j = 0; j < bl_super_block; j++) sum += in->x[j] * in->x[j];
  in->square = 2.0f * sum / bl_super_block;
}

/// Block `number` of each super-block, and the weights of its errors: by importance, or else their squares.
BL_INLINE void bl_iq1_load(const bl_iq1_input *in, const bl_blocks *blocks, bool weighted, int number,
                           int count, bl_iq1_block *b) {
  for (int j = 0; j < count; j++) b->x[j] = in->x[number * count + j];
  if (weighted) {
    bl_gather(blocks->importance, number * count, count, b->weights);
    bl_weigh(b->x, b->weights, &in->square, count, b->weights);
  } else {
    for (int j = 0; j < count; j++) b->weights[j] = b->x[j] * b->x[j];
  }
}

/// Lanes whose greatest magnitude is less than `least`; a NaN restarts the search for it.
BL_INLINE void bl_iq1_negligible(const bl_iq1_block *b, int count, float least, i32x16 *negligible) {
  f32x16 peak;
  bl_magnitudes(&b->x[0], &peak);
  for (int j = 1; j < count; j++) {
    f32x16 magnitude;
    bl_magnitudes(&b->x[j], &magnitude);
    peak = peak > magnitude ? peak : magnitude;
  }
  *negligible = peak < least;
}

#endif
