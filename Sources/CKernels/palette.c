// Codes of 1 to 8 bits that stand for the levels of a tensor; what is stored is in PaletteFormat.swift.
#include "bl_palette.h"

#include "kernel.h"

enum { lanes = 16, few = 16, block = 256 };

void bl_palette_count(const float *weights, size_t count, uint64_t *bins) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t u = bl_bits(weights[i]);
    if ((u & 0x7fffffffu) >= BL_INFINITY_BITS) continue;
    const uint32_t key = u ^ ((u >> 31) ? 0xffffffffu : 0x80000000u);
    uint64_t *bin = bins + 2 * (size_t)(key >> 16);
    bin[0]++;
    bin[1] += key & 0xffffu;
  }
}

/// Few levels: 16 weights are compared with every bound.
BL_INLINE void few_levels(const bl_palette *p, const float *w, size_t count, float *out) {
  const int levels = 1 << p->bits;
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = count - i < lanes ? count - i : lanes;
    f32x16 v = 0;
    if (n == lanes) {
      v = *(const f32x16 *)(w + i);
    } else {
      memcpy(&v, w + i, n * sizeof *w);
    }
    v = v == v ? v : (f32x16)0;
    f32x16 value = p->levels[0];
    for (int k = 1; k < levels; k++) value = v > p->bounds[k - 1] ? (f32x16)p->levels[k] : value;
    memcpy(out + i, &value, n * sizeof *out);
  }
}

/// The number of bounds below each weight, by halving: all weights take the same steps, so the inner loop
/// vectorises where the processor can gather.
BL_INLINE void indices(const bl_palette *p, const float *restrict w, size_t count,
                       int32_t *restrict index) {
  for (size_t i = 0; i < count; i++) index[i] = 0;
  for (int32_t step = 1 << (p->bits - 1); step > 0; step >>= 1) {
    const float *bounds = p->bounds + (step - 1);
    for (size_t i = 0; i < count; i++) {
      const float v = w[i] == w[i] ? w[i] : 0;
      index[i] += v > bounds[index[i]] ? step : 0;
    }
  }
}

BL_KERNEL void bl_palette_round(const bl_palette *palette, const float *weights, size_t count,
                                float *restrict out) {
  const bl_palette p = *palette;
  if (1 << p.bits <= few) {
    few_levels(&p, weights, count, out);
    return;
  }
  int32_t index[block];
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    indices(&p, weights + start, n, index);
    for (size_t i = 0; i < n; i++) out[start + i] = p.levels[index[i]];
  }
}

BL_KERNEL void bl_palette_codes(const bl_palette *palette, const float *weights, size_t count,
                                uint8_t *restrict codes) {
  const bl_palette p = *palette;
  int32_t index[block];
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    indices(&p, weights + start, n, index);
    for (size_t i = 0; i < n; i++) codes[start + i] = (uint8_t)index[i];
  }
}
