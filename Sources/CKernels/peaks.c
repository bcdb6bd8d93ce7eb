/// The greatest weight and the squares of each 32 weights: what tells where errors will be.
#include "bl_errors.h"

#include "kernel.h"

enum { length = BL_PEAK_LENGTH };

BL_KERNEL void bl_peaks(const float *weights, size_t count, float *peaks, float *squares) {
  for (size_t start = 0, block = 0; start < count; start += length, block++) {
    // Behind the last weight are zeros; what isn't finite counts as zero too.
    float rest[length] = {0};
    const float *from = weights + start;
    if (count - start < length) {
      memcpy(rest, from, (count - start) * sizeof *rest);
      from = rest;
    }
    f32x16 greatest = 0, sum = 0;
    for (int half = 0; half < length; half += 16) {
      const u32x16 bits = *(const u32x16 *)(from + half) & 0x7fffffffu;
      const f32x16 size = (f32x16)(bits & (u32x16)(bits < BL_INFINITY_BITS));
      greatest = __builtin_elementwise_max(greatest, size);
      sum += size * size;
    }
    f64x8 total = __builtin_convertvector(sum.lo, f64x8) + __builtin_convertvector(sum.hi, f64x8);
    peaks[block] = __builtin_reduce_max(greatest);
    squares[block] = (float)bl_sum_lanes(&total);
  }
}
