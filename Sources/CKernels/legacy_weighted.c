// Q4_0, Q4_1, Q5_0, Q5_1 by importance: scales (and minima) that leave the least weighted squared error, of
// several candidates. legacy.c says how the blocks are laid out, and encodes without importance.
#include "block_lanes.h"
#include "legacy.h"

enum { block = 32 };

// MARK: Rows

/// The mean squares of sixteen rows, each a sum from left to right.
BL_INLINE void mean_squares(const float *const rows[bl_lanes], size_t row_length, f32x16 *means) {
  f32x16 sums = 0;
  BL_ONE_BY_ONE
  for (size_t column = 0; column < row_length; column += block) {
    const float *pieces[bl_lanes];
    for (int lane = 0; lane < bl_lanes; lane++) pieces[lane] = rows[lane] + column;
    BL_LANES(f32x16) x[block];
    bl_gather(pieces, 0, block, x);
    for (int j = 0; j < block; j++) sums += x[j] * x[j];
  }
  *means = sums / (float)row_length;
}

/// Sixteen blocks, with the weights of their errors.
typedef struct {
  BL_LANES(f32x16) x[block];
  BL_LANES(f32x16) weights[block];
  int used;
} weighted;

/// Rows are taken sixteen at a time, so that their mean squares are found side by side; then their blocks.
typedef struct {
  bl_remainder left;
  size_t rows;
  BL_LANES(float) means[bl_lanes];
} progress;

BL_INLINE void take_rows(progress *p) {
  const size_t used = p->rows < bl_lanes ? p->rows : bl_lanes, length = p->left.row_length;
  const float *starts[bl_lanes];
  for (size_t lane = 0; lane < bl_lanes; lane++) {
    starts[lane] = p->left.weights + (lane < used ? lane : used - 1) * length;
  }
  f32x16 means;
  mean_squares(starts, length, &means);
  memcpy(p->means, &means, sizeof means);
  p->left.blocks = used * (length / block);
  p->left.row = 0;
  p->rows -= used;
}

/// False where nothing is left.
BL_INLINE bool take_weighted(progress *p, weighted *taken) {
  if (p->left.blocks == 0) {
    if (p->rows == 0) return false;
    take_rows(p);
  }
  bl_blocks blocks;
  bl_take_blocks(&p->left, block, &blocks);
  BL_LANES(float) means[bl_lanes];
  for (int lane = 0; lane < bl_lanes; lane++) means[lane] = p->means[blocks.rows[lane]];
  const f32x16 mean = *(const f32x16 *)means;
  bl_gather(blocks.weights, 0, block, taken->x);
  bl_gather(blocks.importance, 0, block, taken->weights);
  bl_weigh(taken->x, taken->weights, &mean, block, taken->weights);
  taken->used = blocks.used;
  return true;
}

BL_INLINE progress all_rows(const float *weights, const float *importance, size_t rows, size_t row_length) {
  const progress all = {{weights, importance, row_length, 0, 0, 0}, row_length > 0 ? rows : 0, {0}};
  return all;
}

// MARK: A scale

/// Rounded, ties to even. Of what isn't finite anything may come, here and in what follows: then all sums are
/// NaN as in the reference.
BL_INLINE void round_level(const f32x16 *scaled, f32x16 *level) {
  *level = (*scaled + BL_ROUNDER) - BL_ROUNDER;
}

BL_INLINE void raise_to(float least, f32x16 *level) { *level = *level < least ? (f32x16)least : *level; }

BL_INLINE void lower_to(float most, f32x16 *level) { *level = *level > most ? (f32x16)most : *level; }

/// The sums of a fit of scale x level.
typedef struct {
  f32x16 lx, l2;
} scaled_sums;

BL_INLINE void add_level(const f32x16 *scaled, const f32x16 *product, const f32x16 *weight, float half,
                         bool bounded, scaled_sums *s) {
  f32x16 level;
  round_level(scaled, &level);
  if (!bounded) raise_to(-half, &level);
  lower_to(half - 1, &level);
  s->lx += *product * level;
  s->l2 += *weight * level * level;
}

