/// The backward passes of what layers.c does forward, the gradients of losses, and AdamW.
#include <math.h>

#include "bl_training.h"
#include "layers.h"

/// f(x) and its derivative.
BL_INLINE void activate_both(bl_activation kind, const f32x16 *value, f32x16 *result, f32x16 *slope) {
  const f32x16 x = *value, one = 1;
  switch (kind) {
    case BL_RELU: {
      const i32x16 is_on = x > 0;
      *result = (f32x16)((i32x16)x & is_on);
      *slope = (f32x16)((i32x16)one & is_on);
      break;
    }
    case BL_SILU: {
      f32x16 s;
      logistic_unit(&one, &x, &s);
      *result = x * s;
      *slope = s * (1 + x * (1 - s));
      break;
    }
    case BL_GELU: {
      f32x16 e = x * 0.70710678118654752f, density = -0.5f * x * x;
      error_function(&e);
      exponential(&density);
      const f32x16 share = 0.5f * (e + 1);
      *result = x * share;
      *slope = share + x * density * 0.39894228040143268f;
      break;
    }
    case BL_GELU_TANH: {
      const f32x16 z = 1.5957691216057308f * (x + 0.044715f * x * x * x);
      f32x16 s;
      logistic_unit(&one, &z, &s);
      *result = x * s;
      *slope = s + x * s * (1 - s) * 1.5957691216057308f * (1 + 0.134145f * x * x);
      break;
    }
  }
}

BL_INLINE void back_plain(bl_activation kind, const float *x, float *gradient, size_t count) {
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v, g, result, slope;
    take(x + i, count - i, 0, &v);
    take(gradient + i, count - i, 0, &g);
    activate_both(kind, &v, &result, &slope);
    g *= slope;
    put(&g, count - i, gradient + i);
  }
}

BL_KERNEL void bl_activate_back(bl_activation kind, const float *x, float *gradient, size_t count) {
  switch (kind) {
    case BL_RELU: back_plain(BL_RELU, x, gradient, count); break;
    case BL_SILU: back_plain(BL_SILU, x, gradient, count); break;
    case BL_GELU: back_plain(BL_GELU, x, gradient, count); break;
    case BL_GELU_TANH: back_plain(BL_GELU_TANH, x, gradient, count); break;
  }
}

BL_INLINE void back_gate(bl_activation kind, float *gate, float *up, const float *gradient, size_t count) {
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 v, u, g, result, slope;
    take(gate + i, count - i, 0, &v);
    take(up + i, count - i, 0, &u);
    take(gradient + i, count - i, 0, &g);
    activate_both(kind, &v, &result, &slope);
    slope *= g * u;
    result *= g;
    put(&slope, count - i, gate + i);
    put(&result, count - i, up + i);
  }
}

BL_KERNEL void bl_activate_gate_back(bl_activation kind, float *gate, float *up, const float *gradient,
                                     size_t count) {
  switch (kind) {
    case BL_RELU: back_gate(BL_RELU, gate, up, gradient, count); break;
    case BL_SILU: back_gate(BL_SILU, gate, up, gradient, count); break;
    case BL_GELU: back_gate(BL_GELU, gate, up, gradient, count); break;
    case BL_GELU_TANH: back_gate(BL_GELU_TANH, gate, up, gradient, count); break;
  }
}

/// Σab in double precision.
BL_INLINE double sum_products(const float *a, const float *b, size_t count) {
  f64x8 sums[2] = {0, 0};
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 x, y;
    take(a + i, count - i, 0, &x);
    take(b + i, count - i, 0, &y);
    sums[0] += __builtin_convertvector(x.lo, f64x8) * __builtin_convertvector(y.lo, f64x8);
    sums[1] += __builtin_convertvector(x.hi, f64x8) * __builtin_convertvector(y.hi, f64x8);
  }
  return bl_sum_lanes(&sums[0]) + bl_sum_lanes(&sums[1]);
}

