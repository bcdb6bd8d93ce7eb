/// Integer formats: ranges, grids (scale and zero point), codes, reconstruction.
#ifndef BITLADDER_KERNELS_INTEGER_H
#define BITLADDER_KERNELS_INTEGER_H

#include <stddef.h>
#include <stdint.h>

/// How scales are stored.
enum { bl_scale_f16 = 0, bl_scale_bf16 = 1, bl_scale_f32 = 2 };

/// How the range of a group is chosen.
enum { bl_minmax = 0, bl_percentile = 1, bl_mse = 2, bl_entropy = 3 };

/// The candidates of the `mse` calibration: k / 100 of the range, k = 100 down to 21.
enum { bl_mse_candidates = 80, bl_mse_grid = 100 };

/// Bins for each magnitude level in the histograms of the `entropy` calibration.
enum { bl_entropy_bins_per_level = 16, bl_entropy_maximum_bins = 2048 };

typedef struct bl_integer_format {
  int32_t bits;         // 2...8
  int32_t affine;       // 0: symmetric
  int32_t scale_type;   // bl_scale_...
  int32_t calibration;  // bl_minmax ...
  double percentile;    // 50...100, for bl_percentile
} bl_integer_format;

/// A range of weights; lower <= 0 <= upper, both finite.
typedef struct bl_range {
  float lower;
  float upper;
} bl_range;

/// real = scale x (code - zero_point); the scale as it reads back from its stored form.
typedef struct bl_grid {
  float scale;
  int32_t zero_point;
} bl_grid;

/// The grid of a range: symmetric formats use the larger of -lower and upper.
bl_grid bl_integer_grid(const bl_integer_format *format, bl_range range);

/// The least and greatest of the finite weights, widened to hold 0.
bl_range bl_finite_range(const float *weights, size_t count);

/// The natural logarithms of 0...bl_logarithms are handed in where the `entropy` calibration may need them
/// (with 0 for the logarithm of 0).
enum { bl_logarithms = 4096 };

/// The range that the format's calibration gives `count` weights taken as one group.
bl_range bl_integer_range(const bl_integer_format *format, const float *weights, size_t count,
                          const double *logarithms);

/// One row: each group of `group` weights (the last may be shorter) gets its grid and is rounded to it.
void bl_integer_reconstruct_row(const bl_integer_format *format, const float *weights, size_t count,
                                size_t group, const double *logarithms, float *out);

/// Rounds weights to a grid: NaN gives 0, infinities the ends of the grid.
void bl_integer_apply(const bl_integer_format *format, bl_grid grid, const float *weights, size_t count,
                      float *out);

/// The codes of weights on a grid, in the low `bits` of a byte (two's complement where symmetric).
void bl_integer_codes(const bl_integer_format *format, bl_grid grid, const float *weights, size_t count,
                      uint8_t *codes);

/// Weights from codes as `bl_integer_codes` gives them.
void bl_integer_decode(const bl_integer_format *format, bl_grid grid, const uint8_t *codes,
                       size_t count, float *out);

/// Adds, for each candidate of the `mse` calibration on `range`, the sum of squared errors of the weights;
/// `sums` has bl_mse_candidates values, the whole range first.
void bl_mse_errors(const bl_integer_format *format, bl_range range, const float *weights, size_t count,
                   double *sums);

/// The candidate range number `index` of the `mse` calibration: both ends multiplied by (100 - index) / 100.
bl_range bl_mse_range(bl_range range, int32_t index);

/// Counts |w| over [0, limit] into `bins` bins; values over the limit go to the last; not finite: left out.
void bl_entropy_count(const float *weights, size_t count, float limit, size_t bins, uint64_t *counts);

/// The number of first bins to keep, by the least Kullback-Leibler divergence (see Calibration.swift).
/// `bins` = 16 x levels, at most bl_entropy_maximum_bins.
size_t bl_entropy_threshold(const uint64_t *counts, size_t bins, const double *logarithms);

/// The range kept when the first `kept` of `bins` bins over [0, the greater end] are.
bl_range bl_entropy_range(bl_range range, size_t kept, size_t bins);

/// The linear interpolation between two order statistics that numpy.percentile makes.
double bl_interpolate(double a, double b, double t);

#endif
