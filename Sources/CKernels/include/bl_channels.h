/// Ranges and errors of each row and each column of a matrix.
#ifndef BITLADDER_KERNELS_CHANNELS_H
#define BITLADDER_KERNELS_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

/// What is known of one row or column. Pairs whose source isn't finite are left out of everything; those whose
/// reconstruction isn't, of the sums.
typedef struct bl_channel {
  double sum;  // of w
  double squares;
  double squared_error;
  float minimum;
  float maximum;
  float max_error;
  uint32_t left_out;  // sources that aren't finite
  uint32_t lost;      // finite sources whose reconstruction isn't
  uint32_t outliers;
} bl_channel;

/// The same of all columns, field by field, so that neighbours are added at once.
typedef struct bl_columns {
  double *sum;
  double *squares;
  double *squared_error;
  float *minimum;
  float *maximum;
  float *max_error;
  uint32_t *left_out;
  uint32_t *lost;
  uint32_t *outliers;
} bl_columns;

/// Adds pairs to their rows and columns. Outliers are the finite weights below `low` or above `high`.
/// `by_row` has an element for each row; whoever calls sets minimum and maximum to +infinity and -infinity first.
void bl_channels_add(const float *weights, const float *reconstructed, size_t rows, size_t row_length,
                     float low, float high, bl_channel *by_row, const bl_columns *by_column);

#endif
