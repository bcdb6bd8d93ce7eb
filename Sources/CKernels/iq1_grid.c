// The search tables of IQ1_S and IQ1_M's grid: what iq2xs_init_impl of ggml-quants.c finds for them, in the
// same order. Building takes some hundredths of a second; so it is done once, and only if these types are
// encoded.
#include "iq1_grid.h"

#include <pthread.h>

#include "iq_tables.h"

static bl_iq1_grid shared;

/// The sum of the squares of the differences of eight levels: 1 where the low bits differ, 4 where only the
/// high ones do.
static inline uint16_t distance(uint16_t a, uint16_t b) {
  const uint16_t differ = a ^ b, one = differ & 0x5555, two = (uint16_t)(differ >> 1 & 0x5555 & ~one);
  // Counted by adding neighbouring fields, of two, four, then eight bits.
  const uint16_t ones = (uint16_t)((one & 0x3333) + (one >> 2 & 0x3333));
  const uint16_t twos = (uint16_t)((two & 0x3333) + (two >> 2 & 0x3333));
  const uint16_t nibbles = (uint16_t)((ones & 0x0f0f) + (ones >> 4 & 0x0f0f));
  const uint16_t fours = (uint16_t)(((twos & 0x0f0f) + (twos >> 4 & 0x0f0f)) << 2);
  const uint16_t sum = (uint16_t)(nibbles + fours);
  return (uint16_t)((sum & 255) + (sum >> 8));
}

/// The level codes of the grid's points, from the values -1, 0, 1 in bytes.
static uint16_t code_of(uint64_t point) {
  uint32_t code = 0;
  for (int j = 0; j < 8; j++) code |= (uint32_t)((int8_t)(point >> (8 * j)) + 1) << (2 * j);
  return (uint16_t)code;
}

/// The reverse of bl_iq1_pattern.
static uint16_t code_of_pattern(uint32_t pattern) {
  uint32_t code = 0;
  for (int j = 0; j < 8; j++, pattern /= 3) code |= pattern % 3 << (2 * j);
  return (uint16_t)code;
}

/// Writes the list of a code that isn't in the grid; its length.
static uint32_t list_neighbours(uint16_t code, uint16_t *list) {
  enum { distances = 33 };
  uint16_t away[bl_iq1_points];
  uint32_t counts[distances] = {0}, next[distances];
  for (int i = 0; i < bl_iq1_points; i++) away[i] = distance(code, shared.codes[i]);
  for (int i = 0; i < bl_iq1_points; i++) counts[away[i]]++;
  uint32_t length = 0, farthest = 0;
  for (uint32_t d = 0, kinds = 0; d < distances && kinds < 3; d++) {
    next[d] = length;
    if (counts[d] == 0) continue;
    length += counts[d];
    farthest = d;
    kinds++;
  }
  for (int i = 0; i < bl_iq1_points; i++) {
    if (away[i] <= farthest) list[next[away[i]]++] = shared.codes[i];
  }
  while (length % bl_iq1_run != 0) list[length++] = list[0];
  return length;
}

static void build(void) {
  for (uint32_t four = 0; four < 256; four++) {
    shared.base3[four] = (uint8_t)((four & 3) + 3 * (four >> 2 & 3) + 9 * (four >> 4 & 3) + 27 * (four >> 6));
  }
  for (int i = 0; i < bl_iq1_patterns; i++) shared.place[i] = -1;
  for (int i = 0; i < bl_iq1_points; i++) {
    shared.codes[i] = code_of(bl_iq1s_grid[i]);
    shared.place[bl_iq1_pattern(&shared, shared.codes[i])] = (int16_t)i;
  }
  uint32_t number = 0, used = 0;
  for (uint32_t i = 0; i < bl_iq1_patterns; i++) {
    if (shared.place[i] >= 0) continue;
    shared.place[i] = (int16_t)(-1 - (int32_t)number);
    shared.starts[number++] = used;
    used += list_neighbours(code_of_pattern(i), shared.lists + used);
  }
  shared.starts[number] = used;
}

const bl_iq1_grid *bl_iq1_shared_grid(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, build);
  return &shared;
}
