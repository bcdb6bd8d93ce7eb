/// What the block types of ggml share: fields at any alignment, the reference's conversions, greatest weights.
#ifndef BITLADDER_GGML_BLOCK_H
#define BITLADDER_GGML_BLOCK_H

#include "bl_ggml.h"
#include "half.h"
#include "kernel.h"

/// Before a loop over blocks or groups: the loops inside are those to vectorise. (Left to itself the compiler
/// unrolls them and vectorises this one, with weights gathered and scattered one by one.)
#define BL_ONE_BY_ONE _Pragma("clang loop vectorize(disable) interleave(disable)")

/// The weights of a super-block.
enum { bl_super_block = 256 };

BL_INLINE uint16_t bl_load16(const uint8_t *bytes) {
  uint16_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

BL_INLINE uint32_t bl_load32(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

BL_INLINE float bl_load_half(const uint8_t *bytes) { return bl_float_from_half(bl_load16(bytes)); }

BL_INLINE void bl_store_half(float value, uint8_t *bytes) {
  const uint16_t half = bl_half_from_float(value);
  memcpy(bytes, &half, sizeof half);
}

/// A float cut to an integer; x86-64 gives -2^31 for what doesn't fit and for NaN.
BL_INLINE int32_t bl_truncate(float x) {
  return (int32_t)(x >= -0x1p31f && x < 0x1p31f ? x : -0x1p31f);
}

/// roundf (ties away from zero) as an integer, -2^31 for what doesn't fit and for NaN.
BL_INLINE int32_t bl_round_away(float x) {
  const float inside = x >= -0x1p31f && x < 0x1p31f ? x : -0x1p31f;
  const int32_t whole = (int32_t)inside;
  const float rest = inside - (float)whole;  // exact
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

/// 1 / scale, or 0 for a scale of 0; NaN stays NaN.
BL_INLINE float bl_reciprocal(float scale) { return scale != 0 ? 1.0f / scale : 0; }

BL_INLINE float bl_magnitude(float x) { return bl_float(bl_bits(x) & 0x7fffffffu); }

/// A value whose sign changes if the lowest bit of `negative` is set.
BL_INLINE float bl_negated_if(float x, uint32_t negative) {
  return bl_float(bl_bits(x) ^ (negative << 31));
}

/// The greatest of sixteen lanes, none of them NaN. (The compiler's own reduction looks for NaN at each step.)
BL_INLINE float bl_greatest_lane(const f32x16 *v) {
  const f32x8 a = v->lo, b = v->hi, eight = a > b ? a : b;
  const f32x4 c = eight.lo, d = eight.hi, four = c > d ? c : d;
  const float e = four[0] > four[1] ? four[0] : four[1], f = four[2] > four[3] ? four[2] : four[3];
  return e > f ? e : f;
}

/// The least.
BL_INLINE float bl_least_lane(const f32x16 *v) {
  const f32x8 a = v->lo, b = v->hi, eight = a < b ? a : b;
  const f32x4 c = eight.lo, d = eight.hi, four = c < d ? c : d;
  const float e = four[0] < four[1] ? four[0] : four[1], f = four[2] < four[3] ? four[2] : four[3];
  return e < f ? e : f;
}

/// The greatest magnitude, 0 for none; NaN doesn't count. `count` is a multiple of 16.
BL_INLINE float bl_peak(const float *w, size_t count) {
  f32x16 peak = 0;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 v = (f32x16)(*(const u32x16 *)(w + i) & 0x7fffffffu);
    peak = v > peak ? v : peak;
  }
  return bl_greatest_lane(&peak);
}

/// The first weight of the greatest magnitude, with its sign; +0 if all are 0 or NaN.
BL_INLINE float bl_signed_peak(const float *w, size_t count) {
  f32x16 lower = 0, upper = 0;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    lower = v < lower ? v : lower;
    upper = v > upper ? v : upper;
  }
  const float least = bl_least_lane(&lower), most = bl_greatest_lane(&upper);
  if (-least != most) return -least > most ? least : most;
  if (most == 0) return 0;
  for (size_t i = 0; i < count; i++) {
    if (w[i] == least || w[i] == most) return w[i];
  }
  return 0;
}

/// The greatest magnitude as a chain of `a > b ? a : b` finds it: NaN restarts the chain, and is what comes
/// out if it stands last.
BL_INLINE float bl_restarting_peak(const float *w, size_t count) {
  int32_t strange = 0;
  for (size_t i = 0; i < count; i++) strange |= w[i] != w[i];
  if (!strange) return bl_peak(w, count);
  float peak = 0;
  for (size_t i = 0; i < count; i++) {
    const float a = bl_magnitude(w[i]);
    peak = peak > a ? peak : a;
  }
  return peak;
}

/// The reverse of bl_pack_halves. Kernels unpack codes first and scale them then: both loops vectorise.
BL_INLINE void bl_unpack_halves(const uint8_t *bytes, uint8_t values[32]) {
  for (int j = 0; j < 16; j++) values[j] = bytes[j] & 15;
  for (int j = 0; j < 16; j++) values[j + 16] = bytes[j] >> 4;
}

/// 32 values of four bits: each byte holds value j in its low half and value j + 16 in its high half.
BL_INLINE void bl_pack_halves(const uint8_t values[32], uint8_t bytes[16]) {
  for (int j = 0; j < 16; j++) bytes[j] = (uint8_t)(values[j] | values[j + 16] << 4);
}

#endif
