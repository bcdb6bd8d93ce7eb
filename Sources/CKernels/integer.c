#include "bl_integer.h"

#include "grid.h"

/// One weight on its grid, as code minus zero point: clamping to whole numbers and then rounding gives
/// what rounding and then clamping would, and keeps the rounder in its range.
BL_INLINE float steps(float w, float scale, float lowest, float highest) {
  float t = w / scale;
  t = t > lowest ? t : lowest;
  t = t < highest ? t : highest;
  return w == w ? bl_rint(t) : 0;
}

typedef struct {
  float scale, lowest, highest;
} limits;

BL_INLINE limits limits_of(const bl_integer_format *f, bl_grid grid) {
  const limits l = {grid.scale, (float)(bl_lowest_code(f) - grid.zero_point),
                    (float)(bl_highest_code(f) - grid.zero_point)};
  return l;
}

BL_INLINE void apply(limits l, const float *w, size_t count, float *out) {
  if (!(l.scale > 0)) {
    memset(out, 0, count * sizeof *out);
    return;
  }
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const f32x16 v = *(const f32x16 *)(w + i);
    f32x16 t = v / l.scale;
    t = t > l.lowest ? t : (f32x16)l.lowest;
    t = t < l.highest ? t : (f32x16)l.highest;
    t = v == v ? t : (f32x16)0;
    *(f32x16 *)(out + i) = ((t + BL_ROUNDER) - BL_ROUNDER) * l.scale;
  }
  for (; i < count; i++) out[i] = steps(w[i], l.scale, l.lowest, l.highest) * l.scale;
}

BL_KERNEL static void reconstruct_minmax(const bl_integer_format *format, const float *weights,
                                         size_t count, size_t group, float *out) {
  const bl_integer_format f = *format;
  for (size_t start = 0; start < count; start += group) {
    const size_t n = count - start < group ? count - start : group;
    const float *w = weights + start;
    const bl_range range = f.affine ? bl_group_range(w, n) : bl_group_magnitude(w, n);
    apply(limits_of(&f, bl_make_grid(&f, range)), w, n, out + start);
  }
}

BL_KERNEL void bl_integer_apply(const bl_integer_format *format, bl_grid grid, const float *weights,
                                size_t count, float *out) {
  apply(limits_of(format, grid), weights, count, out);
}

void bl_integer_reconstruct_row(const bl_integer_format *format, const float *weights, size_t count,
                                size_t group, const double *logarithms, float *out) {
  if (format->calibration == bl_minmax) {
    reconstruct_minmax(format, weights, count, group, out);
    return;
  }
  for (size_t start = 0; start < count; start += group) {
    const size_t n = count - start < group ? count - start : group;
    const bl_range range = bl_integer_range(format, weights + start, n, logarithms);
    bl_integer_apply(format, bl_make_grid(format, range), weights + start, n, out + start);
  }
}

BL_KERNEL void bl_integer_codes(const bl_integer_format *format, bl_grid grid, const float *weights,
                                size_t count, uint8_t *codes) {
  const limits l = limits_of(format, grid);
  const int32_t mask = (1 << format->bits) - 1;
  if (!(l.scale > 0)) {
    memset(codes, 0, count);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const int32_t code = (int32_t)steps(weights[i], l.scale, l.lowest, l.highest) + grid.zero_point;
    codes[i] = (uint8_t)(code & mask);
  }
}

BL_KERNEL void bl_integer_decode(const bl_integer_format *format, bl_grid grid, const uint8_t *codes,
                                 size_t count, float *out) {
  const int32_t sign = format->affine ? 0 : 1 << (format->bits - 1);
  for (size_t i = 0; i < count; i++) {
    const int32_t code = ((int32_t)codes[i] ^ sign) - sign;
    out[i] = (float)(code - grid.zero_point) * grid.scale;
  }
}

bl_grid bl_integer_grid(const bl_integer_format *format, bl_range range) {
  return bl_make_grid(format, range);
}

BL_KERNEL bl_range bl_finite_range(const float *weights, size_t count) {
  return bl_group_range(weights, count);
}
