// MLX's affine quantization: codes with a scale and a bias for each group, both as the source's type.
//
// Groups: 32, 64 or 128 codes of 2 to 8 bits without gaps; apart from them the scale, which may be negative,
// then the bias, each f16, bf16 or f32: weight = scale x code + bias.
#include "bl_blocks.h"
#include "bl_integer.h"
#include "bl_packing.h"

#include "ggml_block.h"
#include "half.h"

enum { most_weights = 128 };

typedef struct {
  float scale, bias;
} line;

/// A value as it reads back from its stored form: saturated, NaN as it is.
BL_INLINE float stored(float x, int32_t type) {
  return x < 0 ? -bl_round_scale(-x, type) : bl_round_scale(x, type);
}

BL_INLINE size_t value_bytes(const bl_mlx_format *f) { return f->value_type == bl_scale_f32 ? 4 : 2; }

BL_INLINE void store(float x, int32_t type, uint8_t *bytes) {
  const uint16_t half = type == bl_scale_f16 ? bl_half_from_float(x) : bl_bfloat_from_float(x);
  if (type == bl_scale_f32) {
    memcpy(bytes, &x, sizeof x);
  } else {
    memcpy(bytes, &half, sizeof half);
  }
}

BL_INLINE float load(const uint8_t *bytes, int32_t type) {
  if (type == bl_scale_f32) return bl_float(bl_load32(bytes));
  return type == bl_scale_f16 ? bl_load_half(bytes) : bl_float_from_bfloat(bl_load16(bytes));
}

/// The codes of a group, by the line before its rounding; the line as it reads back.
BL_INLINE line fit(const bl_mlx_format *f, const float *restrict w, uint8_t *restrict codes) {
  const float top = (float)((1 << f->bits) - 1);
  float v[most_weights];
  float least = __builtin_inff(), greatest = -__builtin_inff();
  const int32_t count = f->group;
  for (int32_t j = 0; j < count; j++) {
    const float x = w[j] == w[j] ? w[j] : 0;
    v[j] = bl_is_finite(x) ? stored(x, f->value_type) : x;
  }
  for (int32_t j = 0; j < count; j++) {
    // NaN and infinities have no say.
    const bool counts = bl_is_finite(w[j]);
    least = counts && v[j] < least ? v[j] : least;
    greatest = counts && v[j] > greatest ? v[j] : greatest;
  }
  if (least > greatest) least = greatest = 0;
  const bool from_below = bl_magnitude(least) > bl_magnitude(greatest);
  float scale = (greatest - least) / top;
  scale = scale < 0x1.fffffep127f ? scale : 0x1.fffffep127f;
  scale = scale > 1e-7f ? scale : 1e-7f;
  scale = from_below ? scale : -scale;
  const float edge = from_below ? least : greatest;
  // 0 shall lie on the line: the edge gets a whole number of steps.
  const float steps = __builtin_rintf(edge / scale);
  const float bias = steps != 0 ? edge : 0;
  scale = steps != 0 ? edge / steps : scale;
  for (int32_t j = 0; j < count; j++) {
    float q = (v[j] - bias) / scale;
    q = q > 0 ? q : 0;
    q = q < top ? q : top;
    codes[j] = (uint8_t)(int32_t)((q + BL_ROUNDER) - BL_ROUNDER);
  }
  const line found = {stored(scale, f->value_type), bias};
  return found;
}

BL_INLINE void values(const uint8_t *codes, int32_t count, line l, float *restrict out) {
  for (int32_t j = 0; j < count; j++) out[j] = (float)codes[j] * l.scale + l.bias;
}

BL_KERNEL void bl_mlx_round(const bl_mlx_format *format, const float *restrict w, size_t blocks,
                            float *restrict out) {
  const bl_mlx_format f = *format;
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += f.group, out += f.group) {
    uint8_t codes[most_weights];
    const line l = fit(&f, w, codes);
    values(codes, f.group, l, out);
  }
}

BL_KERNEL void bl_mlx_encode(const bl_mlx_format *format, const float *restrict w, size_t blocks,
                             uint8_t *restrict codes, uint8_t *restrict scales) {
  const bl_mlx_format f = *format;
  const size_t size = value_bytes(&f);
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, w += f.group, codes += f.group / 8 * f.bits, scales += 2 * size) {
    uint8_t loose[most_weights];
    const line l = fit(&f, w, loose);
    bl_pack(loose, (size_t)f.group, f.bits, codes);
    store(l.scale, f.value_type, scales);
    store(l.bias, f.value_type, scales + size);
  }
}

BL_KERNEL void bl_mlx_decode(const bl_mlx_format *format, const uint8_t *restrict codes,
                             const uint8_t *restrict scales, size_t blocks, float *restrict out) {
  const bl_mlx_format f = *format;
  const size_t size = value_bytes(&f);
  BL_ONE_BY_ONE
  for (; blocks > 0; blocks--, codes += f.group / 8 * f.bits, scales += 2 * size, out += f.group) {
    uint8_t loose[most_weights];
    bl_unpack(codes, (size_t)f.group, f.bits, loose);
    const line l = {load(scales, f.value_type), load(scales + size, f.value_type)};
    values(loose, f.group, l, out);
  }
}
