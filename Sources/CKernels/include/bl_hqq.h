/// Half-Quadratic Quantization: affine grids whose zero points aren't whole numbers (see HQQCodec.swift).
#ifndef BITLADDER_KERNELS_HQQ_H
#define BITLADDER_KERNELS_HQQ_H

#include <stddef.h>
#include <stdint.h>

#include "bl_integer.h"

/// real = scale x (code - zero point), both as they read back from their stored form.
typedef struct bl_hqq_grid {
  float scale;
  float zero_point;
} bl_hqq_grid;

/// The grid of one group; `format` says bits and scale type.
bl_hqq_grid bl_hqq_search(const bl_integer_format *format, const float *weights, size_t count);

/// One row: each group of `group` weights (the last may be shorter) gets its grid and is rounded to it.
void bl_hqq_reconstruct_row(const bl_integer_format *format, const float *weights, size_t count,
                            size_t group, float *out);

/// The codes of weights on a grid: NaN has that of 0, infinities the ends.
void bl_hqq_codes(const bl_integer_format *format, bl_hqq_grid grid, const float *weights, size_t count,
                  uint8_t *codes);

void bl_hqq_decode(bl_hqq_grid grid, const uint8_t *codes, size_t count, float *out);

#endif
