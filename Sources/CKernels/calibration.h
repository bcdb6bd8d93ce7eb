/// How the range of a group is chosen; one file for each way.
#ifndef BITLADDER_CALIBRATION_H
#define BITLADDER_CALIBRATION_H

#include "bl_integer.h"
#include "kernel.h"

bl_range bl_search_mse(const bl_integer_format *f, bl_range range, const float *weights, size_t count);

bl_range bl_search_percentile(const bl_integer_format *f, const float *weights, size_t count);

bl_range bl_search_entropy(const bl_integer_format *f, bl_range range, const float *weights,
                           size_t count, const double *logarithms);

BL_INLINE bool bl_all_finite(const float *w, size_t count) {
  u32x16 greatest = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    greatest = __builtin_elementwise_max(greatest, *(const u32x16 *)(w + i) & 0x7fffffffu);
  }
  bool finite = __builtin_reduce_max(greatest) < BL_INFINITY_BITS;
  for (; i < count; i++) finite &= bl_is_finite(w[i]);
  return finite;
}

#endif
