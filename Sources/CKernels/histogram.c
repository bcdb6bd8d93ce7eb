#include "bl_distribution.h"

#include "kernel.h"

enum { block = 256 };

/// Bins are found for a block at a time, which vectorises, and counted one by one, which doesn't.
BL_KERNEL void bl_histogram_add(const float *weights, size_t count, float lower, float upper,
                                size_t bins, uint64_t *counts, uint64_t outside[3]) {
  const double extent = (double)upper - (double)lower;
  const double factor = extent > 0 ? (double)bins / extent : 0;
  uint32_t index[block];
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    const float *w = weights + start;
    for (size_t i = 0; i < n; i++) {
      // Below: bins; above: bins + 1; not finite: bins + 2.
      const double place = ((double)w[i] - (double)lower) * factor;
      const double bounded = place < (double)bins ? place : (double)bins - 1;
      uint32_t bin = (uint32_t)(int32_t)(bounded > 0 ? bounded : 0);
      bin = w[i] < lower ? (uint32_t)bins : bin;
      bin = w[i] > upper ? (uint32_t)bins + 1 : bin;
      bin = (bl_bits(w[i]) & 0x7fffffffu) >= BL_INFINITY_BITS ? (uint32_t)bins + 2 : bin;
      index[i] = bin;
    }
    for (size_t i = 0; i < n; i++) {
      if (index[i] < bins) {
        counts[index[i]]++;
      } else {
        outside[index[i] - bins]++;
      }
    }
  }
}
