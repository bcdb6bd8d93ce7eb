// IQ4_NL, IQ4_XS: sixteen levels, closer together near zero.
//
// Blocks (halves are IEEE binary16, integers little-endian):
//   IQ4_NL: 32 weights: half d; 16 bytes, weight j in the low half of byte j, weight j + 16 in the high half
//   IQ4_XS: 256 weights: half d; 16 bits, the upper two bits of eight scales; 4 bytes, their low four bits; for
//           each 32 weights 16 bytes as in IQ4_NL
#include "ggml_block.h"
#include "iq4.h"

enum { block = 32 };

BL_INLINE void decode_block(const uint8_t *bytes, float d, float *out) {
  uint8_t codes[block];
  int8_t values[block];
  bl_unpack_halves(bytes, codes);
  for (int j = 0; j < block; j++) {
    // Comparisons of bytes beat a table: they are done for many at once.
    int8_t value = bl_iq4_levels[0];
    for (int k = 1; k < 16; k++) value = codes[j] == k ? bl_iq4_levels[k] : value;
    values[j] = value;
  }
  for (int j = 0; j < block; j++) out[j] = d * (float)values[j];
}

BL_KERNEL void bl_decode_iq4_nl(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 18, out += block) decode_block(in + 2, bl_load_half(in), out);
}

BL_KERNEL void bl_decode_iq4_xs(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 136, out += bl_super_block) {
    const float d = bl_load_half(in);
    const uint32_t high = bl_load16(in + 2);
    BL_ONE_BY_ONE
    for (int group = 0; group < 8; group++) {
      const uint32_t low = (uint32_t)in[4 + group / 2] >> (group % 2 * 4) & 15;
      const float scale = d * (float)((int32_t)(low | (high >> (2 * group) & 3) << 4) - 32);
      decode_block(in + 8 + group * 16, scale, out + group * 32);
    }
  }
}
