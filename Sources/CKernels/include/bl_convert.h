/// Conversions between element types. Sources are bytes at any alignment, in little-endian order.
#ifndef BITLADDER_KERNELS_CONVERT_H
#define BITLADDER_KERNELS_CONVERT_H

#include <stddef.h>
#include <stdint.h>

void bl_decode_f16(const void *bytes, size_t count, float *out);
void bl_decode_bf16(const void *bytes, size_t count, float *out);
void bl_decode_f64(const void *bytes, size_t count, float *out);

/// One byte for each element, by a table of 256 values.
void bl_decode_table(const void *bytes, size_t count, const float *table, float *out);

/// To IEEE binary16: ties to even, overflow to infinity, NaN stays NaN.
void bl_encode_f16(const float *weights, size_t count, uint16_t *out);

/// To bfloat16: ties to even, overflow to infinity, NaN stays NaN.
void bl_encode_bf16(const float *weights, size_t count, uint16_t *out);

/// An eight-bit floating-point format: its fields and its greatest finite value.
typedef struct bl_f8_format {
  int32_t mantissa_bits;
  int32_t bias;
  uint32_t maximum_code;  // of the greatest finite magnitude
  uint32_t nan_code;
} bl_f8_format;

/// To eight bits: ties to even, saturating (infinities too), NaN stays NaN.
void bl_encode_f8(bl_f8_format format, const float *weights, size_t count, uint8_t *out);

/// Round trips in one go, without the bytes in between.
void bl_round_f16(const float *weights, size_t count, float *out);
void bl_round_bf16(const float *weights, size_t count, float *out);
void bl_round_f8(bl_f8_format format, const float *weights, size_t count, float *out);

/// The stored form of a scale, as it reads back: ties to even, saturating at the type's greatest value.
float bl_stored_scale(float scale, int32_t scale_type);

#endif
