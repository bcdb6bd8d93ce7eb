/// Sums over pairs of weights, from which all error figures follow.
#ifndef BITLADDER_KERNELS_ERRORS_H
#define BITLADDER_KERNELS_ERRORS_H

#include <stddef.h>
#include <stdint.h>

typedef struct bl_error_sums {
  uint64_t count;                     // pairs with a finite source
  uint64_t nan;                       // sources that are NaN
  uint64_t infinite;                  // sources that are infinite
  uint64_t not_finite_reconstructed;  // finite sources whose reconstruction isn't
  double squared_error;
  double squares;
  double squares_reconstructed;
  double products;
  double max_error;
} bl_error_sums;

/// Adds `count` pairs. Pairs in which either is not finite add to the counters alone.
void bl_error_sums_add(const float *weights, const float *reconstructed, size_t count,
                       bl_error_sums *sums);

typedef struct bl_weighted_sums {
  double squared_error;  // of a (w - r)^2
  double squares;        // of a w^2
} bl_weighted_sums;

/// Adds `rows` rows of pairs, column j of each counting `importance[j]` times (finite, from 0 on). Pairs in
/// which either is not finite are left out.
void bl_weighted_sums_add(const float *weights, const float *reconstructed, const float *importance,
                          size_t rows, size_t row_length, bl_weighted_sums *sums);

/// The weights of a block of `bl_peaks`.
#define BL_PEAK_LENGTH 32

/// The greatest size and the sum of squares of each block of weights, the last of which may be shorter. Weights
/// that aren't finite count as 0.
void bl_peaks(const float *weights, size_t count, float *peaks, float *squares);

#endif