BL_KERNEL void bl_rms_norm_back(const float *x, size_t rows, size_t length, const float *weight, float offset,
                                float epsilon, const float *gradient, float *x_gradient, int adds,
                                float *weight_gradient) {
  // With r = 1 / sqrt(mean x² + ε) and g the gradient times the weight: r g - r³ x mean(g x).
  for (size_t r = 0; r < rows; r++, x += length, gradient += length, x_gradient += length) {
    const double mean = sum_products(x, x, length) / (double)length + epsilon;
    double along = 0;
    for (size_t i = 0; i < length; i++) along += (double)gradient[i] * (weight[i] + offset) * x[i];
    const float scale = (float)(1 / sqrt(mean)), bend = (float)(along / (double)length / mean);
    for (size_t i = 0; i < length; i++) {
      const float back = scale * (gradient[i] * (weight[i] + offset) - x[i] * bend);
      x_gradient[i] = adds ? x_gradient[i] + back : back;
    }
    if (weight_gradient) {
      for (size_t i = 0; i < length; i++) weight_gradient[i] += gradient[i] * x[i] * scale;
    }
  }
}

BL_KERNEL void bl_attention_weights_back(const float *weights, size_t rows, size_t columns, float scale,
                                         float *gradient) {
  for (size_t r = 0; r < rows; r++, weights += columns, gradient += columns) {
    const float mean = (float)sum_products(weights, gradient, columns);
    for (size_t i = 0; i < columns; i++) gradient[i] = scale * weights[i] * (gradient[i] - mean);
  }
}

BL_KERNEL double bl_divergence_back(const float *base, float *logits, size_t count, float share) {
  const double base_sum = bl_log_sum_exp(base, count).log_sum, sum = bl_log_sum_exp(logits, count).log_sum;
  const double divergence = bl_divergence(base, base_sum, logits, sum, count);
  const float base_shift = (float)base_sum, shift = (float)sum;
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 p, q;
    take(base + i, count - i, -INFINITY, &p);
    take(logits + i, count - i, -INFINITY, &q);
    p -= base_shift;
    q -= shift;
    exponential(&p);
    exponential(&q);
    q = (q - p) * share;
    put(&q, count - i, logits + i);
  }
  return divergence;
}

BL_KERNEL double bl_cross_entropy_back(size_t place, float *logits, size_t count, float share) {
  const double sum = bl_log_sum_exp(logits, count).log_sum;
  const double loss = sum - logits[place];
  const float shift = (float)sum;
  for (size_t i = 0; i < count; i += lanes) {
    f32x16 q;
    take(logits + i, count - i, -INFINITY, &q);
    q -= shift;
    exponential(&q);
    q *= share;
    put(&q, count - i, logits + i);
  }
  logits[place] -= share;
  return loss;
}

BL_KERNEL void bl_add(const float *x, float *sums, size_t count) {
  for (size_t i = 0; i < count; i++) sums[i] += x[i];
}

BL_KERNEL void bl_add_columns(const float *x, size_t rows, size_t length, float *sums) {
  for (size_t r = 0; r < rows; r++, x += length) {
    for (size_t i = 0; i < length; i++) sums[i] += x[i];
  }
}

BL_KERNEL double bl_sum_squares(const float *x, size_t count) { return sum_products(x, x, count); }

BL_KERNEL void bl_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *out) {
  enum { side = 16 };
  // Square by square: lines of the cache are used whole on both sides.
  for (size_t row = 0; row < rows; row += side) {
    const size_t last_row = row + side < rows ? row + side : rows;
    for (size_t column = 0; column < columns; column += side) {
      const size_t last = column + side < columns ? column + side : columns;
      for (size_t c = column; c < last; c++) {
        for (size_t r = row; r < last_row; r++) out[c * rows + r] = x[r * stride + c];
      }
    }
  }
}

BL_KERNEL void bl_adam_step(const bl_adam *step, const float *gradient, float *weights, float *first,
                            float *second, size_t count) {
  const bl_adam s = *step;
  const float shrink = 1 - s.rate * s.decay, stride = s.rate / s.first_correction;
  const float root = sqrtf(s.second_correction);
  for (size_t i = 0; i < count; i++) {
    const float g = gradient[i] * s.scale;
    first[i] = s.first_keep * first[i] + (1 - s.first_keep) * g;
    second[i] = s.second_keep * second[i] + (1 - s.second_keep) * g * g;
    weights[i] = weights[i] * shrink - stride * first[i] / (sqrtf(second[i]) / root + s.epsilon);
  }
}
