/// Palettes: a code book of up to 256 levels for a tensor.
#ifndef BITLADDER_KERNELS_PALETTE_H
#define BITLADDER_KERNELS_PALETTE_H

#include <stddef.h>
#include <stdint.h>

/// Counts finite weights by the upper 16 bits of their sortable key; `bins` has 65,536 pairs: how many, and
/// the sum of the lower 16 bits of their keys.
void bl_palette_count(const float *weights, size_t count, uint64_t *bins);

/// 2^bits levels in rising order, bits 1...8, and the bounds between them, one less: a weight belongs to the
/// first level whose upper bound isn't less than it.
typedef struct bl_palette {
  const float *levels;
  const float *bounds;
  int32_t bits;
} bl_palette;

/// The levels of weights; NaN has that of 0.
void bl_palette_round(const bl_palette *palette, const float *weights, size_t count, float *out);

/// The numbers of those levels.
void bl_palette_codes(const bl_palette *palette, const float *weights, size_t count, uint8_t *codes);

#endif
