#include "calibration.h"

bl_range bl_integer_range(const bl_integer_format *format, const float *weights, size_t count,
                          const double *logarithms) {
  if (format->calibration == bl_percentile) return bl_search_percentile(format, weights, count);
  const bl_range range = bl_finite_range(weights, count);
  if (range.lower == 0 && range.upper == 0) return range;
  switch (format->calibration) {
    case bl_mse: return bl_search_mse(format, range, weights, count);
    case bl_entropy: return bl_search_entropy(format, range, weights, count, logarithms);
    default: return range;
  }
}
