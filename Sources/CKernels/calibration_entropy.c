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

BL_INLINE double logarithm(uint64_t value, const double *table, bool small) {
  return small || value <= bl_logarithms ? table[value] : log((double)value);
}

/// Sums over the bins before each: weights, bins that have any, and c ln c.
typedef struct {
  uint64_t weights[bl_entropy_maximum_bins + 1];
  uint64_t filled[bl_entropy_maximum_bins + 1];
  double entropy[bl_entropy_maximum_bins + 1];
} prefixes;

/// The divergence when the first `kept` bins are kept: total x (KL + ln total) is the sum of c ln c over P's
/// bins, less, for each level, its weight in P times the logarithm of its share in each bin of Q.
/// `small`: no count is beyond the table, and the loop has no branches.
BL_INLINE double divergence_of(const prefixes *p, const uint64_t *counts, size_t bins, size_t shift,
                               size_t kept, const double *table, bool small) {
  const size_t levels = (size_t)1 << shift;
  const uint64_t total = p->weights[bins], sum = p->weights[kept], tail = total - sum;
  const uint64_t last = counts[kept - 1] + tail;
  double divergence = p->entropy[kept - 1] + (double)last * logarithm(last, table, small);
  size_t begin = 0;
  for (size_t level = 1; level < levels; level++) {
    const size_t end = (level * kept + levels - 1) >> shift;
    const uint64_t mass = p->weights[end] - p->weights[begin];
    const uint64_t filled = p->filled[end] - p->filled[begin];
    // An empty level adds 0: the table has 0 for the logarithm of 0.
    divergence -= (double)mass * (logarithm(mass, table, small) - logarithm(filled, table, small));
    begin = end;
  }
  // The last level has the tail in P, but not in Q.
  const uint64_t mass = sum - p->weights[begin];
  const uint64_t filled = p->filled[kept] - p->filled[begin] + (tail > 0 && counts[kept - 1] == 0);
  const double share = logarithm(mass, table, small) - logarithm(filled, table, small);
  divergence -= (double)(mass + tail) * (mass > 0 ? share : log(BL_EMPTY_SHARE));
  const uint64_t covered = mass > 0 ? total : total - tail;
  divergence += (double)covered * logarithm(sum, table, small);
  return divergence / (double)total - logarithm(total, table, small);
}

size_t bl_entropy_threshold(const uint64_t *counts, size_t bins, const double *logarithms) {
  prefixes p;
  p.weights[0] = p.filled[0] = 0;
  p.entropy[0] = 0;
  for (size_t j = 0; j < bins; j++) {
    p.weights[j + 1] = p.weights[j] + counts[j];
    p.filled[j + 1] = p.filled[j] + (counts[j] > 0);
    p.entropy[j + 1] = p.entropy[j] + (double)counts[j] * logarithm(counts[j], logarithms, false);
  }
  const uint64_t total = p.weights[bins];
  if (total == 0) return bins;

  size_t shift = 0;
  while (((size_t)bl_entropy_bins_per_level << shift) < bins) shift++;
  const size_t levels = (size_t)1 << shift, step = bins / 128 > 1 ? bins / 128 : 1;
  const bool small = total <= bl_logarithms;
  size_t best_kept = bins;
  double best = INFINITY;
  for (size_t kept = bins; kept >= levels; kept -= step) {
    const double divergence =
        small ? divergence_of(&p, counts, bins, shift, kept, logarithms, true)
              : divergence_of(&p, counts, bins, shift, kept, logarithms, false);
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
