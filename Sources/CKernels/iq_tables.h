/// The grids of the IQ types: sets of points picked by ggml's authors, so that an index of few bits stands for
/// several weights.
#ifndef BITLADDER_IQ_TABLES_H
#define BITLADDER_IQ_TABLES_H

#include <stdint.h>

// Magnitudes of eight weights (8, 25 or 43), a byte each, the first lowest.
extern const uint64_t bl_iq2xxs_grid[256];
extern const uint64_t bl_iq2xs_grid[512];
extern const uint64_t bl_iq2s_grid[1024];

// Magnitudes of four weights, a byte each, the first lowest.
extern const uint32_t bl_iq3xxs_grid[256];
extern const uint32_t bl_iq3s_grid[512];

// Eight weights that are -1, 0 or 1, a signed byte each, the first lowest.
extern const uint64_t bl_iq1s_grid[2048];

#endif
