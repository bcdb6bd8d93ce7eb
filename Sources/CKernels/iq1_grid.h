/// For any eight levels, where they are in the grid of IQ1_S and IQ1_M, or which points of it are nearest.
#ifndef BITLADDER_IQ1_GRID_H
#define BITLADDER_IQ1_GRID_H

#include <stdint.h>

enum {
  bl_iq1_points = 2048,  // the grid
  bl_iq1_patterns = 6561,  // all eights of three levels
  bl_iq1_off_grid = bl_iq1_patterns - bl_iq1_points,
  bl_iq1_run = 16,        // lists are filled up to a multiple of this
  bl_iq1_listed = 362352  // what all lists take
};

/// Eight levels (0, 1 or 2, for -1, 0 or 1) are written as a code of 16 bits, two each, the first lowest.
/// Patterns are numbered by reading them with base 3.
typedef struct {
  /// The grid's codes. They ascend.
  uint16_t codes[bl_iq1_points];
  /// A pattern's index in the grid, or -1 - the number of its list.
  int16_t place[bl_iq1_patterns];
  /// List n takes lists[starts[n]] to lists[starts[n + 1]]: the codes at the three least distances (sums of
  /// squares), nearer ones first, equally near ones by index; then the first code to fill the list up.
  uint32_t starts[bl_iq1_off_grid + 1];
  uint16_t lists[bl_iq1_listed];
  /// Four levels' code read with base 3.
  uint8_t base3[256];
} bl_iq1_grid;

/// The tables, built when they are first asked for. Any thread may ask.
const bl_iq1_grid *bl_iq1_shared_grid(void);

static inline uint32_t bl_iq1_pattern(const bl_iq1_grid *grid, uint32_t code) {
  return grid->base3[code & 255] + 81u * grid->base3[code >> 8 & 255];
}

#endif
