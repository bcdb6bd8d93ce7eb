// IQ1_M: finding scales, shifts and points of the grid; iq1.c says how the blocks are laid out. The search
// is that of ggml 0.25.3 (earlier versions add up in another order).
#include "iq1_encode.h"

enum { block = 16, groups = bl_super_block / block, bytes = 56 };

#define BL_SHIFT 0.125f
#define BL_UP (1 + BL_SHIFT)
#define BL_DOWN (1 - BL_SHIFT)

/// For the weights of one half of a block, which are spread over the sorted ones. A half is shifted up or
/// down.
typedef struct {
  // Sums of weighted x and weights up to each place.
  BL_LANES(f32x16) x[block + 1], w[block + 1];
  // What the second cut takes from the squares.
  BL_LANES(f32x16) second_up[block + 1], second_down[block + 1];
} half_sums;

BL_INLINE void add_up(const bl_iq1_block *b, int half, half_sums *s) {
  f32x16 x = 0, w = 0;
  for (int j = 0; j <= block; j++) {
    s->x[j] = x, s->w[j] = w;
    s->second_up[j] = w * (BL_SHIFT * BL_SHIFT - BL_UP * BL_UP);
    s->second_down[j] = w * (BL_SHIFT * BL_SHIFT - BL_DOWN * BL_DOWN);
    if (j == block) break;
    const i32x16 here = half == 0 ? b->order[j] < 8 : b->order[j] >= 8;
    x = here ? x + b->sorted_weights[j] * b->sorted[j] : x;
    w = here ? w + b->sorted_weights[j] : w;
  }
}

/// The products and squares of one half, shifted up and down.
typedef struct {
  f32x16 products[2], squares[2];
} shifted_sums;

/// What of them the first cut decides.
BL_INLINE void cut_first(const half_sums *s, int first, shifted_sums *sums) {
  const f32x16 x = s->x[block], w = s->w[block];
  sums->products[0] = x * BL_UP;
  sums->products[1] = x * BL_DOWN;
  sums->squares[0] = w * BL_UP * BL_UP + s->w[first] * (BL_DOWN * BL_DOWN - BL_SHIFT * BL_SHIFT);
  sums->squares[1] = w * BL_DOWN * BL_DOWN + s->w[first] * (BL_UP * BL_UP - BL_SHIFT * BL_SHIFT);
}

BL_INLINE void cut_second(const half_sums *s, int first, int second, const shifted_sums *start,
                          shifted_sums *sums) {
  const f32x16 x = s->x[first] + s->x[second];
  for (int k = 0; k < 2; k++) sums->products[k] = start->products[k] - x;
  sums->squares[0] = start->squares[0] + s->second_up[second];
  sums->squares[1] = start->squares[1] + s->second_down[second];
}

typedef struct {
  f32x16 scale, score;
  i32x16 cuts;  // the first, the second times 32, 1,024 and 2,048 for a half shifted down; -1 for none
} best_cut;

BL_INLINE void keep_better(const f32x16 *products, const f32x16 *squares, int cuts, best_cut *best) {
  const i32x16 better = (*squares > 0) & (*products * *products > best->score * *squares);
  const f32x16 scale = *products / *squares;
  best->scale = better ? scale : best->scale;
  best->score = better ? scale * *products : best->score;
  best->cuts = better ? (i32x16)cuts : best->cuts;
}

/// Of all ways to cut the sorted weights, with both shifts of both halves, the first best.
BL_INLINE void search(bl_iq1_block *b) {
  half_sums halves[2];
  for (int h = 0; h < 2; h++) add_up(b, h, &halves[h]);
  best_cut best = {0, -0x1.fffffep127f, -1};
  BL_ONE_BY_ONE
  for (int first = 0; first <= block; first++) {
    shifted_sums start[2];
    for (int h = 0; h < 2; h++) cut_first(&halves[h], first, &start[h]);
    BL_ONE_BY_ONE
    for (int second = first; second <= block; second++) {
      shifted_sums s[2];
      for (int h = 0; h < 2; h++) cut_second(&halves[h], first, second, &start[h], &s[h]);
      for (int k = 0; k < 4; k++) {
        const f32x16 products = s[0].products[k >> 1] + s[1].products[k & 1];
        const f32x16 squares = s[0].squares[k >> 1] + s[1].squares[k & 1];
        keep_better(&products, &squares, first | second << 5 | (k >> 1) << 10 | (k & 1) << 11, &best);
      }
    }
  }
  b->found = best.cuts >= 0;
  const i32x16 cuts = b->found ? best.cuts : (i32x16)0;
  b->cuts[0] = cuts & 31;
  b->cuts[1] = cuts >> 5 & 31;
  b->scale = best.scale;
  for (int k = 0; k < 2; k++) {
    b->shifts[k] = (cuts >> (10 + k) & 1) != 0 ? (f32x16)-BL_SHIFT : (f32x16)BL_SHIFT;
  }
}

/// What was found of each block of each super-block.
typedef struct {
  BL_LANES(f32x16) scales[groups], shifts[groups][2];
  BL_LANES(u32x16) codes[groups][2], indices[groups][2];
} found_blocks;

