#include "bl_distribution.h"

#include "kernel.h"

enum { block = 256 };

/// Bins are found for a block at a time, which vectorises, and counted one by one, which doesn't.
/// Below: bins; above: bins + 1; not finite: bins + 2.
BL_INLINE void find_bins(const float *w, size_t n, float lower, float upper, size_t bins, double factor,
                         uint32_t index[block]) {
  for (size_t i = 0; i < n; i++) {
    const double place = ((double)w[i] - (double)lower) * factor;
    const double bounded = place < (double)bins ? place : (double)bins - 1;
    uint32_t bin = (uint32_t)(int32_t)(bounded > 0 ? bounded : 0);
    bin = w[i] < lower ? (uint32_t)bins : bin;
    bin = w[i] > upper ? (uint32_t)bins + 1 : bin;
    bin = (bl_bits(w[i]) & 0x7fffffffu) >= BL_INFINITY_BITS ? (uint32_t)bins + 2 : bin;
    index[i] = bin;
  }
}

BL_INLINE double bins_per_unit(float lower, float upper, size_t bins) {
  const double extent = (double)upper - (double)lower;
  return extent > 0 ? (double)bins / extent : 0;
}

BL_KERNEL void bl_histogram_add(const float *weights, size_t count, float lower, float upper,
                                size_t bins, uint64_t *counts, uint64_t outside[3]) {
  const double factor = bins_per_unit(lower, upper, bins);
  uint32_t index[block];
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    find_bins(weights + start, n, lower, upper, bins, factor, index);
    for (size_t i = 0; i < n; i++) {
      if (index[i] < bins) {
        counts[index[i]]++;
      } else {
        outside[index[i] - bins]++;
      }
    }
  }
}

BL_KERNEL void bl_histogram_errors_add(const float *weights, const float *reconstructed, size_t count,
                                       float lower, float upper, size_t bins, double *errors,
                                       double outside[2]) {
  const double factor = bins_per_unit(lower, upper, bins);
  uint32_t index[block];
  double squares[block];
  for (size_t start = 0; start < count; start += block) {
    const size_t n = count - start < block ? count - start : block;
    const float *w = weights + start, *r = reconstructed + start;
    find_bins(w, n, lower, upper, bins, factor, index);
    for (size_t i = 0; i < n; i++) {
      // Of finite values it is far below; of others infinite or NaN.
      const double error = (double)w[i] - (double)r[i], square = error * error;
      squares[i] = square < 1e300 ? square : 0;
    }
    for (size_t i = 0; i < n; i++) {
      if (index[i] < bins) {
        errors[index[i]] += squares[i];
      } else if (index[i] < bins + 2) {
        outside[index[i] - bins] += squares[i];
      }
    }
  }
}
