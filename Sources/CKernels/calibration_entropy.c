#include <math.h>

#include "calibration.h"

/// What stands for a share of zero in Q where P has weight.
#define BL_EMPTY_SHARE 1e-4

/// A smaller threshold must be better by more than this: equal divergences keep the larger range, however
/// they were rounded.
#define BL_LEAST_GAIN 1e-9

void bl_entropy_count(const float *weights, size_t count, float limit, size_t bins, uint64_t *counts) {
  if (!(limit > 0)) return;
  const double factor = (double)bins / (double)limit;
  for (size_t i = 0; i < count; i++) {
    if (!bl_is_finite(weights[i])) continue;
    const size_t bin = (size_t)(fabs((double)weights[i]) * factor);
    counts[bin < bins ? bin : bins - 1]++;
  }
}

BL_INLINE double logarithm(uint64_t value, const double *table) {
  return value <= bl_logarithms ? table[value] : log((double)value);
}

size_t bl_entropy_threshold(const uint64_t *counts, size_t bins, const double *logarithms) {
  // Sums over the bins before each: weights, bins that have any, and c ln c.
  uint64_t before[bl_entropy_maximum_bins + 1], filled[bl_entropy_maximum_bins + 1];
  double entropy[bl_entropy_maximum_bins + 1];
  before[0] = filled[0] = 0;
  entropy[0] = 0;
  for (size_t j = 0; j < bins; j++) {
    before[j + 1] = before[j] + counts[j];
    filled[j + 1] = filled[j] + (counts[j] > 0);
    entropy[j + 1] = entropy[j] + (double)counts[j] * logarithm(counts[j], logarithms);
  }
  const uint64_t total = before[bins];
  if (total == 0) return bins;

  const size_t levels = bins / bl_entropy_bins_per_level;
  const size_t step = bins / 128 > 1 ? bins / 128 : 1;
  size_t best_kept = bins;
  double best = INFINITY;
  for (size_t kept = bins; kept >= levels; kept -= step) {
    const uint64_t sum = before[kept], tail = total - sum, last = counts[kept - 1] + tail;
    // total x (KL + ln total), from the sums of c ln c on the one hand and of each level on the other.
    double divergence = entropy[kept - 1] + (double)last * logarithm(last, logarithms);
    uint64_t covered = 0;
    size_t begin = 0;
    for (size_t level = 0; level < levels; level++) {
      const size_t end = ((level + 1) * kept + levels - 1) / levels;
      const uint64_t mass = before[end] - before[begin];
      uint64_t bins_filled = filled[end] - filled[begin], reference = mass;
      begin = end;
      if (end == kept && tail > 0) {
        reference += tail;
        bins_filled += counts[kept - 1] == 0;
      }
      if (mass > 0) {
        covered += reference;
        divergence -= (double)reference
                      * (logarithm(mass, logarithms) - logarithm(bins_filled, logarithms));
      } else if (reference > 0) {
        divergence -= (double)reference * log(BL_EMPTY_SHARE);
      }
    }
    divergence += (double)covered * logarithm(sum, logarithms);
    divergence = divergence / (double)total - logarithm(total, logarithms);
    if (divergence < best - BL_LEAST_GAIN) {
      best = divergence;
      best_kept = kept;
    }
  }
  return best_kept;
}

bl_range bl_entropy_range(bl_range range, size_t kept, size_t bins) {
  const float limit = -range.lower > range.upper ? -range.lower : range.upper;
  const float kept_limit = (float)((double)limit * (double)kept / (double)bins);
  if (kept < bins && range.upper > kept_limit) range.upper = kept_limit;
  if (kept < bins && range.lower < -kept_limit) range.lower = -kept_limit;
  return range;
}

bl_range bl_search_entropy(const bl_integer_format *f, bl_range range, const float *weights,
                           size_t count, const double *logarithms) {
  const size_t bins = (size_t)bl_entropy_bins_per_level << (f->bits - 1);
  uint64_t counts[bl_entropy_maximum_bins];
  memset(counts, 0, bins * sizeof *counts);
  const float limit = -range.lower > range.upper ? -range.lower : range.upper;
  bl_entropy_count(weights, count, limit, bins, counts);
  return bl_entropy_range(range, bl_entropy_threshold(counts, bins, logarithms), bins);
}
