// MXFP4, NVFP4: E2M1 values (0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives) with floating-point scales.
//
// Blocks:
//   MXFP4: 32 weights: a byte, the exponent of a scale (E8M0: 2^(e - 127)); 16 bytes, weight j in the low four
//          bits of byte j, weight j + 16 in the high four
//   NVFP4: 64 weights in four groups of 16: 4 bytes, scales (E4M3 without a sign); for each group 8 bytes, weight
//          j in the low four bits of byte j, weight j + 8 in the high four
// As in the reference, E2M1 values are kept doubled, and scales halved.
#include "ggml_block.h"

enum { mx_block = 32, nv_group = 16, nv_groups = 4 };

/// The doubled E2M1 values that aren't negative; codes 8 to 15 are the same with a minus.
static const float levels[8] = {0, 1, 2, 3, 4, 6, 8, 12};

BL_INLINE float half_e8m0(uint32_t e) {
  return bl_float(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

/// Half of an E4M3 scale; the sign bit is left out of account, but 0x7F (not 0xFF) is 0 instead of NaN.
BL_INLINE float half_e4m3(uint32_t byte) {
  const uint32_t exponent = byte >> 3 & 15, mantissa = byte & 7;
  const float normal = bl_float((exponent + 119) << 23 | mantissa << 20);
  const float value = exponent > 0 ? normal : (float)(int32_t)mantissa * 0x1p-10f;
  return byte == 0x7f ? 0 : value;
}

/// The doubled values of codes, by arithmetic on bytes: 5, 6 and 7 stand for 1, 2 and 5 more than themselves.
BL_INLINE void level_values(const uint8_t *codes, int count, int8_t *values) {
  for (int j = 0; j < count; j++) {
    const int8_t k = codes[j] & 7;
    const int8_t value = (int8_t)(k + (k > 4 ? k - 4 : 0) + (k == 7 ? 2 : 0));
    values[j] = (int8_t)(codes[j] > 7 ? -value : value);
  }
}

BL_KERNEL void bl_decode_mxfp4(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 17, out += mx_block) {
    const float d = half_e8m0(in[0]);
    uint8_t codes[mx_block];
    int8_t values[mx_block];
    bl_unpack_halves(in + 1, codes);
    level_values(codes, mx_block, values);
    for (int j = 0; j < mx_block; j++) out[j] = (float)values[j] * d;
  }
}

BL_KERNEL void bl_decode_nvfp4(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 36) {
    BL_ONE_BY_ONE
    for (int group = 0; group < nv_groups; group++, out += nv_group) {
      const float d = half_e4m3(in[group]);
      const uint8_t *bytes = in + 4 + group * 8;
      uint8_t codes[nv_group];
      int8_t values[nv_group];
      for (int j = 0; j < 8; j++) codes[j] = bytes[j] & 15;
      for (int j = 0; j < 8; j++) codes[j + 8] = bytes[j] >> 4;
      level_values(codes, nv_group, values);
      for (int j = 0; j < nv_group; j++) out[j] = (float)values[j] * d;
    }
  }
}

/// floorf(log2f(x)) of a positive finite float. The reference's log2f (glibc's) rounds, so that floats just
/// below a power of two already count as that power: the more of them, the longer the power is in binary.
BL_INLINE int32_t floor_log2(float x) {
  static const uint8_t reach[9] = {0, 0, 1, 2, 5, 11, 22, 44, 88};  // 2^(length - 1) x ln 2
  const int32_t shift = x < 0x1p-126f ? 24 : 0;
  const uint32_t bits = bl_bits(shift ? x * 0x1p24f : x);  // exact
  const int32_t exponent = (int32_t)(bits >> 23) - 127 - shift;
  const int32_t power = exponent + 1;
  const uint32_t size = (uint32_t)(power > 0 ? power - 1 : -power);
  const uint32_t length = size > 0 ? 32 - (uint32_t)__builtin_clz(size) : 0;
  return exponent + (0x00800000u - (bits & 0x007fffffu) <= reach[length]);
}

/// The code of each of 16 weights: the first of the nearest levels.
BL_INLINE void nearest_levels(const float *w, float d, uint8_t *codes) {
  const f32x16 v = *(const f32x16 *)w;
  const f32x16 magnitude = (f32x16)((u32x16)v & 0x7fffffffu);
  f32x16 best = magnitude;
  u32x16 code = 0;
  for (uint32_t k = 1; k < 8; k++) {
    const f32x16 distance = (f32x16)((u32x16)(levels[k] * d - magnitude) & 0x7fffffffu);
    const i32x16 nearer = distance < best;
    best = nearer ? distance : best;
    code = nearer ? (u32x16)k : code;
  }
  // A negative weight's nearest level is never positive; 0 has the code that isn't negative.
  const u32x16 negative = (u32x16)v >> 31 << 3;
  code = (i32x16)(code != 0) ? code | negative : code;
  const u8x16 bytes = __builtin_convertvector(code, u8x16);
  memcpy(codes, &bytes, sizeof bytes);
}

BL_KERNEL void bl_encode_mxfp4(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += mx_block, out += 17) {
    const float peak = bl_peak(w, mx_block);
    // Exponents below 0 wrap around, as they do in the reference; an infinite peak gives 0.
    const uint8_t e = peak > 0 && bl_is_finite(peak) ? (uint8_t)(floor_log2(peak) - 2 + 127) : 0;
    uint8_t codes[mx_block];
    for (int j = 0; j < mx_block; j += 16) nearest_levels(w + j, half_e8m0(e), codes + j);
    out[0] = e;
    bl_pack_halves(codes, out + 1);
  }
}

/// The E4M3 scale of a value that isn't negative: ties away from zero, and at most 448. What lies between the
/// greatest subnormal and the least normal becomes that subnormal, as in the reference.
BL_INLINE uint8_t e4m3_scale(float x) {
  if (!(x > 0)) return 0;
  const uint32_t bits = bl_bits(x > 448 ? 448 : x);
  const int32_t exponent = (int32_t)(bits >> 23) - 120;
  if (exponent <= 0) {
    const int32_t units = (int32_t)(x * 512 + 0.5f);
    return (uint8_t)(units > 7 ? 7 : units);
  }
  const uint32_t code = ((uint32_t)exponent << 3 | (bits >> 20 & 7)) + (bits >> 19 & 1);
  return (uint8_t)(code < 0x78 ? code : 0x7e);
}

BL_KERNEL void bl_encode_nvfp4(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, out += 36) {
    BL_ONE_BY_ONE
    for (int group = 0; group < nv_groups; group++, w += nv_group) {
      const uint8_t scale = e4m3_scale(bl_peak(w, nv_group) / 6);
      uint8_t codes[nv_group];
      nearest_levels(w, half_e4m3(scale), codes);
      out[group] = scale;
      for (int j = 0; j < 8; j++) {
        out[4 + group * 8 + j] = (uint8_t)(codes[j] | codes[j + 8] << 4);
      }
    }
  }
}
