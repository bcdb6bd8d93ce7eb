#include "bl_layers.h"

#include <math.h>

#include "layers.h"

BL_INLINE void activate(bl_activation kind, f32x16 *value) {
  const f32x16 x = *value;
  const f32x16 zero = 0;
  switch (kind) {
    case BL_RELU: *value = __builtin_elementwise_max(x, zero); break;
    case BL_SILU: logistic_unit(&x, &x, value); break;
    case BL_GELU: {
      f32x16 e = x * 0.70710678118654752f;
      error_function(&e);
      *value = 0.5f * x * (e + 1.0f);
      break;
    }
    case BL_GELU_TANH: {
      // (1 + tanh u) / 2 = 1 / (1 + e^-2u)
      const f32x16 z = 1.5957691216057308f * (x + 0.044715f * x * x * x);
      logistic_unit(&x, &z, value);
      break;
    }
  }
}

BL_INLINE void activate_all(bl_activation kind, float *x, const float *up, size_t count) {
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v, u;
    take(x + i, count - i, 0, &v);
    activate(kind, &v);
    if (up) {
      take(up + i, count - i, 0, &u);
      v *= u;
    }
    put(&v, count - i, x + i);
  }
}

BL_INLINE void activate_kind(bl_activation kind, float *x, const float *up, size_t count) {
  switch (kind) {
    case BL_RELU: activate_all(BL_RELU, x, up, count); break;
    case BL_SILU: activate_all(BL_SILU, x, up, count); break;
    case BL_GELU: activate_all(BL_GELU, x, up, count); break;
    case BL_GELU_TANH: activate_all(BL_GELU_TANH, x, up, count); break;
  }
}

BL_KERNEL void bl_activate(bl_activation kind, float *x, size_t count) {
  activate_kind(kind, x, NULL, count);
}

BL_KERNEL void bl_activate_gate(bl_activation kind, float *gate, const float *up, size_t count) {
  activate_kind(kind, gate, up, count);
}

/// Sums of x and of its squares, in double precision: as exact as anyone wants them.
BL_INLINE void sum_moments(const float *x, size_t length, double *sum, double *squares) {
  f64x8 s[2] = {0, 0}, q[2] = {0, 0};
  const size_t whole = length & ~(size_t)(lanes - 1);
  for (size_t i = 0; i < whole; i += lanes) {
    const f32x16 v = *(const f32x16 *)(x + i);
#pragma clang loop unroll(full)
    for (int h = 0; h < 2; h++) {
      const f64x8 a = __builtin_convertvector(h ? v.hi : v.lo, f64x8);
      s[h] += a;
      q[h] += a * a;
    }
  }
  *sum = bl_sum_lanes(&s[0]) + bl_sum_lanes(&s[1]);
  *squares = bl_sum_lanes(&q[0]) + bl_sum_lanes(&q[1]);
  for (size_t i = whole; i < length; i++) {
    *sum += x[i];
    *squares += (double)x[i] * x[i];
  }
}

BL_KERNEL void bl_rms_norm(const float *x, size_t rows, size_t length, const float *weight, float offset,
                           float epsilon, float *out) {
  for (size_t r = 0; r < rows; r++, x += length, out += length) {
    double sum, squares;
    sum_moments(x, length, &sum, &squares);
    const float scale = (float)(1 / sqrt(squares / (double)length + epsilon));
    for (size_t i = 0; i < length; i++) out[i] = x[i] * scale * (weight[i] + offset);
  }
}

BL_KERNEL void bl_layer_norm(const float *x, size_t rows, size_t length, const float *weight, const float *bias,
                             float epsilon, float *out) {
  for (size_t r = 0; r < rows; r++, x += length, out += length) {
    double sum, squares;
    sum_moments(x, length, &sum, &squares);
    const double mean = sum / (double)length, variance = squares / (double)length - mean * mean;
    const float scale = (float)(1 / sqrt((variance > 0 ? variance : 0) + epsilon)), center = (float)mean;
    for (size_t i = 0; i < length; i++) out[i] = (x[i] - center) * scale * weight[i] + bias[i];
  }
}

BL_KERNEL void bl_add_row(float *x, size_t rows, size_t length, const float *row) {
  for (size_t r = 0; r < rows; r++, x += length) {
    for (size_t i = 0; i < length; i++) x[i] += row[i];
  }
}