enum { at_once = 3 };

/// A few tries at once, so that sums needn't wait for each other. Levels are from -half to half - 1;
/// `bounded` if none can round to less. `products` are weights times x.
BL_INLINE void add_up(const weighted *b, const f32x16 *products, const f32x16 *inverses, int tries,
                      float half, bool bounded, scaled_sums *sums) {
  scaled_sums s[at_once] = {{0, 0}, {0, 0}, {0, 0}};
  for (int j = 0; j < block; j++) {
    for (int t = 0; t < tries; t++) {
      const f32x16 scaled = inverses[t] * b->x[j];
      add_level(&scaled, &products[j], &b->weights[j], half, bounded, &s[t]);
    }
  }
  for (int t = 0; t < tries; t++) sums[t] = s[t];
}

/// The best fit so far: its scale, by what weights were multiplied to find their levels, its score.
typedef struct {
  f32x16 scale, inverse, score;
} best_fit;

BL_INLINE void keep_better(const scaled_sums *s, const f32x16 *inverse, best_fit *best) {
  const i32x16 better = (s->l2 > 0) & (s->lx * s->lx > best->score * s->l2);
  best->scale = better ? s->lx / s->l2 : best->scale;
  best->score = better ? best->scale * s->lx : best->score;
  best->inverse = better ? *inverse : best->inverse;
}

/// make_qx_quants: the scale that makes the first weight of the greatest magnitude -half, then eighteen
/// around it.
BL_INLINE void find_best_fit(const weighted *b, const f32x16 *first, int half, best_fit *found) {
  BL_LANES(f32x16) products[block];
  for (int j = 0; j < block; j++) products[j] = b->weights[j] * b->x[j];
  scaled_sums s[at_once];
  best_fit best = {0, -(float)half / *first, 0};
  add_up(b, products, &best.inverse, 1, (float)half, true, s);
  best.scale = s[0].l2 != 0 ? s[0].lx / s[0].l2 : (f32x16)0;
  best.score = best.scale * s[0].lx;
  BL_ONE_BY_ONE
  for (int from = -9; from <= 9; from += from == -at_once ? at_once + 1 : at_once) {
    f32x16 inverses[at_once];
    for (int t = 0; t < at_once; t++) inverses[t] = -((float)half + 0.1f * (float)(from + t)) / *first;
    if (from + at_once <= 5) {
      add_up(b, products, inverses, at_once, (float)half, true, s);
    } else {
      add_up(b, products, inverses, at_once, (float)half, false, s);
    }
    for (int t = 0; t < at_once; t++) keep_better(&s[t], &inverses[t], &best);
  }
  *found = best;
}

BL_INLINE void fit_scale(const weighted *b, int half, f32x16 *scale, i32x16 codes[block]) {
  f32x16 peak, first;
  bl_peak_lanes(b->x, &peak, &first);
  best_fit best;
  find_best_fit(b, &first, half, &best);
  const i32x16 none = peak < 1e-15f;
  *scale = none ? (f32x16)0 : best.scale;
  for (int j = 0; j < block; j++) {
    const f32x16 scaled = best.inverse * b->x[j];
    i32x16 code;
    bl_round_lanes(&scaled, &code);
    bl_clamp_lanes(&code, -half, half - 1);
    codes[j] = none ? (i32x16)0 : code + half;
  }
}

// MARK: A scale and a minimum

/// The sums of a fit of scale x level + minimum.
typedef struct {
  f32x16 l, l2, xl;
} sums;

