// NF4, FP4: 16 levels of -1...1 times the greatest magnitude of 64 weights, as bitsandbytes 0.50 computes
// them on the CPU.
//
// Blocks: 32 bytes of codes, weight 2j in the high four bits of byte j, weight 2j + 1 in the low four; apart
// from them a scale in single precision.
#include "bl_blocks.h"

#include "ggml_block.h"
#include "grid.h"

enum { block = bl_code_book_block, levels = 16, lanes = 16 };

/// Levels in rising order, and the codes that stand for them.
typedef struct {
  float level[levels];
  uint8_t code[levels];
} code_book;

static const code_book books[2] = {
    // Quantiles of the normal distribution (Dettmers and others 2023, QLoRA).
    [bl_nf4] = {{-0x1p0f, -0x1.647362p-1f, -0x1.0cd66p-1f, -0x1.946540p-2f, -0x1.23449ap-2f, -0x1.7a6a7ep-3f,
                 -0x1.74f0e2p-4f, 0, 0x1.45f5fep-4f, 0x1.4995c6p-3f, 0x1.f809bap-3f, 0x1.5a0674p-2f,
                 0x1.c3497p-2f, 0x1.200f56p-1f, 0x1.722766p-1f, 0x1p0f},
                {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    // 0, 0.0625, 2, 3, 4, 6, 8, 12 over 12 and their negatives. The zeros are two levels with two codes.
    [bl_fp4] = {{-0x1p0f, -0x1.555556p-1f, -0x1p-1f, -0x1.555556p-2f, -0x1p-2f, -0x1.555556p-3f,
                 -0x1.555556p-8f, 0, 0, 0x1.555556p-8f, 0x1.555556p-3f, 0x1p-2f, 0x1.555556p-2f, 0x1p-1f,
                 0x1.555556p-1f, 0x1p0f},
                {11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3}},
};

/// Weights between a level and the next go to the lower one up to their middle, and it is included.
BL_INLINE float bound(const code_book *book, int k) { return (book->level[k] + book->level[k + 1]) / 2; }

/// 1 / scale; the reference keeps it finite so.
BL_INLINE float inverse(float scale) { return 1 / (scale > 1e-38f ? scale : 1e-38f); }

/// 16 weights over their scale.
BL_INLINE void normalise(const float *w, float factor, f32x16 *out) {
  f32x16 v = *(const f32x16 *)w * factor;
  v = v > 1 ? (f32x16)1 : v;
  v = v < -1 ? (f32x16)-1 : v;
  *out = v == v ? v : (f32x16)0;
}

BL_KERNEL void bl_code_book_round(int32_t kind, const float *w, size_t blocks, float *out) {
  const code_book book = books[kind];
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += block, out += block) {
    const float scale = bl_group_magnitude(w, block).upper, factor = inverse(scale);
    BL_ONE_BY_ONE
    for (int j = 0; j < block; j += lanes) {
      f32x16 v, value = book.level[0];
      normalise(w + j, factor, &v);
      for (int k = 0; k < levels - 1; k++) {
        value = v > bound(&book, k) ? (f32x16)book.level[k + 1] : value;
      }
      *(f32x16 *)(out + j) = value * scale;
    }
  }
}

BL_KERNEL void bl_code_book_encode(int32_t kind, const float *restrict w, size_t blocks,
                                   uint8_t *restrict codes, uint8_t *restrict scales) {
  const code_book book = books[kind];
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += block, codes += block / 2, scales += sizeof(float)) {
    const float scale = bl_group_magnitude(w, block).upper, factor = inverse(scale);
    memcpy(scales, &scale, sizeof scale);
    uint8_t code[block];
    BL_ONE_BY_ONE
    for (int j = 0; j < block; j += lanes) {
      f32x16 v;
      u32x16 index = 0;
      normalise(w + j, factor, &v);
      for (int k = 0; k < levels - 1; k++) index -= (u32x16)(v > bound(&book, k));
      const u8x16 bytes = __builtin_convertvector(index, u8x16);
      memcpy(code + j, &bytes, sizeof bytes);
    }
    for (int j = 0; j < block / 2; j++) {
      codes[j] = (uint8_t)(book.code[code[2 * j]] << 4 | book.code[code[2 * j + 1]]);
    }
  }
}

void bl_code_book_decode(int32_t kind, const uint8_t *restrict codes, const uint8_t *restrict scales,
                         size_t blocks, float *restrict out) {
  float value[levels];
  for (int k = 0; k < levels; k++) value[books[kind].code[k]] = books[kind].level[k];
  for (; blocks > 0; blocks--, codes += block / 2, scales += sizeof(float), out += block) {
    float scale;
    memcpy(&scale, scales, sizeof scale);
    for (int j = 0; j < block / 2; j++) {
      out[2 * j] = value[codes[j] >> 4] * scale;
      out[2 * j + 1] = value[codes[j] & 15] * scale;
    }
  }
}
