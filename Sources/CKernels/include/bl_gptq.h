/// GPTQ (Frantar, Ashkboos, Hoefler and Alistarh 2022): codes that make up for each other's errors; and the
/// triangular matrices that it needs, in double precision.
#ifndef BITLADDER_KERNELS_GPTQ_H
#define BITLADDER_KERNELS_GPTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bl_integer.h"

/// One row's weights, from left to right: each is rounded to its grid, and those behind it take up the error.
typedef struct bl_compensation {
  /// How many are rounded, and how many stand behind them that take up errors as well.
  size_t count, tail;
  /// Changed: what is left to be rounded.
  float *weights;
  /// The factor's part: a row for each weight that is rounded, from its own column on the diagonal.
  const float *factor;
  size_t stride;
  /// Their grids; `places` says which one a weight has, without it all have the first.
  const bl_grid *grids;
  const uint32_t *places;
  /// What comes back of the weights, and the errors that are to be taken up further behind, divided by the
  /// diagonal and negated.
  float *out, *errors;
} bl_compensation;

void bl_compensate(const bl_integer_format *format, const bl_compensation *row);

/// The lower factor L with a = L Lᵀ, in place of the lower part of `a` [n x n]; false where there is none.
bool bl_cholesky(double *a, size_t n);

/// The inverse of a lower triangular matrix, in place; what is above the diagonal isn't looked at.
void bl_invert_lower(double *a, size_t n);

#endif
