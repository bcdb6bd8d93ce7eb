// IQ4_NL, IQ4_XS: finding the scales and codes; iq4.c says how the blocks are laid out.
//
// Of 16 candidates the scale is taken that leaves the least squared error, each weight counting by its
// square, or by its importance.
#include "block_lanes.h"
#include "iq4.h"

enum { block = 32, tries = 7, groups = bl_super_block / block };

/// Where levels k - 1 and k are equally near; level k is taken there.
BL_INLINE float midpoint(int k) { return ((float)bl_iq4_levels[k - 1] + (float)bl_iq4_levels[k]) * 0.5f; }

/// The codes of the nearest levels; NaN gives the last. (Vectors go by pointer here: by value they would
/// make the calling convention depend on the processor.)
BL_INLINE void nearest_codes(const f32x16 *x, i32x16 *codes) {
  i32x16 code = 0;
  for (int k = 1; k < 16; k++) code = *x < midpoint(k) ? code : (i32x16)k;
  *codes = code;
}

/// The nearest levels. (First the half of the levels, then those in it: with all fifteen midpoints in one
/// chain AVX-512's mask registers don't suffice.)
BL_INLINE void nearest_levels(const f32x16 *x, f32x16 *nearest) {
  const i32x16 lower = *x < midpoint(8);
  f32x16 level = lower ? (f32x16)(float)bl_iq4_levels[0] : (f32x16)(float)bl_iq4_levels[8];
  for (int k = 1; k < 8; k++) {
    const f32x16 limit = lower ? (f32x16)midpoint(k) : (f32x16)midpoint(k + 8);
    const f32x16 next = lower ? (f32x16)(float)bl_iq4_levels[k] : (f32x16)(float)bl_iq4_levels[k + 8];
    level = *x < limit ? level : next;
  }
  *nearest = level;
}

/// The sums of a least-squares fit.
typedef struct {
  f32x16 products, squares;
} fit;

/// `weights` is NULL where each weight counts by its square.
BL_INLINE void add_up(const f32x16 *x, const f32x16 *weights, const f32x16 *inverse, fit *sums) {
  fit f = {0, 0};
  for (int j = 0; j < block; j++) {
    const f32x16 scaled = *inverse * x[j], weight = weights ? weights[j] : x[j] * x[j];
    f32x16 level;
    nearest_levels(&scaled, &level);
    f.products += weight * level * x[j];
    f.squares += weight * level * level;
  }
  *sums = f;
}

BL_INLINE void best_scales(const f32x16 *x, const f32x16 *weights, f32x16 *scales) {
  f32x16 peak, first;
  bl_peak_lanes(x, &peak, &first);
  fit f;
  f32x16 inverse = 1.0f / (-first / (float)bl_iq4_levels[0]);
  add_up(x, weights, &inverse, &f);
  f32x16 scale = f.squares > 0 ? f.products / f.squares : (f32x16)0;
  f32x16 best = scale * f.products;
  for (int t = -tries; t <= tries; t++) {
    inverse = (float)(t + bl_iq4_levels[0]) / first;
    add_up(x, weights, &inverse, &f);
    const i32x16 better = (f.squares > 0) & (f.products * f.products > best * f.squares);
    scale = better ? f.products / f.squares : scale;
    best = better ? scale * f.products : best;
  }
  *scales = peak < 1e-15f ? (f32x16)0 : scale;
}

/// The codes of 32 weights of each block, packed.
BL_INLINE void encode_group(const f32x16 *x, const f32x16 *inverse, u32x16 words[4]) {
  BL_LANES(i32x16) codes[block];
  for (int j = 0; j < block; j++) {
    const f32x16 scaled = *inverse * x[j];
    nearest_codes(&scaled, &codes[j]);
  }
  bl_pack_lanes(codes, words);
}

/// Twice the mean square of `count` weights.
BL_INLINE void twice_mean_square(const f32x16 *x, int count, f32x16 *square) {
  f32x16 sum = 0;
  for (int j = 0; j < count; j++) sum += x[j] * x[j];
  *square = sum * (2.0f / (float)count);
}

