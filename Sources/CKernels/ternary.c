// TQ1_0, TQ2_0: blocks of 256 weights that are -1, 0 or 1 times one scale, the greatest magnitude.
//
// Blocks (halves are IEEE binary16, little-endian):
//   TQ1_0: 48 bytes of five trits each and 4 bytes of four; half d. The trits t of a byte are stored as
//          ceil(256 t / 243), so that times 3 brings the next one to the top. Weights 0-159 fill 32 bytes (the
//          first trits are weights 0-31), 160-239 the next 16, 240-255 the last 4.
//   TQ2_0: 64 bytes of four codes of two bits; half d. Weights 0-127 fill 32 bytes (the lowest bits are weights
//          0-31), 128-255 the others.
#include "ggml_block.h"

/// The runs of bytes of a TQ1_0 block: `bytes` of them hold `trits` each.
static const struct {
  int bytes, trits;
} runs[3] = {{32, 5}, {16, 5}, {4, 4}};

BL_INLINE void decode_run(const uint8_t *in, int bytes, int trits, float d, float *out) {
  uint8_t power = 1;
  for (int n = 0; n < trits; n++, power = (uint8_t)(power * 3)) {
    for (int m = 0; m < bytes; m++) {
      const uint8_t top = (uint8_t)(in[m] * power);
      out[n * bytes + m] = (float)((top * 3 >> 8) - 1) * d;
    }
  }
}

BL_KERNEL void bl_decode_tq1_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 54, out += bl_super_block) {
    const float d = bl_load_half(in + 52);
    decode_run(in, 32, 5, d, out);
    decode_run(in + 32, 16, 5, d, out + 160);
    decode_run(in + 48, 4, 4, d, out + 240);
  }
}

BL_KERNEL void bl_decode_tq2_0(const uint8_t *restrict in, size_t count, float *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, in += 66, out += bl_super_block) {
    const float d = bl_load_half(in + 64);
    BL_ONE_BY_ONE
    for (int run = 0; run < 8; run++) {
      const uint8_t *codes = in + run / 4 * 32;
      for (int j = 0; j < 32; j++) {
        out[run * 32 + j] = (float)((codes[j] >> (run % 4 * 2) & 3) - 1) * d;
      }
    }
  }
}

BL_KERNEL void bl_encode_tq1_0(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, out += 54) {
    const float d = bl_restarting_peak(w, bl_super_block), id = bl_reciprocal(d);
    bl_store_half(d, out + 52);
    uint8_t *bytes = out;
    for (int r = 0; r < 3; r++) {
      const int length = runs[r].bytes;
      uint8_t trits[32] = {0};
      for (int n = 0; n < 5; n++) {
        const bool present = n < runs[r].trits;
        for (int m = 0; m < length; m++) {
          const int32_t trit = present ? bl_round_away(w[m] * id) + 1 : 0;
          trits[m] = (uint8_t)(trits[m] * 3 + trit);
        }
        if (present) w += length;
      }
      for (int m = 0; m < length; m++) bytes[m] = (uint8_t)((trits[m] * 256 + 242) / 243);
      bytes += length;
    }
  }
}

BL_KERNEL void bl_encode_tq2_0(const float *restrict w, size_t count, uint8_t *restrict out) {
  BL_ONE_BY_ONE
  for (; count > 0; count--, w += bl_super_block, out += 66) {
    const float d = bl_restarting_peak(w, bl_super_block), id = bl_reciprocal(d);
    bl_store_half(d, out + 64);
    BL_ONE_BY_ONE
    for (int half = 0; half < 2; half++) {
      for (int m = 0; m < 32; m++) {
        int32_t byte = 0;
        for (int n = 0; n < 4; n++) {
          byte |= ((bl_round_away(w[half * 128 + n * 32 + m] * id) + 1) & 3) << (2 * n);
        }
        out[half * 32 + m] = (uint8_t)byte;
      }
    }
  }
}
