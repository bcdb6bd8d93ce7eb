// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: blocks of 32 weights.
//
// Blocks (halves are IEEE binary16, little-endian):
//   Q4_0: half d; 16 bytes, weight j in the low four bits of byte j, weight j + 16 in the high four
//   Q4_1: half d, half m; 16 bytes as in Q4_0
//   Q5_0: half d; 32 bits, bit j the fifth bit of weight j; 16 bytes as in Q4_0
//   Q5_1: half d, half m; 32 bits and 16 bytes as in Q5_0
//   Q8_0: half d; 32 signed bytes
#include "ggml_block.h"
#include "legacy.h"

enum { block = 32 };

// MARK: Decoding

BL_KERNEL void bl_decode_q4_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 18, out += block) {
    const float d = bl_load_half(in);
    uint8_t codes[block];
    bl_unpack_halves(in + 2, codes);
    for (int j = 0; j < block; j++) out[j] = (float)(codes[j] - 8) * d;
  }
}

BL_KERNEL void bl_decode_q4_1(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 20, out += block) {
    const float d = bl_load_half(in), m = bl_load_half(in + 2);
    uint8_t codes[block];
    bl_unpack_halves(in + 4, codes);
    for (int j = 0; j < block; j++) out[j] = (float)codes[j] * d + m;
  }
}

/// Weight j's five bits: four from a byte's half, the fifth from `high`.
BL_INLINE int32_t five_bits(int32_t low, uint32_t high, int j) {
  return low | (int32_t)((high >> j) & 1u) << 4;
}

BL_KERNEL void bl_decode_q5_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 22, out += block) {
    const float d = bl_load_half(in);
    const uint32_t high = bl_load32(in + 2);
    for (int j = 0; j < 16; j++) {
      out[j] = (float)(five_bits(in[6 + j] & 15, high, j) - 16) * d;
      out[j + 16] = (float)(five_bits(in[6 + j] >> 4, high, j + 16) - 16) * d;
    }
  }
}

BL_KERNEL void bl_decode_q5_1(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 24, out += block) {
    const float d = bl_load_half(in), m = bl_load_half(in + 2);
    const uint32_t high = bl_load32(in + 4);
    for (int j = 0; j < 16; j++) {
      out[j] = (float)five_bits(in[8 + j] & 15, high, j) * d + m;
      out[j + 16] = (float)five_bits(in[8 + j] >> 4, high, j + 16) * d + m;
    }
  }
}

BL_KERNEL void bl_decode_q8_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 34, out += block) {
    const float d = bl_load_half(in);
    for (int j = 0; j < block; j++) out[j] = (float)(int8_t)in[2 + j] * d;
  }
}

// MARK: Encoding

/// The least and greatest of 32 weights, begun with the greatest and least finite float; NaN doesn't count.
typedef struct {
  float least, greatest;
} ends;

BL_INLINE ends ends_of(const float *w) {
  const float largest = 0x1.fffffep127f;
  f32x16 lower = largest, upper = -largest;
  for (int i = 0; i < block; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    lower = v < lower ? v : lower;
    upper = v > upper ? v : upper;
  }
  ends e = {bl_least_lane(&lower), bl_greatest_lane(&upper)};
  if (e.least == 0) {
    // The zero that stands first is the one kept, and its sign is stored.
    for (int i = block; i-- > 0;) e.least = w[i] == 0 ? w[i] : e.least;
    if (e.greatest == 0) e.greatest = e.least;
  }
  return e;
}

/// A float cut to a signed byte by way of an integer, then to at most `most`.
BL_INLINE uint8_t byte_code(float x, int32_t most) {
  const int32_t code = (int8_t)bl_truncate(x);
  return (uint8_t)(code < most ? code : most);
}

/// The five-bit codes as 32 high bits and 16 bytes of the low four.
BL_INLINE void pack_five_bits(const uint8_t codes[block], uint8_t *bytes) {
  uint32_t high = 0;
  uint8_t low[block];
  for (int j = 0; j < block; j++) {
    high |= (uint32_t)(codes[j] >> 4 & 1) << j;
    low[j] = codes[j] & 15;
  }
  memcpy(bytes, &high, sizeof high);
  bl_pack_halves(low, bytes + 4);
}

BL_KERNEL void bl_encode_q4_0(const float *restrict w, const float *importance, size_t rows, size_t row_length,
                              uint8_t *restrict out) {
  if (importance) {
    bl_encode_weighted_q4_0(w, importance, rows, row_length, out);
    return;
  }
  size_t count = rows * (row_length / block);
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += block, out += 18) {
    const float d = bl_signed_peak(w, block) / -8, id = bl_reciprocal(d);
    uint8_t codes[block];
    for (int j = 0; j < block; j++) codes[j] = byte_code(w[j] * id + 8.5f, 15);
    bl_store_half(d, out);
    bl_pack_halves(codes, out + 2);
  }
}

BL_KERNEL void bl_encode_q4_1(const float *restrict w, const float *importance, size_t rows, size_t row_length,
                              uint8_t *restrict out) {
  if (importance) {
    bl_encode_weighted_q4_1(w, importance, rows, row_length, out);
    return;
  }
  size_t count = rows * (row_length / block);
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += block, out += 20) {
    const ends e = ends_of(w);
    const float d = (e.greatest - e.least) / 15, id = bl_reciprocal(d);
    uint8_t codes[block];
    for (int j = 0; j < block; j++) codes[j] = byte_code((w[j] - e.least) * id + 0.5f, 15);
    bl_store_half(d, out);
    bl_store_half(e.least, out + 2);
    bl_pack_halves(codes, out + 4);
  }
}

BL_KERNEL void bl_encode_q5_0(const float *restrict w, const float *importance, size_t rows, size_t row_length,
                              uint8_t *restrict out) {
  if (importance) {
    bl_encode_weighted_q5_0(w, importance, rows, row_length, out);
    return;
  }
  size_t count = rows * (row_length / block);
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += block, out += 22) {
    const float d = bl_signed_peak(w, block) / -16, id = bl_reciprocal(d);
    uint8_t codes[block];
    for (int j = 0; j < block; j++) codes[j] = byte_code(w[j] * id + 16.5f, 31);
    bl_store_half(d, out);
    pack_five_bits(codes, out + 2);
  }
}

BL_KERNEL void bl_encode_q5_1(const float *restrict w, const float *importance, size_t rows, size_t row_length,
                              uint8_t *restrict out) {
  if (importance) {
    bl_encode_weighted_q5_1(w, importance, rows, row_length, out);
    return;
  }
  size_t count = rows * (row_length / block);
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += block, out += 24) {
    const ends e = ends_of(w);
    const float d = (e.greatest - e.least) / 31, id = bl_reciprocal(d);
    uint8_t codes[block];
    for (int j = 0; j < block; j++) codes[j] = (uint8_t)bl_truncate((w[j] - e.least) * id + 0.5f);
    bl_store_half(d, out);
    bl_store_half(e.least, out + 2);
    pack_five_bits(codes, out + 4);
  }
}

BL_KERNEL void bl_encode_q8_0(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += block, out += 34) {
    const float d = bl_restarting_peak(w, block) / 127, id = bl_reciprocal(d);
    bl_store_half(d, out);
    for (int j = 0; j < block; j++) out[2 + j] = (uint8_t)bl_round_away(w[j] * id);
  }
}