BL_INLINE void encode_nl(bl_remainder left, bool weighted, uint8_t *restrict out) {
  while (left.blocks > 0) {
    bl_blocks blocks;
    bl_take_blocks(&left, block, &blocks);
    BL_LANES(f32x16) x[block], weights[block];
    bl_gather(blocks.weights, 0, block, x);
    if (weighted) {
      f32x16 square;
      twice_mean_square(x, block, &square);
      bl_gather(blocks.importance, 0, block, weights);
      bl_weigh(x, weights, &square, block, weights);
    }
    f32x16 scale;
    best_scales(x, weighted ? weights : NULL, &scale);
    const f32x16 inverse = scale != 0 ? 1.0f / scale : (f32x16)0;
    BL_LANES(u32x16) words[4];
    encode_group(x, &inverse, words);
    uint16_t halves[bl_lanes];
    bl_halves(&scale, halves);
    for (int lane = 0; lane < blocks.used; lane++, out += 18) {
      memcpy(out, &halves[lane], 2);
      bl_store_words(words, 4, lane, out + 2);
    }
  }
}

BL_KERNEL void bl_encode_iq4_nl(const float *weights, const float *importance, size_t rows, size_t row_length,
                                uint8_t *restrict blocks) {
  const bl_remainder all = bl_begin(weights, importance, rows, row_length, block);
  if (importance) {
    encode_nl(all, true, blocks);
  } else {
    encode_nl(all, false, blocks);
  }
}

// MARK: IQ4_XS

/// The scales of eight groups of 32 weights; x holds the 256 weights of each super-block.
BL_INLINE void group_scales(const f32x16 *x, const bl_blocks *blocks, bool weighted, f32x16 scales[groups]) {
  f32x16 square = 0;
  if (weighted) twice_mean_square(x, bl_super_block, &square);
  BL_ONE_BY_ONE
  for (int group = 0; group < groups; group++) {
    BL_LANES(f32x16) weights[block];
    const f32x16 *of_group = x + group * block;
    if (weighted) {
      bl_gather(blocks->importance, group * block, block, weights);
      bl_weigh(of_group, weights, &square, block, weights);
    }
    best_scales(of_group, weighted ? weights : NULL, &scales[group]);
  }
}

/// The scale of the greatest magnitude, by -32: so it becomes -32, the end of the range that is one longer.
BL_INLINE void common_scale(const f32x16 scales[groups], f32x16 *common) {
  f32x16 peak = 0, greatest = 0;
  for (int group = 0; group < groups; group++) {
    f32x16 magnitude;
    bl_magnitudes(&scales[group], &magnitude);
    greatest = magnitude > peak ? scales[group] : greatest;
    peak = magnitude > peak ? magnitude : peak;
  }
  *common = -greatest / 32;
}

BL_INLINE void encode_xs(bl_remainder left, bool weighted, uint8_t *restrict out) {
  while (left.blocks > 0) {
    bl_blocks blocks;
    bl_take_blocks(&left, bl_super_block, &blocks);
    BL_LANES(f32x16) x[bl_super_block];
    bl_gather(blocks.weights, 0, bl_super_block, x);
    f32x16 scales[groups], d;
    group_scales(x, &blocks, weighted, scales);
    common_scale(scales, &d);
    const f32x16 inverse = d != 0 ? 1.0f / d : (f32x16)0;
    BL_LANES(u32x16) words[groups * 4];
    u32x16 low = 0, high = 0;
    BL_ONE_BY_ONE
    for (int group = 0; group < groups; group++) {
      const f32x16 ratio = inverse * scales[group];
      i32x16 step;
      bl_round_lanes(&ratio, &step);
      bl_clamp_lanes(&step, -32, 31);
      const f32x16 scale = d * __builtin_convertvector(step, f32x16);
      const f32x16 of_group = scale != 0 ? 1.0f / scale : (f32x16)0;
      encode_group(x + group * block, &of_group, words + 4 * group);
      const u32x16 code = (u32x16)(step + 32);
      low |= (code & 15) << (4 * group);
      high |= code >> 4 << (2 * group);
    }
    uint16_t halves[bl_lanes], uppers[bl_lanes];
    bl_halves(&d, halves);
    for (int lane = 0; lane < bl_lanes; lane++) uppers[lane] = (uint16_t)high[lane];
    for (int lane = 0; lane < blocks.used; lane++, out += 136) {
      memcpy(out, &halves[lane], 2);
      memcpy(out + 2, &uppers[lane], 2);
      bl_store_words(&low, 1, lane, out + 4);
      bl_store_words(words, 4 * groups, lane, out + 8);
    }
  }
}

BL_KERNEL void bl_encode_iq4_xs(const float *weights, const float *importance, size_t rows, size_t row_length,
                                uint8_t *restrict blocks) {
  const bl_remainder all = bl_begin(weights, importance, rows, row_length, bl_super_block);
  if (importance) {
    encode_xs(all, true, blocks);
  } else {
    encode_xs(all, false, blocks);
  }
}
