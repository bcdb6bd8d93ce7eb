/// Conversions of single values by integer arithmetic alone, so that they vectorise on every processor
/// and give the same bits everywhere.
#ifndef BITLADDER_HALF_H
#define BITLADDER_HALF_H

#include "kernel.h"

/// IEEE binary16 from binary32: ties to even, overflow to infinity, NaN stays a quiet NaN.
BL_INLINE uint16_t bl_half_from_float(float value) {
  const uint32_t bits = bl_bits(value), sign = (bits >> 16) & 0x8000u, u = bits & 0x7fffffffu;
  // Normal results: the exponent's bias goes from 127 to 15, and 13 bits are rounded away.
  const uint32_t normal = (u - (112u << 23) + 0xfffu + ((u >> 13) & 1u)) >> 13;
  // Below 2^-14: adding 0.5 lines the value up with the subnormal unit, 2^-24, and rounds it.
  const uint32_t small = bl_bits(bl_float(u) + 0.5f) - bl_bits(0.5f);
  uint32_t half = u < (113u << 23) ? small : normal;
  half = u >= 0x477ff000u ? 0x7c00u : half;
  half = u > BL_INFINITY_BITS ? 0x7e00u : half;
  return (uint16_t)(half | sign);
}

/// IEEE binary32 from binary16, exact.
BL_INLINE float bl_float_from_half(uint16_t half) {
  const uint32_t magnitude = (half & 0x7fffu), sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t normal = (magnitude << 13) + (112u << 23);
  const uint32_t special = (magnitude << 13) | BL_INFINITY_BITS;
  // Subnormals count units of 2^-24.
  const uint32_t small = bl_bits((float)(int32_t)magnitude * 0x1p-24f);
  uint32_t u = magnitude < 0x0400u ? small : normal;
  u = magnitude >= 0x7c00u ? special : u;
  return bl_float(u | sign);
}

/// bfloat16 from binary32: ties to even, overflow to infinity, NaN stays a quiet NaN.
BL_INLINE uint16_t bl_bfloat_from_float(float value) {
  const uint32_t u = bl_bits(value);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const uint32_t nan = (u >> 16) | 0x40u;
  return (uint16_t)((u & 0x7fffffffu) > BL_INFINITY_BITS ? nan : rounded);
}

BL_INLINE float bl_float_from_bfloat(uint16_t value) { return bl_float((uint32_t)value << 16); }

/// A scale as it reads back from its stored form; see bl_stored_scale.
BL_INLINE float bl_round_scale(float scale, int32_t scale_type) {
  if (scale_type == 0) {
    return scale >= 65504.0f ? 65504.0f : bl_float_from_half(bl_half_from_float(scale));
  }
  const float greatest = scale_type == 1 ? 0x1.fep127f : 0x1.fffffep127f;
  if (scale >= greatest) return greatest;
  return scale_type == 1 ? bl_float_from_bfloat(bl_bfloat_from_float(scale)) : scale;
}

#endif
