#include "bl_channels.h"

#include "kernel.h"

typedef uint32_t u32x8 __attribute__((ext_vector_type(8), aligned(4)));

typedef struct {
  f64x8 sum, squares, squared_error;
  f32x8 minimum, maximum, max_error;
  u32x8 left_out, lost, outliers;
} lanes;

typedef struct {
  float low, high;
} limits;

/// Adds eight neighbours to their row and their columns. A mask is all ones, so taking it away counts one.
/// `is_plain`: all of them are known to be finite.
BL_INLINE void add_eight(const float *w, const float *r, size_t column, const limits *limits, bool is_plain,
                         lanes *row, const bl_columns *to) {
  const f32x8 weights = *(const f32x8 *)w, back = *(const f32x8 *)r, nothing = 0;
  f32x8 kept = weights, kept_back = back;
  u32x8 counts = ~(u32x8)0;
  if (!is_plain) {
    counts = (u32x8)(((u32x8)weights & 0x7fffffffu) < BL_INFINITY_BITS);
    const u32x8 both = counts & (u32x8)(((u32x8)back & 0x7fffffffu) < BL_INFINITY_BITS);
    const u32x8 lost = counts & ~both, left_out = ~counts;
    kept = both ? weights : nothing;
    kept_back = both ? back : nothing;
    row->left_out -= left_out;
    row->lost -= lost;
    *(u32x8 *)(to->left_out + column) -= left_out;
    *(u32x8 *)(to->lost + column) -= lost;
  }
  const f64x8 a = __builtin_convertvector(kept, f64x8);
  const f64x8 error = a - __builtin_convertvector(kept_back, f64x8);
  const f64x8 square = a * a, squared_error = error * error;
  const f32x8 size = __builtin_elementwise_abs(__builtin_convertvector(error, f32x8));
  const u32x8 outliers = counts & (u32x8)((weights < limits->low) | (weights > limits->high));
  row->sum += a;
  row->squares += square;
  row->squared_error += squared_error;
  row->outliers -= outliers;
  *(f64x8 *)(to->sum + column) += a;
  *(f64x8 *)(to->squares + column) += square;
  *(f64x8 *)(to->squared_error + column) += squared_error;
  *(u32x8 *)(to->outliers + column) -= outliers;

  f32x8 *const least = (f32x8 *)(to->minimum + column), *const most = (f32x8 *)(to->maximum + column);
  f32x8 *const worst = (f32x8 *)(to->max_error + column);
  const u32x8 lower = counts & (u32x8)(weights < *least), higher = counts & (u32x8)(weights > *most);
  const u32x8 row_lower = counts & (u32x8)(weights < row->minimum);
  const u32x8 row_higher = counts & (u32x8)(weights > row->maximum);
  *least = lower ? weights : *least;
  *most = higher ? weights : *most;
  *worst = size > *worst ? size : *worst;
  row->minimum = row_lower ? weights : row->minimum;
  row->maximum = row_higher ? weights : row->maximum;
  row->max_error = size > row->max_error ? size : row->max_error;
}

/// Adds one pair to a row or a column.
BL_INLINE void add_one(float w, float r, const limits *limits, bl_channel *to) {
  if (!bl_is_finite(w)) {
    to->left_out++;
    return;
  }
  if (w < to->minimum) to->minimum = w;
  if (w > to->maximum) to->maximum = w;
  to->outliers += w < limits->low || w > limits->high;
  if (!bl_is_finite(r)) {
    to->lost++;
    return;
  }
  const double error = (double)w - r;
  const float size = (float)(error < 0 ? -error : error);
  to->sum += w;
  to->squares += (double)w * w;
  to->squared_error += error * error;
  if (size > to->max_error) to->max_error = size;
}

BL_INLINE void add_to_column(float w, float r, size_t column, const limits *limits, const bl_columns *to) {
  bl_channel one = {
      to->sum[column],     to->squares[column],   to->squared_error[column],
      to->minimum[column], to->maximum[column],   to->max_error[column],
      to->left_out[column], to->lost[column],     to->outliers[column],
  };
  add_one(w, r, limits, &one);
  to->sum[column] = one.sum;
  to->squares[column] = one.squares;
  to->squared_error[column] = one.squared_error;
  to->minimum[column] = one.minimum;
  to->maximum[column] = one.maximum;
  to->max_error[column] = one.max_error;
  to->left_out[column] = one.left_out;
  to->lost[column] = one.lost;
  to->outliers[column] = one.outliers;
}

/// The lanes of a row in their order, after what the row has already.
BL_INLINE void join(const lanes *from, bl_channel *to) {
  to->sum += bl_sum_lanes(&from->sum);
  to->squares += bl_sum_lanes(&from->squares);
  to->squared_error += bl_sum_lanes(&from->squared_error);
  for (int i = 0; i < 8; i++) {
    if (from->minimum[i] < to->minimum) to->minimum = from->minimum[i];
    if (from->maximum[i] > to->maximum) to->maximum = from->maximum[i];
    if (from->max_error[i] > to->max_error) to->max_error = from->max_error[i];
    to->left_out += from->left_out[i];
    to->lost += from->lost[i];
    to->outliers += from->outliers[i];
  }
}

/// True if all of the values are finite; `count` is a multiple of 8.
BL_INLINE bool all_finite(const float *w, const float *r, size_t count) {
  u32x8 greatest = 0;
  for (size_t i = 0; i < count; i += 8) {
    const u32x8 a = *(const u32x8 *)(w + i) & 0x7fffffffu, b = *(const u32x8 *)(r + i) & 0x7fffffffu;
    greatest = __builtin_elementwise_max(greatest, __builtin_elementwise_max(a, b));
  }
  return __builtin_reduce_max(greatest) < BL_INFINITY_BITS;
}

BL_KERNEL void bl_channels_add(const float *weights, const float *reconstructed, size_t rows,
                               size_t row_length, float low, float high, bl_channel *by_row,
                               const bl_columns *by_column) {
  const limits ends = {low, high};
  const bl_columns columns = *by_column;
  const size_t whole = row_length & ~(size_t)7;
  for (size_t row = 0; row < rows; row++) {
    const float *w = weights + row * row_length, *r = reconstructed + row * row_length;
    lanes sums = {0};
    sums.minimum = __builtin_inff();
    sums.maximum = -__builtin_inff();
    if (all_finite(w, r, whole)) {
      for (size_t i = 0; i < whole; i += 8) add_eight(w + i, r + i, i, &ends, true, &sums, &columns);
    } else {
      for (size_t i = 0; i < whole; i += 8) add_eight(w + i, r + i, i, &ends, false, &sums, &columns);
    }
    join(&sums, &by_row[row]);
    for (size_t i = whole; i < row_length; i++) {
      add_one(w[i], r[i], &ends, &by_row[row]);
      add_to_column(w[i], r[i], i, &ends, &columns);
    }
  }
}
