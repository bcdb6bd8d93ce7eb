/// What decoding and encoding of the K types share.
#ifndef BITLADDER_K_QUANTS_H
#define BITLADDER_K_QUANTS_H

#include "ggml_block.h"

typedef struct {
  float scale, minimum;
} bl_scale_pair;

/// Number `group` of the eight six-bit scales and minimums in 12 bytes: the first four of each are in the low
/// six bits of bytes 0-3 and 4-7; the others have four bits in bytes 8-11 and two on top of the first.
BL_INLINE bl_scale_pair bl_scale_pair_of(const uint8_t *bytes, int group, float d, float dmin) {
  int scale = bytes[group] & 63, minimum = bytes[group + 4] & 63;
  if (group >= 4) {
    scale = (bytes[group + 4] & 15) | bytes[group - 4] >> 6 << 4;
    minimum = bytes[group + 4] >> 4 | bytes[group] >> 6 << 4;
  }
  const bl_scale_pair pair = {d * (float)scale, dmin * (float)minimum};
  return pair;
}

/// The reverse. Values above 63 (they come of strange weights only) spill into their neighbours, as in the
/// reference.
BL_INLINE void bl_pack_scale_pairs(const uint8_t scales[8], const uint8_t minimums[8], uint8_t bytes[12]) {
  for (int j = 0; j < 4; j++) {
    const uint8_t scale = scales[j + 4], minimum = minimums[j + 4];
    bytes[j] = (uint8_t)(scales[j] | scale >> 4 << 6);
    bytes[j + 4] = (uint8_t)(minimums[j] | minimum >> 4 << 6);
    bytes[j + 8] = (uint8_t)((scale & 15) | (minimum & 15) << 4);
  }
}

#endif
