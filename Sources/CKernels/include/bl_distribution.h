/// Statistics and histograms of weights.
#ifndef BITLADDER_KERNELS_DISTRIBUTION_H
#define BITLADDER_KERNELS_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

/// What one pass over a piece gives; central moments are sums about the piece's own mean.
typedef struct bl_moments {
  uint64_t count;  // finite weights
  uint64_t nan;
  uint64_t infinite;
  uint64_t zeros;
  float minimum;  // of the finite weights; +infinity if there are none
  float maximum;  // of the finite weights; -infinity if there are none
  double mean;
  double m2;
  double m3;
  double m4;
} bl_moments;

bl_moments bl_moments_of(const float *weights, size_t count);

/// Counts finite weights by the upper 16 bits of their sortable key (65,536 counters), and returns the
/// bits seen in the lower 16 bits of the weights, all or-ed.
uint32_t bl_sketch_add(const float *weights, size_t count, uint64_t *counts);

/// Counts weights into `bins` equal bins of [lower, upper]; the upper end belongs to the last bin.
/// `outside`: below, above, not finite (infinities and NaN).
void bl_histogram_add(const float *weights, size_t count, float lower, float upper, size_t bins,
                      uint64_t *counts, uint64_t outside[3]);

/// Adds (w - r)^2 of each pair to the bin of w; of pairs whose w is outside, to `outside`: below, above.
/// Pairs that aren't finite add nothing.
void bl_histogram_errors_add(const float *weights, const float *reconstructed, size_t count, float lower,
                             float upper, size_t bins, double *errors, double outside[2]);

#endif