/// The levels of all weights by one scale and minimum, from 0 to `most`. `exact` also where they overflow
/// what can be rounded.
BL_INLINE void find_levels(const weighted *b, const f32x16 *inverse, const f32x16 *minimum, int most,
                           bool exact, f32x16 levels[block]) {
  for (int j = 0; j < block; j++) {
    const f32x16 scaled = *inverse * (b->x[j] - *minimum);
    if (exact) {
      i32x16 code;
      bl_round_lanes(&scaled, &code);
      bl_clamp_lanes(&code, 0, most);
      levels[j] = __builtin_convertvector(code, f32x16);
    } else {
      round_level(&scaled, &levels[j]);
      raise_to(0, &levels[j]);
      lower_to((float)most, &levels[j]);
    }
  }
}

BL_INLINE void add_up_levels(const weighted *b, const f32x16 levels[block], sums *found) {
  sums s = {0, 0, 0};
  for (int j = 0; j < block; j++) {
    const f32x16 weighted_level = b->weights[j] * levels[j];
    s.l += weighted_level;
    s.l2 += weighted_level * levels[j];
    s.xl += weighted_level * b->x[j];
  }
  *found = s;
}

BL_INLINE void error_of(const weighted *b, const f32x16 levels[block], const f32x16 *scale,
                        const f32x16 *minimum, f32x16 *error) {
  f32x16 sum = 0;
  for (int j = 0; j < block; j++) {
    const f32x16 difference = *scale * levels[j] + *minimum - b->x[j];
    sum += b->weights[j] * (difference * difference);
  }
  *error = sum;
}

/// Least and greatest weights, the sums of weights of errors and of x so weighted.
typedef struct {
  f32x16 least, greatest, w, x;
} extent;

BL_INLINE void find_extent(const weighted *b, extent *found) {
  extent e = {b->x[0], b->x[0], b->weights[0], b->weights[0] * b->x[0]};
  for (int j = 1; j < block; j++) {
    e.least = b->x[j] < e.least ? b->x[j] : e.least;
    e.greatest = b->x[j] > e.greatest ? b->x[j] : e.greatest;
    e.w += b->weights[j];
    e.x += b->weights[j] * b->x[j];
  }
  *found = e;
}

/// The scale and minimum that fit given levels; false in lanes where there are none.
BL_INLINE void solve(const extent *e, const sums *s, f32x16 *scale, f32x16 *minimum, i32x16 *solved) {
  const f32x16 determinant = e->w * s->l2 - s->l * s->l;
  *solved = determinant > 0;
  const f32x16 m = (s->l2 * e->x - s->l * s->xl) / determinant;
  *scale = m > 0 ? s->xl / s->l2 : (e->w * s->xl - e->x * s->l) / determinant;
  *minimum = m > 0 ? (f32x16)0 : m;
}

/// make_qkx3_quants: 37 scales around the one that stretches the weights over all levels, the minimum being
/// what the best so far left it.
BL_INLINE void fit_scale_and_minimum(const weighted *b, int most, f32x16 *scale, f32x16 *minimum,
                                     i32x16 codes[block]) {
  BL_LANES(f32x16) levels[block];
  extent e;
  find_extent(b, &e);
  f32x16 m = e.least > 0 ? (f32x16)0 : e.least;
  const i32x16 flat = e.greatest <= m;
  f32x16 chosen = (float)most / (e.greatest - m), chosen_minimum = m, found = 1.0f / chosen, best;
  find_levels(b, &chosen, &m, most, true, levels);
  error_of(b, levels, &found, &m, &best);
  BL_ONE_BY_ONE
  for (int t = 0; t <= 36; t++) {
    const f32x16 inverse = (-0.9f + 0.05f * (float)t + (float)most) / (e.greatest - m);
    f32x16 low = inverse * (e.least - m), high = inverse * (e.greatest - m);
    bl_magnitudes(&low, &low);
    bl_magnitudes(&high, &high);
    const i32x16 strange = ~((low < 0x1p21f) & (high < 0x1p21f)) & ~flat;
    if (bl_any(&strange)) {
      find_levels(b, &inverse, &m, most, true, levels);
    } else {
      find_levels(b, &inverse, &m, most, false, levels);
    }
    sums s;
    add_up_levels(b, levels, &s);
    f32x16 this_scale, this_minimum, error;
    i32x16 better;
    solve(&e, &s, &this_scale, &this_minimum, &better);
    error_of(b, levels, &this_scale, &this_minimum, &error);
    better &= error < best;
    best = better ? error : best;
    found = better ? this_scale : found;
    chosen = better ? inverse : chosen;
    chosen_minimum = better ? m : chosen_minimum;
    m = better ? this_minimum : m;
  }
  *scale = flat ? (f32x16)0 : found;
  *minimum = m;
  find_levels(b, &chosen, &chosen_minimum, most, true, levels);
  for (int j = 0; j < block; j++) {
    codes[j] = flat ? (i32x16)0 : __builtin_convertvector(levels[j], i32x16);
  }
}

