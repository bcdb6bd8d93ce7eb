/// What the forward and the backward passes of layers share: 16 numbers at a time, exponentials.
#ifndef BITLADDER_LAYERS_H
#define BITLADDER_LAYERS_H

#include "kernel.h"

enum { lanes = 16 };

/// Up to 16 numbers; what is missing is `rest`.
BL_INLINE void take(const float *x, size_t count, float rest, f32x16 *out) {
  if (count >= lanes) {
    *out = *(const f32x16 *)x;
  } else {
    *out = rest;
    memcpy(out, x, count * sizeof *x);
  }
}

BL_INLINE void put(const f32x16 *value, size_t count, float *x) {
  if (count >= lanes) {
    *(f32x16 *)x = *value;
  } else {
    memcpy(x, value, count * sizeof *x);
  }
}

/// e to the x, within two units in the last place: 2^n times a polynomial on half a power of two around 0 (Cephes).
BL_INLINE void exponential(f32x16 *value) {
  f32x16 x = *value;
  const f32x16 high = 88.37f, low = -87.3f;
  const i32x16 vanishes = x < low;
  x = __builtin_elementwise_min(__builtin_elementwise_max(x, low), high);
  const f32x16 n = (x * 1.44269504088896341f + BL_ROUNDER) - BL_ROUNDER;
  const f32x16 r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  f32x16 p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const i32x16 power = (__builtin_convertvector(n, i32x16) + 127) << 23;
  const f32x16 result = p * (f32x16)power;
  *value = (f32x16)((i32x16)result & ~vanishes);
}

/// The error function by a rational approximation on -4 to 4, beyond which it is 1.
BL_INLINE void error_function(f32x16 *value) {
  const f32x16 low = -4.0f, high = 4.0f;
  const f32x16 x = __builtin_elementwise_min(__builtin_elementwise_max(*value, low), high);
  const f32x16 s = x * x;
  f32x16 p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s + -2.10102402082508e-06f;
  p = p * s + -5.69250639462346e-05f;
  p = p * s + -7.34990630326855e-04f;
  p = p * s + -2.95459980854025e-03f;
  p = p * s + -1.60960333262415e-02f;
  f32x16 q = -1.45660718464996e-05f;
  q = q * s + -2.13374055278905e-04f;
  q = q * s + -1.68282697438203e-03f;
  q = q * s + -7.37332916720468e-03f;
  q = q * s + -1.42647390514189e-02f;
  *value = x * p / q;
}

/// x / (1 + e^-z)
BL_INLINE void logistic_unit(const f32x16 *x, const f32x16 *z, f32x16 *out) {
  f32x16 e = -*z;
  exponential(&e);
  *out = *x / (e + 1.0f);
}

BL_INLINE float greatest(const float *x, size_t count) {
  f32x16 best = -INFINITY;
  const size_t whole = count & ~(size_t)(lanes - 1);
  for (size_t i = 0; i < whole; i += lanes) {
    best = __builtin_elementwise_max(best, *(const f32x16 *)(x + i));
  }
  float found = __builtin_reduce_max(best);
  for (size_t i = whole; i < count; i++) found = x[i] > found ? x[i] : found;
  return found;
}

#endif
