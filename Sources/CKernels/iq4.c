// IQ4_NL, IQ4_XS: sixteen levels, closer together near zero.
//
// Blocks (halves are IEEE binary16, integers little-endian):
//   IQ4_NL: 32 weights: half d; 16 bytes, weight j in the low half of byte j, weight j + 16 in the high half
//   IQ4_XS: 256 weights: half d; 16 bits, the upper two bits of eight scales; 4 bytes, their low four bits; for
//           each 32 weights 16 bytes as in IQ4_NL
#include "ggml_block.h"

enum { block = 32 };

/// The levels (kvalues_iq4nl in ggml-common.h).
static const int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

BL_INLINE void decode_block(const uint8_t *bytes, float d, float *out) {
  uint8_t codes[block];
  int8_t values[block];
  bl_unpack_halves(bytes, codes);
  for (int j = 0; j < block; j++) {
    // Comparisons of bytes beat a table: they are done for many at once.
    int8_t value = levels[0];
    for (int k = 1; k < 16; k++) value = codes[j] == k ? levels[k] : value;
    values[j] = value;
  }
  for (int j = 0; j < block; j++) out[j] = d * (float)values[j];
}

BL_KERNEL void bl_decode_iq4_nl(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 18, out += block) decode_block(in + 2, bl_load_half(in), out);
}

BL_KERNEL void bl_decode_iq4_xs(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 136, out += bl_super_block) {
    const float d = bl_load_half(in);
    const uint32_t high = bl_load16(in + 2);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint32_t low = (uint32_t)in[4 + group / 2] >> (group % 2 * 4) & 15;
      const float scale = d * (float)((int32_t)(low | (high >> (2 * group) & 3) << 4) - 32);
      decode_block(in + 8 + group * 16, scale, out + group * 32);
    }
  }
}

// MARK: Encoding, sixteen blocks side by side: one lane of each vector does what the reference does for one

enum { lanes = 16, tries = 7 };

/// Where levels k - 1 and k are equally near; level k is taken there.
BL_INLINE float midpoint(int k) { return ((float)levels[k - 1] + (float)levels[k]) * 0.5f; }

/// The codes of the nearest levels; NaN gives the last. (Vectors go by pointer here: by value they would
/// make the calling convention depend on the processor.)
BL_INLINE void nearest_codes(const f32x16 *x, i32x16 *codes) {
  i32x16 code = 0;
  for (int k = 1; k < 16; k++) code = *x < midpoint(k) ? code : (i32x16)k;
  *codes = code;
}

BL_INLINE void nearest_levels(const f32x16 *x, f32x16 *nearest) {
  f32x16 level = (float)levels[0];
  for (int k = 1; k < 16; k++) level = *x < midpoint(k) ? level : (f32x16)(float)levels[k];
  *nearest = level;
}

/// The sums of a least-squares fit, in which each weight counts by its square.
typedef struct {
  f32x16 products, squares;
} fit;

BL_INLINE void add_up(const f32x16 *x, const f32x16 *inverse, fit *sums) {
  fit f = {0, 0};
  for (int j = 0; j < block; j++) {
    const f32x16 scaled = *inverse * x[j], weight = x[j] * x[j];
    f32x16 level;
    nearest_levels(&scaled, &level);
    f.products += weight * level * x[j];
    f.squares += weight * level * level;
  }
  *sums = f;
}

/// The scale of each block: of 16 candidates the one that leaves the least squared error.
BL_INLINE void best_scales(const f32x16 *x, f32x16 *scales) {
  f32x16 peak = 0, first = 0;
  for (int j = 0; j < block; j++) {
    const f32x16 magnitude = (f32x16)((u32x16)x[j] & 0x7fffffffu);
    first = magnitude > peak ? x[j] : first;
    peak = magnitude > peak ? magnitude : peak;
  }
  fit f;
  f32x16 inverse = 1.0f / (-first / (float)levels[0]);
  add_up(x, &inverse, &f);
  f32x16 scale = f.squares > 0 ? f.products / f.squares : (f32x16)0;
  f32x16 best = scale * f.products;
  for (int t = -tries; t <= tries; t++) {
    inverse = (float)(t + levels[0]) / first;
    add_up(x, &inverse, &f);
    const i32x16 better = (f.squares > 0) & (f.products * f.products > best * f.squares);
    scale = better ? f.products / f.squares : scale;
    best = better ? scale * f.products : best;
  }
  *scales = peak < 1e-15f ? (f32x16)0 : scale;
}

BL_KERNEL void bl_encode_iq4_nl(const float *restrict w, size_t count, uint8_t *restrict out) {
  while (count > 0) {
    const int used = count < lanes ? (int)count : lanes;
    f32x16 x[block];
    for (int j = 0; j < block; j++) {
      for (int lane = 0; lane < lanes; lane++) x[j][lane] = lane < used ? w[lane * block + j] : 0;
    }
    f32x16 scale;
    best_scales(x, &scale);
    const f32x16 inverse = scale != 0 ? 1.0f / scale : (f32x16)0;
    uint8_t codes[block][lanes];
    for (int j = 0; j < block; j++) {
      const f32x16 scaled = inverse * x[j];
      i32x16 code;
      nearest_codes(&scaled, &code);
      const u8x16 row = __builtin_convertvector(code, u8x16);
      memcpy(codes[j], &row, sizeof row);
    }
    for (int lane = 0; lane < used; lane++, out += 18) {
      bl_store_half(scale[lane], out);
      for (int j = 0; j < 16; j++) {
        out[2 + j] = (uint8_t)(codes[j][lane] | codes[j + 16][lane] << 4);
      }
    }
    w += used * block;
    count -= (size_t)used;
  }
}
