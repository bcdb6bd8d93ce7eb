// The lists of iq_lists.h. The reference sorts, for each point off the grid, the whole grid by distance and
// keeps the one, two or three nearest distances; here the distances are found by adding bytes for many points
// of the grid at once, and those that equal one of the nearest are picked out in order.
#include "iq_lists.h"

#include <pthread.h>

#include "iq_tables.h"
#include "kernel.h"

enum { most_points = 1024, chunk = 32 };

typedef uint8_t u8x32 __attribute__((ext_vector_type(32), aligned(1)));
typedef bool boolx32 __attribute__((ext_vector_type(32)));

/// A grid as it is searched: `size` packed points in ascending order, each of 16 / 2 or 12 / 3 levels.
typedef struct {
  int size, dims, bits, levels;
  int shells;  // how many of the nearest distances count
  uint16_t packed[most_points];
  /// [dim * 8 + level][point]: the square of the distance in that dimension.
  uint8_t squares[32][most_points];
} grid;

BL_INLINE int level_of(const grid *g, uint32_t packed, int dim) {
  return (int)(packed >> (g->bits * dim)) & ((1 << g->bits) - 1);
}

static void find_squares(grid *g) {
  const int rows = 1 << g->bits;
  for (int dim = 0; dim < g->dims; dim++) {
    for (int level = 0; level < g->levels; level++) {
      for (int k = 0; k < g->size; k++) {
        const int off = level_of(g, g->packed[k], dim) - level;
        g->squares[dim * rows + level][k] = (uint8_t)(off * off);
      }
    }
  }
}

/// Distances of the grid's points from one point, and the least.
BL_INLINE int find_distances(const grid *g, uint32_t packed, uint8_t *distances) {
  u8x32 least = 255;
  for (int k = 0; k < g->size; k += chunk) {
    u8x32 sum = 0;
    for (int dim = 0; dim < g->dims; dim++) {
      sum += *(const u8x32 *)&g->squares[(dim << g->bits) + level_of(g, packed, dim)][k];
    }
    *(u8x32 *)(distances + k) = sum;
    least = __builtin_elementwise_min(least, sum);
  }
  return __builtin_reduce_min(least);
}

/// Appends the points at one distance; returns the next greater distance.
BL_INLINE int append_shell(const grid *g, const uint8_t *distances, int distance, uint16_t **end) {
  u8x32 next = 255;
  for (int k = 0; k < g->size; k += chunk) {
    const u8x32 d = *(const u8x32 *)(distances + k);
    const boolx32 same = __builtin_convertvector(d == (u8x32)(uint8_t)distance, boolx32);
    uint32_t found;
    memcpy(&found, &same, sizeof found);
    for (; found != 0; found &= found - 1) *(*end)++ = g->packed[k + __builtin_ctz(found)];
    next = __builtin_elementwise_min(next, d > (u8x32)(uint8_t)distance ? d : (u8x32)255);
  }
  return __builtin_reduce_min(next);
}

/// A bit for each step from one level to the next that lies between two points. (Those up to a are among those
/// up to b if a is nowhere farther than b.)
BL_INLINE uint32_t steps_between(const grid *g, uint32_t a, uint32_t b) {
  uint32_t steps = 0;
  for (int dim = 0; dim < g->dims; dim++) {
    const uint32_t up_to_a = (1u << level_of(g, a, dim)) - 1, up_to_b = (1u << level_of(g, b, dim)) - 1;
    steps = steps << (g->levels - 1) | (up_to_a ^ up_to_b);
  }
  return steps;
}

/// Appends what can be the first of the least error; in `all` the nearer ones come first.
BL_INLINE void append_short_list(const grid *g, uint32_t packed, const uint16_t *all, int count,
                                 uint16_t **end) {
  uint32_t kept[most_points];
  int number = 0;
  for (int k = 0; k < count; k++) {
    const uint32_t steps = steps_between(g, packed, all[k]);
    uint32_t beaten = 0;
    for (int j = 0; j < number; j++) beaten |= (kept[j] & ~steps) == 0;
    if (beaten) continue;
    kept[number++] = steps;
    *(*end)++ = all[k];
  }
}