// MARK: Rows

/// Bit j of each lane is the fifth bit of its code j.
BL_INLINE void fifth_bits(const i32x16 codes[block], u32x16 *bits) {
  u32x16 all = 0;
  for (int j = 0; j < block; j++) all |= ((u32x16)codes[j] >> 4 & 1) << j;
  *bits = all;
}

/// Scales, minima if there are any, fifth bits if there are, the low four bits.
BL_INLINE uint8_t *store(const weighted *b, const f32x16 *scales, const f32x16 *minima, bool five,
                         const i32x16 codes[block], uint8_t *out) {
  BL_LANES(u32x16) words[5];
  uint16_t d[bl_lanes], m[bl_lanes];
  fifth_bits(codes, &words[0]);
  bl_pack_lanes(codes, words + 1);
  bl_halves(scales, d);
  if (minima) bl_halves(minima, m);
  const int skipped = five ? 0 : 1;
  for (int lane = 0; lane < b->used; lane++) {
    memcpy(out, &d[lane], 2);
    if (minima) memcpy(out + 2, &m[lane], 2);
    out += minima ? 4 : 2;
    bl_store_words(words + skipped, 5 - skipped, lane, out);
    out += 4 * (5 - skipped);
  }
  return out;
}

BL_INLINE void encode_scaled(progress all, bool five, uint8_t *out) {
  weighted b;
  while (take_weighted(&all, &b)) {
    BL_LANES(i32x16) codes[block];
    f32x16 scales;
    fit_scale(&b, five ? 16 : 8, &scales, codes);
    out = store(&b, &scales, NULL, five, codes, out);
  }
}

BL_INLINE void encode_shifted(progress all, bool five, uint8_t *out) {
  weighted b;
  while (take_weighted(&all, &b)) {
    BL_LANES(i32x16) codes[block];
    f32x16 scales, minima;
    fit_scale_and_minimum(&b, five ? 31 : 15, &scales, &minima, codes);
    out = store(&b, &scales, &minima, five, codes, out);
  }
}

BL_KERNEL void bl_encode_weighted_q4_0(const float *weights, const float *importance, size_t rows,
                                       size_t row_length, uint8_t *blocks) {
  encode_scaled(all_rows(weights, importance, rows, row_length), false, blocks);
}

BL_KERNEL void bl_encode_weighted_q4_1(const float *weights, const float *importance, size_t rows,
                                       size_t row_length, uint8_t *blocks) {
  encode_shifted(all_rows(weights, importance, rows, row_length), false, blocks);
}

BL_KERNEL void bl_encode_weighted_q5_0(const float *weights, const float *importance, size_t rows,
                                       size_t row_length, uint8_t *blocks) {
  encode_scaled(all_rows(weights, importance, rows, row_length), true, blocks);
}

BL_KERNEL void bl_encode_weighted_q5_1(const float *weights, const float *importance, size_t rows,
                                       size_t row_length, uint8_t *blocks) {
  encode_shifted(all_rows(weights, importance, rows, row_length), true, blocks);
}
