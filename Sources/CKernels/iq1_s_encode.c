// IQ1_S: finding scales, shifts and points of the grid; iq1.c says how the blocks are laid out.
#include "iq1_encode.h"

enum { block = 32, groups = bl_super_block / block, bytes = 50 };

#define BL_SHIFT 0.125f

/// The parts of a sum over three pieces that depend on one cut alone.
typedef struct {
  BL_LANES(f32x16) x[block + 1], w[block + 1];  // sums of weighted x and weights up to each place
  BL_LANES(f32x16) last_x[block + 1][2], last_w[block + 1][2];  // of the last piece, shifted up and down
} partial_sums;

BL_INLINE void add_up(const bl_iq1_block *b, partial_sums *s) {
  f32x16 x = 0, w = 0;
  s->x[0] = x, s->w[0] = w;
  for (int j = 0; j < block; j++) {
    x += b->sorted_weights[j] * b->sorted[j];
    w += b->sorted_weights[j];
    s->x[j + 1] = x, s->w[j + 1] = w;
  }
  for (int j = 0; j <= block; j++) {
    for (int k = 0; k < 2; k++) {
      const float one = k == 0 ? 1 + BL_SHIFT : 1 - BL_SHIFT;
      s->last_x[j][k] = (x - s->x[j]) * one;
      s->last_w[j][k] = (w - s->w[j]) * one * one;
    }
  }
}

typedef struct {
  f32x16 scale, score;
  i32x16 cuts;  // the first, the second times 64, 4,096 if shifted down; -1 for none
} best_cut;

BL_INLINE void keep_better(const f32x16 *products, const f32x16 *squares, int cuts, best_cut *best) {
  const i32x16 better = (*squares > 0) & (*products * *products > best->score * *squares);
  if (!bl_any(&better)) return;
  const f32x16 scale = *products / *squares;
  best->scale = better ? scale : best->scale;
  best->score = better ? scale * *products : best->score;
  best->cuts = better ? (i32x16)cuts : best->cuts;
}

/// Of all ways to cut the sorted weights, with both shifts, the first best.
BL_INLINE void search(bl_iq1_block *b) {
  partial_sums s;
  add_up(b, &s);
  best_cut best = {0, -0x1.fffffep127f, -1};
  BL_ONE_BY_ONE
  for (int first = 0; first <= block; first++) {
    const f32x16 x = s.x[first], w = s.w[first];
    const f32x16 up_x = x * (-1 + BL_SHIFT), up_w = w * (-1 + BL_SHIFT) * (-1 + BL_SHIFT);
    const f32x16 down_x = x * (-1 - BL_SHIFT), down_w = w * (-1 - BL_SHIFT) * (-1 - BL_SHIFT);
    BL_ONE_BY_ONE
    for (int second = first; second <= block; second++) {
      const f32x16 middle_x = (s.x[second] - x) * BL_SHIFT;
      const f32x16 middle_w = (s.w[second] - w) * BL_SHIFT * BL_SHIFT;
      f32x16 products = up_x + middle_x + s.last_x[second][0];
      f32x16 squares = up_w + middle_w + s.last_w[second][0];
      keep_better(&products, &squares, first | second << 6, &best);
      products = down_x - middle_x + s.last_x[second][1];
      squares = down_w + middle_w + s.last_w[second][1];
      keep_better(&products, &squares, first | second << 6 | 1 << 12, &best);
    }
  }
  b->found = best.cuts >= 0;
  const i32x16 cuts = b->found ? best.cuts : (i32x16)0;
  b->cuts[0] = cuts & 63;
  b->cuts[1] = cuts >> 6 & 63;
  b->scale = best.scale;
  for (int k = 0; k < bl_iq1_groups; k++) {
    b->shifts[k] = cuts >> 12 != 0 ? (f32x16)-BL_SHIFT : (f32x16)BL_SHIFT;
  }
}

/// What is stored of each block of each super-block.
typedef struct {
  BL_LANES(f32x16) scales[groups];
  BL_LANES(u32x16) low[groups], high[groups];  // the words of grid indices; in the high ones there is room
  BL_LANES(i32x16) down[groups];
} found_blocks;

BL_INLINE void encode_block(const bl_iq1_grid *grid, const bl_iq1_input *in, const bl_blocks *blocks,
                            int number, found_blocks *found) {
  bl_iq1_block b;
  i32x16 negligible;
  bl_iq1_load(in, blocks, true, number, block, &b);
  bl_iq1_negligible(&b, block, 1e-12f, &negligible);
  bl_iq1_sort(&b, block);
  search(&b);
  b.found &= ~negligible;
  bl_iq1_cut(&b, block);
  bl_iq1_snap(grid, &b, block);
  bl_iq1_settle(&b, BL_SHIFT, block);
  u32x16 low = 0, high = 0;
  for (int k = 0; k < bl_iq1_groups; k++) {
    low |= (b.indices[k] & 255) << (8 * k);
    high |= b.indices[k] >> 8 << (3 * k);
  }
  found->low[number] = low, found->high[number] = high;
  found->scales[number] = b.scale;
  found->down[number] = b.shifts[0] < 0;
}

BL_INLINE void finish(const found_blocks *found, const bl_blocks *blocks, uint8_t *out) {
  f32x16 most = 0;
  for (int k = 0; k < groups; k++) most = most > found->scales[k] ? most : found->scales[k];
  const i32x16 empty = most == 0;
  f32x16 d = most / 15;
  const f32x16 inverse = 1.0f / d;
  BL_LANES(u32x16) high[groups];
  for (int k = 0; k < groups; k++) {
    const f32x16 ratio = 0.5f * (inverse * found->scales[k] - 1.0f);
    i32x16 step;
    bl_round_lanes(&ratio, &step);
    bl_clamp_lanes(&step, 0, 7);
    step |= found->down[k] & 8;
    high[k] = found->high[k] | (empty ? (u32x16)0 : (u32x16)step << 12);
  }
  d = empty ? (f32x16)0 : d * 1.125f;
  uint16_t halves[bl_lanes];
  bl_halves(&d, halves);
  for (int lane = 0; lane < blocks->used; lane++, out += bytes) {
    memcpy(out, &halves[lane], 2);
    bl_store_words(found->low, groups, lane, out + 2);
    for (int k = 0; k < groups; k++) memcpy(out + 34 + 2 * k, (const uint8_t *)&high[k] + 4 * lane, 2);
  }
}

BL_KERNEL void bl_encode_iq1_s(const float *weights, const float *importance, size_t rows, size_t row_length,
                               uint8_t *restrict out) {
  bl_remainder left = bl_begin(weights, importance, rows, row_length, bl_super_block);
  if (!importance) {
    memset(out, 0, left.blocks * bytes);
    return;
  }
  const bl_iq1_grid *grid = bl_iq1_shared_grid();
  while (left.blocks > 0) {
    bl_blocks blocks;
    bl_iq1_input in;
    found_blocks found;
    bl_take_blocks(&left, bl_super_block, &blocks);
    bl_iq1_read(&blocks, &in);
    BL_ONE_BY_ONE
    for (int k = 0; k < groups; k++) encode_block(grid, &in, &blocks, k, &found);
    finish(&found, &blocks, out);
    out += blocks.used * bytes;
  }
}
