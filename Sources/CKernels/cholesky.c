#include "bl_cholesky.h"

#include <math.h>

#include "kernel.h"

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
