#include "bl_convert.h"

#include "half.h"
#include "kernel.h"
#include "minifloat.h"

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

BL_INLINE uint32_t f8_code(bl_f8_format f, float value) {
  const uint32_t bits = bl_bits(value);
  return bl_minifloat_code(f, bits & 0x7fffffffu) | ((bits >> 24) & 0x80u);
}

BL_INLINE float f8_value(bl_f8_format f, uint32_t code) {
  return bl_float(bl_minifloat_bits(f, code & 0x7fu) | ((code & 0x80u) << 24));
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
