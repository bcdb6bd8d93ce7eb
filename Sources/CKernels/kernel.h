/// What all kernels share: dispatch by processor, vector types, float bits.
#ifndef BITLADDER_KERNEL_H
#define BITLADDER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// A function compiled for several processors, the best of which is taken at load time. Where that isn't
/// possible (another processor, another object format) it is compiled once, for the baseline. So it is for the
/// thread sanitizer, whose calls in what chooses would come before its own start.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BL_COMPILED_ONCE
#endif
#endif
#if defined(__x86_64__) && defined(__ELF__) && defined(__clang__) && !defined(BL_COMPILED_ONCE)
#define BL_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define BL_KERNEL
#endif

#define BL_INLINE static inline __attribute__((always_inline))

typedef float f32x16 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint16_t u16x16 __attribute__((ext_vector_type(16), aligned(2)));
typedef uint8_t u8x16 __attribute__((ext_vector_type(16), aligned(1)));
typedef double f64x8 __attribute__((ext_vector_type(8), aligned(8)));
typedef float f32x8 __attribute__((ext_vector_type(8), aligned(4)));
typedef float f32x4 __attribute__((ext_vector_type(4), aligned(4)));

/// The bits of +infinity: any magnitude below is finite, any above is NaN.
#define BL_INFINITY_BITS 0x7f800000u

/// Adding and taking away 1.5 x 2^23 rounds |x| <= 2^22 to an integer, ties to even.
#define BL_ROUNDER 12582912.0f

BL_INLINE uint32_t bl_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

BL_INLINE float bl_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

BL_INLINE bool bl_is_finite(float value) { return (bl_bits(value) & 0x7fffffffu) < BL_INFINITY_BITS; }

/// The sum of eight lanes, always in the same order.
BL_INLINE double bl_sum_lanes(const f64x8 *v) {
  const double a = (*v)[0] + (*v)[4], b = (*v)[1] + (*v)[5];
  const double c = (*v)[2] + (*v)[6], d = (*v)[3] + (*v)[7];
  return (a + c) + (b + d);
}

#endif