/// Appends the lists of one point off the grid; returns its cell.
BL_INLINE uint32_t append_lists(const grid *g, uint32_t packed, uint16_t *points, uint16_t **end) {
  uint8_t distances[most_points];
  uint16_t all[most_points], *all_end = all;
  int distance = find_distances(g, packed, distances);
  for (int shell = 0; shell < g->shells; shell++) distance = append_shell(g, distances, distance, &all_end);
  const int count = (int)(all_end - all);
  *(*end)++ = (uint16_t)count;
  const uint16_t *start = *end;
  append_short_list(g, packed, all, count, end);
  const uint32_t number = (uint32_t)(*end - start);
  memcpy(*end, all, (size_t)count * sizeof *all);
  *end += count;
  return number << 20 | (uint32_t)(start - points);
}

BL_KERNEL static void build(const grid *g, uint32_t *cells, uint16_t *points) {
  const uint32_t top = (uint32_t)(g->levels - 1);
  uint16_t *end = points;
  for (int k = 0; k < g->size; k++) cells[g->packed[k]] = BL_IQ_ON_GRID | (uint32_t)k << 20;
  for (uint32_t packed = 0;;) {
    if (cells[packed] == 0) cells[packed] = append_lists(g, packed, points, &end);
    // The next point: as a number whose digits go up to `top`.
    int dim = 0;
    while (dim < g->dims && level_of(g, packed, dim) == (int)top) packed &= ~(top << (g->bits * dim++));
    if (dim == g->dims) break;
    packed += 1u << (g->bits * dim);
  }
}

/// Levels of IQ2's magnitudes: 8, 25 and 43 (0x08, 0x19, 0x2b).
static void build_iq2(const uint64_t *table, int size, int shells, uint32_t *cells, uint16_t *points) {
  grid g = {.size = size, .dims = 8, .bits = 2, .levels = 3, .shells = shells};
  for (int k = 0; k < size; k++) {
    uint32_t packed = 0;
    for (int dim = 0; dim < 8; dim++) {
      const uint32_t magnitude = table[k] >> (8 * dim) & 255;
      packed |= (magnitude > 40 ? 2u : magnitude > 20 ? 1u : 0u) << (2 * dim);
    }
    g.packed[k] = (uint16_t)packed;
  }
  find_squares(&g);
  build(&g, cells, points);
}

/// Levels of IQ3's magnitudes: `unit` times an odd number, near enough (IQ3_XXS has 62 rather than 60).
static void build_iq3(const uint32_t *table, int size, int shells, uint32_t unit, uint32_t *cells,
                      uint16_t *points) {
  grid g = {.size = size, .dims = 4, .bits = 3, .levels = 8, .shells = shells};
  for (int k = 0; k < size; k++) {
    uint32_t packed = 0;
    for (int dim = 0; dim < 4; dim++) {
      const uint32_t magnitude = table[k] >> (8 * dim) & 255;
      packed |= magnitude / (2 * unit) << (3 * dim);
    }
    g.packed[k] = (uint16_t)packed;
  }
  find_squares(&g);
  build(&g, cells, points);
}

// How long all lists are together follows from the grids.
#define LISTS(type, cell_count, length, ...)                            \
  static uint32_t type##_cells[cell_count];                             \
  static uint16_t type##_points[(length) + bl_iq_list_slack];           \
  static void build_##type(void) { __VA_ARGS__; }                       \
  const bl_iq_lists *bl_##type##_lists(void) {                          \
    static pthread_once_t once = PTHREAD_ONCE_INIT;                     \
    static const bl_iq_lists lists = {type##_cells, type##_points};     \
    pthread_once(&once, build_##type);                                  \
    return &lists;                                                      \
  }

LISTS(iq2_xxs, bl_iq2_cells, 202399, build_iq2(bl_iq2xxs_grid, 256, 2, iq2_xxs_cells, iq2_xxs_points))
LISTS(iq2_xs, bl_iq2_cells, 286801, build_iq2(bl_iq2xs_grid, 512, 2, iq2_xs_cells, iq2_xs_points))
LISTS(iq2_s, bl_iq2_cells, 94969, build_iq2(bl_iq2s_grid, 1024, 1, iq2_s_cells, iq2_s_points))
LISTS(iq3_xxs, bl_iq3_cells, 39767, build_iq3(bl_iq3xxs_grid, 256, 2, 4, iq3_xxs_cells, iq3_xxs_points))
LISTS(iq3_s, bl_iq3_cells, 48048, build_iq3(bl_iq3s_grid, 512, 3, 1, iq3_s_cells, iq3_s_points))