BL_KERNEL void bl_rotate(float *x, size_t rows, size_t stride, size_t head_size, const float *cosines,
                         const float *sines, int are_neighbours) {
  const size_t half = head_size / 2;
  for (size_t r = 0; r < rows; r++, x += stride, cosines += half, sines += half) {
    if (are_neighbours) {
      for (size_t i = 0; i < half; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = b * cosines[i] + a * sines[i];
      }
    } else {
      for (size_t i = 0; i < half; i++) {
        const float a = x[i], b = x[half + i];
        x[i] = a * cosines[i] - b * sines[i];
        x[half + i] = b * cosines[i] + a * sines[i];
      }
    }
  }
}

/// x becomes e to the power of (x - shift); their sum.
BL_INLINE double raise_all(float *x, size_t count, float shift) {
  f64x8 sums[2] = {0, 0};
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v;
    take(x + i, count - i, -INFINITY, &v);
    v -= shift;
    exponential(&v);
    put(&v, count - i, x + i);
    sums[0] += __builtin_convertvector(v.lo, f64x8);
    sums[1] += __builtin_convertvector(v.hi, f64x8);
  }
  return bl_sum_lanes(&sums[0]) + bl_sum_lanes(&sums[1]);
}

/// tanh u = 1 - 2 / (1 + e^2u), near 0 by its series: there the difference would lose digits.
BL_INLINE void bend_all(float *x, size_t count, float cap) {
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v;
    take(x + i, count - i, 0, &v);
    const f32x16 u = v / cap, s = u * u;
    f32x16 e = 2 * u;
    exponential(&e);
    const f32x16 far = 1 - 2 / (1 + e);
    const f32x16 near = u * (1 + s * (-1.0f / 3 + s * (2.0f / 15 + s * (-17.0f / 315 + s * (62.0f / 2835)))));
    v = s < 0.0625f ? near : far;
    v *= cap;
    put(&v, count - i, x + i);
  }
}

BL_KERNEL void bl_cap(float *x, size_t count, float cap) { bend_all(x, count, cap); }

BL_KERNEL void bl_attention_weights(float *scores, size_t rows, size_t columns, float scale, float cap,
                                    const uint32_t *first, const uint32_t *end) {
  for (size_t r = 0; r < rows; r++, scores += columns) {
    const size_t start = first[r], count = end[r] - start;
    memset(scores, 0, start * sizeof *scores);
    memset(scores + end[r], 0, (columns - end[r]) * sizeof *scores);
    float *x = scores + start;
    for (size_t i = 0; i < count; i++) x[i] *= scale;
    if (cap != 0) bend_all(x, count, cap);
    const float share = (float)(1 / raise_all(x, count, greatest(x, count)));
    for (size_t i = 0; i < count; i++) x[i] *= share;
  }
}

BL_KERNEL bl_log_sum bl_log_sum_exp(const float *x, size_t count) {
  bl_log_sum result = {greatest(x, count), 0, 0};
  while (result.place + 1 < count && x[result.place] != result.greatest) result.place++;
  f64x8 sums[2] = {0, 0};
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v;
    take(x + i, count - i, -INFINITY, &v);
    v -= result.greatest;
    exponential(&v);
    sums[0] += __builtin_convertvector(v.lo, f64x8);
    sums[1] += __builtin_convertvector(v.hi, f64x8);
  }
  result.log_sum = log(bl_sum_lanes(&sums[0]) + bl_sum_lanes(&sums[1])) + result.greatest;
  return result;
}

BL_KERNEL double bl_divergence(const float *base, double base_log_sum, const float *x, double log_sum,
                               size_t count) {
  // Differences of logits come first: where there are none the result is 0 and nothing else. Divided by what the
  // shares sum to, it doesn't change when the same is added to all logits.
  f64x8 sums[2] = {0, 0}, shares[2] = {0, 0};
  const float shift = (float)base_log_sum;
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 share, from, to;
    take(base + i, count - i, -INFINITY, &share);
    take(base + i, count - i, 0, &from);
    take(x + i, count - i, 0, &to);
    share -= shift;
    exponential(&share);
    const f32x16 difference = from - to;
    const f64x8 low = __builtin_convertvector(share.lo, f64x8), high = __builtin_convertvector(share.hi, f64x8);
    shares[0] += low;
    shares[1] += high;
    sums[0] += low * __builtin_convertvector(difference.lo, f64x8);
    sums[1] += high * __builtin_convertvector(difference.hi, f64x8);
  }
  const double sum = bl_sum_lanes(&sums[0]) + bl_sum_lanes(&sums[1]);
  return sum / (bl_sum_lanes(&shares[0]) + bl_sum_lanes(&shares[1])) + (log_sum - base_log_sum);
}

BL_KERNEL void bl_add_squares(const float *x, size_t rows, size_t length, double *sums) {
  for (size_t r = 0; r < rows; r++, x += length) {
    for (size_t i = 0; i < length; i++) sums[i] += (double)x[i] * x[i];
  }
}
