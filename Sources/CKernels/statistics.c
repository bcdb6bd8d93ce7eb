#include "bl_distribution.h"

#include "kernel.h"

enum { block = 512 };

typedef struct {
  f64x8 m2[2], m3[2], m4[2];
} moment_lanes;

typedef struct {
  f64x8 sum[2];
  f32x16 minimum, maximum;
  u32x16 zeros;
} first_lanes;

BL_INLINE void add_first(const float *w, size_t count, first_lanes *lanes) {
  first_lanes s = *lanes;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    s.sum[0] += __builtin_convertvector(v.lo, f64x8);
    s.sum[1] += __builtin_convertvector(v.hi, f64x8);
    s.minimum = v < s.minimum ? v : s.minimum;
    s.maximum = v > s.maximum ? v : s.maximum;
    s.zeros += v == (f32x16)0 ? (u32x16)1 : (u32x16)0;
  }
  *lanes = s;
}

BL_INLINE void add_second(const float *w, size_t count, double mean, moment_lanes *lanes) {
  moment_lanes s = *lanes;
  for (size_t i = 0; i < count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
#pragma clang loop unroll(full)
    for (int h = 0; h < 2; h++) {
      const f64x8 d = __builtin_convertvector(h ? v.hi : v.lo, f64x8) - mean;
      const f64x8 d2 = d * d;
      s.m2[h] += d2;
      s.m3[h] += d2 * d;
      s.m4[h] += d2 * d2;
    }
  }
  *lanes = s;
}

BL_INLINE bool is_plain(const float *w, size_t count) {
  u32x16 greatest = 0;
  for (size_t i = 0; i < count; i += 16) {
    greatest = __builtin_elementwise_max(greatest, *(const u32x16 *)(w + i) & 0x7fffffffu);
  }
  return __builtin_reduce_max(greatest) < BL_INFINITY_BITS;
}

/// Packs the finite weights of a block; returns how many there are.
BL_INLINE size_t keep_finite(const float *w, size_t count, float *kept) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    kept[n] = w[i];
    n += bl_is_finite(w[i]);
  }
  return n;
}

BL_KERNEL bl_moments bl_moments_of(const float *weights, size_t count) {
  first_lanes first = {{0, 0}, __builtin_inff(), -__builtin_inff(), 0};
  moment_lanes second = {0};
  bl_moments m = {0};
  float kept[block];
  double rest = 0;
  m.minimum = __builtin_inff();
  m.maximum = -__builtin_inff();
  for (size_t start = 0; start < count; start += block) {
    const size_t size = count - start < block ? count - start : block;
    const float *w = weights + start;
    size_t n = size;
    if (size < block || !is_plain(w, block)) {
      n = keep_finite(w, size, kept);
      for (size_t i = 0; i < size; i++) m.nan += w[i] != w[i];
      m.infinite += size - n;
      w = kept;
    }
    const size_t whole = n & ~(size_t)15;
    add_first(w, whole, &first);
    for (size_t i = whole; i < n; i++) {
      rest += w[i];
      m.minimum = w[i] < m.minimum ? w[i] : m.minimum;
      m.maximum = w[i] > m.maximum ? w[i] : m.maximum;
      m.zeros += w[i] == 0;
    }
    m.count += n;
  }
  m.infinite -= m.nan;
  if (m.count == 0) return m;
  for (int i = 0; i < 16; i++) {
    m.minimum = first.minimum[i] < m.minimum ? first.minimum[i] : m.minimum;
    m.maximum = first.maximum[i] > m.maximum ? first.maximum[i] : m.maximum;
    m.zeros += first.zeros[i];
  }
  m.mean = (bl_sum_lanes(&first.sum[0]) + bl_sum_lanes(&first.sum[1]) + rest) / (double)m.count;

  for (size_t start = 0; start < count; start += block) {
    const size_t size = count - start < block ? count - start : block;
    const float *w = weights + start;
    size_t n = size;
    if (size < block || !is_plain(w, block)) {
      n = keep_finite(w, size, kept);
      w = kept;
    }
    const size_t whole = n & ~(size_t)15;
    add_second(w, whole, m.mean, &second);
    for (size_t i = whole; i < n; i++) {
      const double d = w[i] - m.mean;
      m.m2 += d * d;
      m.m3 += d * d * d;
      m.m4 += d * d * (d * d);
    }
  }
  m.m2 += bl_sum_lanes(&second.m2[0]) + bl_sum_lanes(&second.m2[1]);
  m.m3 += bl_sum_lanes(&second.m3[0]) + bl_sum_lanes(&second.m3[1]);
  m.m4 += bl_sum_lanes(&second.m4[0]) + bl_sum_lanes(&second.m4[1]);
  return m;
}

uint32_t bl_sketch_add(const float *weights, size_t count, uint64_t *counts) {
  uint32_t seen = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t u = bl_bits(weights[i]);
    if ((u & 0x7fffffffu) >= BL_INFINITY_BITS) continue;
    seen |= u;
    const uint32_t key = u ^ ((u >> 31) ? 0xffffffffu : 0x80000000u);
    counts[key >> 16]++;
  }
  return seen & 0xffffu;
}