BL_INLINE void encode_block(const bl_iq1_grid *grid, const bl_iq1_input *in, const bl_blocks *blocks,
                            bool weighted, int number, found_blocks *found) {
  bl_iq1_block b;
  i32x16 negligible;
  bl_iq1_load(in, blocks, weighted, number, block, &b);
  bl_iq1_negligible(&b, block, 1e-7f, &negligible);
  bl_iq1_sort(&b, block);
  search(&b);
  b.found &= ~negligible;
  bl_iq1_cut(&b, block);
  bl_iq1_snap(grid, &b, block);
  bl_iq1_settle(&b, BL_SHIFT, block);
  found->scales[number] = b.scale;
  for (int k = 0; k < 2; k++) {
    found->shifts[number][k] = b.shifts[k];
    found->codes[number][k] = b.codes[k];
    found->indices[number][k] = b.indices[k];
  }
}

/// The steps of all blocks' scales, and the scale of the super-block that fits all its levels best.
BL_INLINE void fit_super_block(const bl_iq1_input *in, const bl_blocks *blocks, bool weighted,
                               const found_blocks *found, const f32x16 *most, i32x16 steps[groups],
                               f32x16 *fitted) {
  const f32x16 d = *most / 15, inverse = 1.0f / d;
  f32x16 products = 0, squares = 0;
  BL_ONE_BY_ONE
  for (int number = 0; number < groups; number++) {
    const f32x16 ratio = 0.5f * (inverse * found->scales[number] - 1.0f);
    bl_round_lanes(&ratio, &steps[number]);
    bl_clamp_lanes(&steps[number], 0, 7);
    const f32x16 factor = __builtin_convertvector(2 * steps[number] + 1, f32x16);
    bl_iq1_block b;
    bl_iq1_load(in, blocks, weighted, number, block, &b);
    for (int j = 0; j < block; j++) {
      f32x16 level;
      bl_iq1_level(&found->codes[number][j / 8], j % 8, &found->shifts[number][j / 8], &level);
      level *= factor;
      const f32x16 weight = b.weights[j] * level;
      products += weight * b.x[j];
      squares += weight * level;
    }
  }
  *fitted = squares > 0 ? products / squares : d;
}

/// The bytes of the super-blocks, as words.
typedef struct {
  BL_LANES(u32x16) indices[8], upper[4], scales[4];
} packed;

BL_INLINE void pack(const found_blocks *found, const i32x16 *empty, const i32x16 steps[groups], packed *out) {
  memset(out, 0, sizeof *out);
  for (int number = 0; number < groups; number++) {
    for (int k = 0; k < 2; k++) {
      const u32x16 down = (u32x16)((found->shifts[number][k] < 0) & ~*empty) & 8;
      const u32x16 nibble = found->indices[number][k] >> 8 | down;
      out->indices[number / 2] |= (found->indices[number][k] & 255) << (16 * (number % 2) + 8 * k);
      out->upper[number / 4] |= nibble << (8 * (number % 4) + 4 * k);
    }
    out->scales[number / 4] |= (*empty ? (u32x16)0 : (u32x16)steps[number]) << (3 * (number % 4));
  }
}

BL_INLINE void finish(const found_blocks *found, const bl_iq1_input *in, const bl_blocks *blocks,
                      bool weighted, uint8_t *out) {
  f32x16 most = 0, d;
  for (int k = 0; k < groups; k++) most = most > found->scales[k] ? most : found->scales[k];
  const i32x16 empty = most == 0;
  i32x16 steps[groups];
  fit_super_block(in, blocks, weighted, found, &most, steps, &d);
  d = empty ? (f32x16)0 : d * 1.1125f;
  packed words;
  pack(found, &empty, steps, &words);
  uint16_t halves[bl_lanes];
  bl_halves(&d, halves);
  for (int lane = 0; lane < blocks->used; lane++, out += bytes) {
    bl_store_words(words.indices, 8, lane, out);
    bl_store_words(words.upper, 4, lane, out + 32);
    for (int k = 0; k < 4; k++) {
      uint16_t word;
      memcpy(&word, (const uint8_t *)&words.scales[k] + 4 * lane, 2);
      word |= (uint16_t)((halves[lane] >> (4 * k) & 15) << 12);
      memcpy(out + 48 + 2 * k, &word, 2);
    }
  }
}

BL_INLINE void encode(bl_remainder left, bool weighted, uint8_t *restrict out) {
  const bl_iq1_grid *grid = bl_iq1_shared_grid();
  while (left.blocks > 0) {
    bl_blocks blocks;
    bl_iq1_input in;
    found_blocks found;
    bl_take_blocks(&left, bl_super_block, &blocks);
    bl_iq1_read(&blocks, &in);
    BL_ONE_BY_ONE
    for (int k = 0; k < groups; k++) encode_block(grid, &in, &blocks, weighted, k, &found);
    finish(&found, &in, &blocks, weighted, out);
    out += blocks.used * bytes;
  }
}

BL_KERNEL void bl_encode_iq1_m(const float *weights, const float *importance, size_t rows, size_t row_length,
                               uint8_t *restrict out) {
  const bl_remainder all = bl_begin(weights, importance, rows, row_length, bl_super_block);
  if (importance) {
    encode(all, true, out);
  } else {
    encode(all, false, out);
  }
}
