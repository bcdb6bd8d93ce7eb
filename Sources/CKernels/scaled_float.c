// MXFP8, MXFP6, MXFP4 (OCP Microscaling Formats 1.0) and NVFP4 with a scale for the tensor.
//
// Blocks:
//   MX: 32 elements, of 8, 6 or 4 bits without gaps; apart from them a byte, the exponent of a scale (E8M0:
//       2^(e - 127), 255 is NaN)
//   NVFP4: 16 elements of E2M1, weight 2j in the low four bits of byte j, weight 2j + 1 in the high four;
//       apart from them a byte, a scale (E4M3)
#include "bl_blocks.h"
#include "bl_packing.h"

#include "ggml_block.h"
#include "grid.h"
#include "minifloat.h"

/// An element's code with its sign; NaN counts as 0.
BL_INLINE uint32_t element_code(bl_f8_format f, int32_t bits, float x) {
  const uint32_t pattern = bl_bits(x), u = pattern & 0x7fffffffu;
  const uint32_t code = bl_minifloat_code(f, u) | pattern >> 31 << (bits - 1);
  return u > BL_INFINITY_BITS ? 0 : code;
}

BL_INLINE float element_value(bl_f8_format f, int32_t bits, uint32_t code) {
  const uint32_t sign = code >> (bits - 1);
  return bl_float(bl_minifloat_bits(f, code ^ sign << (bits - 1)) | sign << 31);
}

/// The exponent byte of a block's scale: that of its greatest finite weight, less the greatest element's.
BL_INLINE uint32_t exponent_byte(const float *w, int32_t greatest_exponent) {
  const uint32_t bits = bl_bits(bl_group_magnitude(w, bl_mx_block).upper);
  const int32_t e = (int32_t)(bits >> 23) - greatest_exponent;
  return (uint32_t)(e > 0 ? e : 0);
}

/// 2^(e - 127).
BL_INLINE float power(uint32_t e) {
  const float value = e > 0 ? bl_float(e << 23) : 0x1p-127f;
  return e < 255 ? value : bl_float(0x7fc00000u);
}

BL_KERNEL void bl_mx_round(const bl_mx_format *format, const float *restrict w, size_t blocks,
                           float *restrict out) {
  const bl_mx_format f = *format;
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += bl_mx_block, out += bl_mx_block) {
    const uint32_t e = exponent_byte(w, f.greatest_exponent);
    const float scale = power(e), inverse = power(254 - e);
    for (int j = 0; j < bl_mx_block; j++) {
      out[j] = element_value(f.element, f.bits, element_code(f.element, f.bits, w[j] * inverse)) * scale;
    }
  }
}

BL_KERNEL void bl_mx_encode(const bl_mx_format *format, const float *restrict w, size_t blocks,
                            uint8_t *restrict codes, uint8_t *restrict scales) {
  const bl_mx_format f = *format;
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += bl_mx_block, codes += bl_mx_block / 8 * f.bits, scales++) {
    const uint32_t e = exponent_byte(w, f.greatest_exponent);
    const float inverse = power(254 - e);
    uint8_t elements[bl_mx_block];
    for (int j = 0; j < bl_mx_block; j++) {
      elements[j] = (uint8_t)element_code(f.element, f.bits, w[j] * inverse);
    }
    *scales = (uint8_t)e;
    bl_pack(elements, bl_mx_block, f.bits, codes);
  }
}

BL_KERNEL void bl_mx_decode(const bl_mx_format *format, const uint8_t *restrict codes,
                            const uint8_t *restrict scales, size_t blocks, float *restrict out) {
  const bl_mx_format f = *format;
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, codes += bl_mx_block / 8 * f.bits, scales++, out += bl_mx_block) {
    const float scale = power(*scales);
    uint8_t elements[bl_mx_block];
    bl_unpack(codes, bl_mx_block, f.bits, elements);
    for (int j = 0; j < bl_mx_block; j++) out[j] = element_value(f.element, f.bits, elements[j]) * scale;
  }
}

static const bl_f8_format e2m1 = {1, 1, 7, 0};
static const bl_f8_format e4m3 = {3, 7, 0x7e, 0x7f};

/// The scale's code for a group of 16 weights. A scale of 0 becomes 0.125, as compressed-tensors has it.
BL_INLINE uint32_t group_scale(const float *w, float tensor_scale) {
  const float scale = tensor_scale * (bl_group_magnitude(w, bl_nvfp4_block).upper / 6);
  const uint32_t code = bl_minifloat_code(e4m3, bl_bits(scale) & 0x7fffffffu);
  return code > 0 ? code : 0x20;
}

BL_INLINE float e4m3_value(uint32_t code) { return element_value(e4m3, 8, code); }

BL_KERNEL void bl_nvfp4_round(float tensor_scale, const float *restrict w, size_t blocks,
                              float *restrict out) {
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += bl_nvfp4_block, out += bl_nvfp4_block) {
    const float scale = e4m3_value(group_scale(w, tensor_scale)) / tensor_scale;
    for (int j = 0; j < bl_nvfp4_block; j++) {
      out[j] = element_value(e2m1, 4, element_code(e2m1, 4, w[j] / scale)) * scale;
    }
  }
}

BL_KERNEL void bl_nvfp4_encode(float tensor_scale, const float *restrict w, size_t blocks,
                               uint8_t *restrict codes, uint8_t *restrict scales) {
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += bl_nvfp4_block, codes += bl_nvfp4_block / 2, scales++) {
    *scales = (uint8_t)group_scale(w, tensor_scale);
    const float scale = e4m3_value(*scales) / tensor_scale;
    uint8_t elements[bl_nvfp4_block];
    for (int j = 0; j < bl_nvfp4_block; j++) elements[j] = (uint8_t)element_code(e2m1, 4, w[j] / scale);
    for (int j = 0; j < bl_nvfp4_block / 2; j++) {
      codes[j] = (uint8_t)(elements[2 * j] | elements[2 * j + 1] << 4);
    }
  }
}

BL_KERNEL void bl_nvfp4_decode(float tensor_scale, const uint8_t *restrict codes,
                               const uint8_t *restrict scales, size_t blocks, float *restrict out) {
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, codes += bl_nvfp4_block / 2, scales++, out += bl_nvfp4_block) {
    const float scale = e4m3_value(*scales) / tensor_scale;
    for (int j = 0; j < bl_nvfp4_block / 2; j++) {
      out[2 * j] = element_value(e2m1, 4, codes[j] & 15u) * scale;
      out[2 * j + 1] = element_value(e2m1, 4, codes[j] >> 4) * scale;
    }
  }
}
