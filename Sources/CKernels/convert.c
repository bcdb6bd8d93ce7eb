#include "bl_convert.h"

#include "half.h"
#include "kernel.h"

typedef struct __attribute__((packed)) {
  uint16_t value;
} unaligned16;

typedef struct __attribute__((packed)) {
  double value;
} unaligned64;

BL_KERNEL void bl_decode_f16(const void *bytes, size_t count, float *restrict out) {
  const unaligned16 *in = bytes;
  for (size_t i = 0; i < count; i++) out[i] = bl_float_from_half(in[i].value);
}

BL_KERNEL void bl_decode_bf16(const void *bytes, size_t count, float *restrict out) {
  const unaligned16 *in = bytes;
  for (size_t i = 0; i < count; i++) out[i] = bl_float_from_bfloat(in[i].value);
}

BL_KERNEL void bl_decode_f64(const void *bytes, size_t count, float *restrict out) {
  const unaligned64 *in = bytes;
  for (size_t i = 0; i < count; i++) out[i] = (float)in[i].value;
}

void bl_decode_table(const void *bytes, size_t count, const float *table, float *restrict out) {
  const uint8_t *in = bytes;
  for (size_t i = 0; i < count; i++) out[i] = table[in[i]];
}

BL_KERNEL void bl_encode_f16(const float *weights, size_t count, uint16_t *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = bl_half_from_float(weights[i]);
}

BL_KERNEL void bl_encode_bf16(const float *weights, size_t count, uint16_t *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = bl_bfloat_from_float(weights[i]);
}

/// One value to eight bits without its sign, by the same steps as bl_half_from_float.
BL_INLINE uint32_t f8_magnitude(bl_f8_format f, uint32_t u) {
  const uint32_t shift = 23u - (uint32_t)f.mantissa_bits;
  const uint32_t rebias = (uint32_t)(127 - f.bias) << 23;
  const uint32_t normal = (u - rebias + (1u << (shift - 1)) - 1u + ((u >> shift) & 1u)) >> shift;
  // The subnormal unit is 2^(1 - bias - mantissa_bits); the aligner's last bit is that unit.
  const float aligner = bl_float((uint32_t)(127 + 1 - f.bias - f.mantissa_bits + 23) << 23);
  const uint32_t small = bl_bits(bl_float(u) + aligner) - bl_bits(aligner);
  uint32_t code = u < rebias + (1u << 23) ? small : normal;
  code = u >= 0x7f000000u || code > f.maximum_code ? f.maximum_code : code;
  return u > BL_INFINITY_BITS ? f.nan_code : code;
}

BL_INLINE uint32_t f8_code(bl_f8_format f, float value) {
  const uint32_t bits = bl_bits(value);
  return f8_magnitude(f, bits & 0x7fffffffu) | ((bits >> 24) & 0x80u);
}

BL_INLINE float f8_value(bl_f8_format f, uint32_t code) {
  const uint32_t magnitude = code & 0x7fu, shift = 23u - (uint32_t)f.mantissa_bits;
  const uint32_t normal = (magnitude << shift) + ((uint32_t)(127 - f.bias) << 23);
  const float unit = bl_float((uint32_t)(127 + 1 - f.bias - f.mantissa_bits) << 23);
  const uint32_t small = bl_bits((float)(int32_t)magnitude * unit);
  uint32_t u = magnitude < (1u << f.mantissa_bits) ? small : normal;
  u = magnitude > f.maximum_code ? 0x7fc00000u : u;
  return bl_float(u | ((code & 0x80u) << 24));
}

BL_KERNEL void bl_encode_f8(bl_f8_format format, const float *weights, size_t count,
                            uint8_t *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)f8_code(format, weights[i]);
}

BL_KERNEL void bl_round_f16(const float *weights, size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = bl_float_from_half(bl_half_from_float(weights[i]));
}

BL_KERNEL void bl_round_bf16(const float *weights, size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = bl_float_from_bfloat(bl_bfloat_from_float(weights[i]));
}

BL_KERNEL void bl_round_f8(bl_f8_format format, const float *weights, size_t count,
                           float *restrict out) {
  for (size_t i = 0; i < count; i++) out[i] = f8_value(format, f8_code(format, weights[i]));
}

float bl_stored_scale(float scale, int32_t scale_type) { return bl_round_scale(scale, scale_type); }
