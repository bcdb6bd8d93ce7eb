/// Floating-point types of up to eight bits, without their sign, by integer arithmetic that vectorises.
#ifndef BITLADDER_MINIFLOAT_H
#define BITLADDER_MINIFLOAT_H

#include "bl_convert.h"
#include "kernel.h"

/// The code of a magnitude's bits, by the same steps as bl_half_from_float; saturating.
BL_INLINE uint32_t bl_minifloat_code(bl_f8_format f, uint32_t u) {
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

/// The bits of a code's magnitude; NaN for codes over the greatest.
BL_INLINE uint32_t bl_minifloat_bits(bl_f8_format f, uint32_t code) {
  const uint32_t shift = 23u - (uint32_t)f.mantissa_bits;
  const uint32_t normal = (code << shift) + ((uint32_t)(127 - f.bias) << 23);
  const float unit = bl_float((uint32_t)(127 + 1 - f.bias - f.mantissa_bits) << 23);
  const uint32_t small = bl_bits((float)(int32_t)code * unit);
  const uint32_t u = code < (1u << f.mantissa_bits) ? small : normal;
  return code > f.maximum_code ? 0x7fc00000u : u;
}

#endif
