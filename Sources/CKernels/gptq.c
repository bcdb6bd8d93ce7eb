#include "bl_gptq.h"

#include <math.h>

#include "grid.h"

BL_KERNEL void bl_compensate(const bl_integer_format *format, const bl_compensation *row) {
  const bl_integer_format f = *format;
  const size_t end = row->count + row->tail;
  float *w = row->weights;
  for (size_t j = 0; j < row->count; j++) {
    const bl_grid grid = row->grids[row->places ? row->places[j] : 0];
    const float *line = row->factor + j * row->stride;
    row->out[j] = bl_on_grid(w[j], bl_limits_of(&f, grid));
    const float error = (w[j] - row->out[j]) / line[j];
    row->errors[j] = bl_is_finite(error) ? -error : 0;
    const float e = row->errors[j];
    // With nothing to take up nothing changes, not even a zero's sign.
    if (e == 0) continue;
    for (size_t k = j + 1; k < end; k++) w[k] += e * line[k];
  }
}

enum { rows_at_once = 4 };

/// The sums of products of one row with up to four others: what is read once is used four times.
BL_INLINE void dots(const double *a, size_t stride, size_t rows, const double *b, size_t n, double *sums) {
#pragma clang fp contract(fast)
  f64x8 lanes[rows_at_once] = {0};
  size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    const f64x8 v = *(const f64x8 *)(b + k);
    for (size_t r = 0; r < rows; r++) lanes[r] += *(const f64x8 *)(a + r * stride + k) * v;
  }
  for (size_t r = 0; r < rows; r++) {
    sums[r] = bl_sum_lanes(&lanes[r]);
    for (size_t i = k; i < n; i++) sums[r] += a[r * stride + i] * b[i];
  }
}

/// The entries in column `j` of some rows below it.
BL_INLINE void solve_column(double *a, size_t n, size_t first, size_t rows, size_t j) {
  double sums[rows_at_once];
  dots(a + first * n, n, rows, a + j * n, j, sums);
  for (size_t r = 0; r < rows; r++) {
    double *place = a + (first + r) * n + j;
    *place = (*place - sums[r]) / a[j * n + j];
  }
}

BL_KERNEL bool bl_cholesky(double *a, size_t n) {
  for (size_t first = 0; first < n; first += rows_at_once) {
    const size_t rows = n - first < rows_at_once ? n - first : rows_at_once;
    for (size_t j = 0; j < first; j++) {
      if (rows == rows_at_once) {
        solve_column(a, n, first, rows_at_once, j);
      } else {
        solve_column(a, n, first, rows, j);
      }
    }
    for (size_t i = first; i < first + rows; i++) {
      for (size_t j = first; j < i; j++) solve_column(a, n, i, 1, j);
      double square;
      dots(a + i * n, n, 1, a + i * n, i, &square);
      const double rest = a[i * n + i] - square;
      if (!(rest > 0) || rest > 1e300) return false;
      a[i * n + i] = sqrt(rest);
    }
  }
  return true;
}

/// Takes the first `count` numbers of a row times a factor each off up to four rows.
BL_INLINE void take_off(double *a, size_t n, size_t first, size_t rows, size_t k, const double *factors) {
#pragma clang fp contract(fast)
  const double *line = a + k * n;
  size_t c = 0;
  for (; c + 8 <= k + 1; c += 8) {
    const f64x8 v = *(const f64x8 *)(line + c);
    for (size_t r = 0; r < rows; r++) *(f64x8 *)(a + (first + r) * n + c) -= factors[r] * v;
  }
  for (; c <= k; c++) {
    for (size_t r = 0; r < rows; r++) a[(first + r) * n + c] -= factors[r] * line[c];
  }
}

BL_KERNEL void bl_invert_lower(double *a, size_t n) {
  for (size_t first = 0; first < n; first += rows_at_once) {
    const size_t rows = n - first < rows_at_once ? n - first : rows_at_once;
    // The rows above are done: their column k meets what is still the matrix in these rows.
    for (size_t k = 0; k < first; k++) {
      double factors[rows_at_once];
      for (size_t r = 0; r < rows; r++) {
        double *place = a + (first + r) * n + k;
        factors[r] = *place;
        *place = 0;
      }
      if (rows == rows_at_once) {
        take_off(a, n, first, rows_at_once, k, factors);
      } else {
        take_off(a, n, first, rows, k, factors);
      }
    }
    for (size_t i = first; i < first + rows; i++) {
      for (size_t k = first; k < i; k++) {
        double factor = a[i * n + k];
        a[i * n + k] = 0;
        take_off(a, n, i, 1, k, &factor);
      }
      const double scale = 1 / a[i * n + i];
      for (size_t c = 0; c < i; c++) a[i * n + c] *= scale;
      a[i * n + i] = scale;
    }
  }
}
