/// For every point that weights can fall on, the points of a grid near it: what the encoders of IQ2 and IQ3
/// search. A point is packed: level j (0, 1, 2, ...; the magnitude is 2 * level + 1 units) in bits
/// `bits * j` and up, two bits for eight weights of IQ2, three bits for four weights of IQ3.
#ifndef BITLADDER_IQ_LISTS_H
#define BITLADDER_IQ_LISTS_H

#include <stdint.h>

enum {
  bl_iq2_cells = 0xaaaa + 1,  // eight levels of at most 2
  bl_iq3_cells = 0xfff + 1,   // four levels of at most 7
  bl_iq_list_slack = 8,       // what may be read beyond the last list
};

typedef struct {
  /// By packed point: on the grid BL_IQ_ON_GRID and its index; off it where its short list starts, and how
  /// long that is. Either way a bl_iq_start and a bl_iq_number.
  const uint32_t *cells;
  /// For each point off the grid the length of its long list, its short list, its long list: packed points of
  /// the grid, by distance, then by index; none is empty. The short list leaves out what can't be the first of
  /// the least weighted error, unless what was rounded is at the limit of rounding: points for which another is
  /// nearer or equal in each weight.
  const uint16_t *points;
} bl_iq_lists;

#define BL_IQ_ON_GRID 0x80000000u

/// A cell's index in the grid, or its short list's length.
static inline uint32_t bl_iq_number(uint32_t cell) { return cell >> 20 & 1023; }

static inline uint32_t bl_iq_start(uint32_t cell) { return cell & 0xfffff; }

// Each is built by the first call, in static storage; calls may come from several threads at once.
const bl_iq_lists *bl_iq2_xxs_lists(void);
const bl_iq_lists *bl_iq2_xs_lists(void);
const bl_iq_lists *bl_iq2_s_lists(void);
const bl_iq_lists *bl_iq3_xxs_lists(void);
const bl_iq_lists *bl_iq3_s_lists(void);

#endif
