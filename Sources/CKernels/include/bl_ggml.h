/// The block types of ggml, llama.cpp's library (MIT licence). What is followed, bit for bit: ggml 0.25.3 as
/// its x86-64 baseline build computes, without fused multiply-add; ggml-quants.c has the reference functions
/// and ggml-common.h the block layouts, which each of our files repeats in words.
///
/// A decoder reads `count` blocks at any alignment and writes all their weights. Every pattern of bytes is
/// allowed; where the reference gives NaN so does ours, but a NaN's sign and payload are not promised.
///
/// An encoder writes the bytes of blocks. Every float is allowed. Where the reference converts a float that doesn't
/// fit an integer (not defined in C), ours does what x86-64 does; where it stops the program for want of a point near
/// a group of weights, ours says in its file what it writes.
#ifndef BITLADDER_KERNELS_GGML_H
#define BITLADDER_KERNELS_GGML_H

#include <stddef.h>
#include <stdint.h>

#define BL_DECODER(type) void bl_decode_##type(const uint8_t *blocks, size_t count, float *out)

/// An encoder that has no use for importance: `count` blocks' worth of weights.
#define BL_PLAIN_ENCODER(type) void bl_encode_##type(const float *weights, size_t count, uint8_t *blocks)

/// An encoder that can spend the error where it matters least: `rows` rows of `row_length` weights, a multiple of the
/// block's. `importance` is NULL (all columns count alike) or has `row_length` values, finite and from 0 on.
#define BL_ENCODER(type)                                                                               \
  void bl_encode_##type(const float *weights, const float *importance, size_t rows, size_t row_length, \
                        uint8_t *blocks)


// legacy.c, legacy_weighted.c: 32 weights, one scale, perhaps a minimum. With importance a block depends on its whole
// row.
BL_DECODER(q4_0);
BL_ENCODER(q4_0);
BL_DECODER(q4_1);
BL_ENCODER(q4_1);
BL_DECODER(q5_0);
BL_ENCODER(q5_0);
BL_DECODER(q5_1);
BL_ENCODER(q5_1);
BL_DECODER(q8_0);
BL_PLAIN_ENCODER(q8_0);

// k_quants_decode.c, k_quants_encode_*.c: 256 weights, scales of scales
BL_DECODER(q2_K);
BL_ENCODER(q2_K);
BL_DECODER(q3_K);
BL_ENCODER(q3_K);
BL_DECODER(q4_K);
BL_ENCODER(q4_K);
BL_DECODER(q5_K);
BL_ENCODER(q5_K);
BL_DECODER(q6_K);
BL_ENCODER(q6_K);

// iq1*.c: 256 weights in groups that are points of a fixed grid (iq_tables.h). IQ1_S without importance, which the
// reference demands, is all zeros.
BL_DECODER(iq1_s);
BL_ENCODER(iq1_s);
BL_DECODER(iq1_m);
BL_ENCODER(iq1_m);

// iq2*.c: the same for IQ2_XXS and IQ2_XS
BL_DECODER(iq2_xxs);
BL_ENCODER(iq2_xxs);
BL_DECODER(iq2_xs);
BL_ENCODER(iq2_xs);
BL_DECODER(iq2_s);
BL_ENCODER(iq2_s);

// iq3*.c
BL_DECODER(iq3_xxs);
BL_ENCODER(iq3_xxs);
BL_DECODER(iq3_s);
BL_ENCODER(iq3_s);

// iq4*.c: sixteen levels that are not evenly spaced
BL_DECODER(iq4_nl);
BL_ENCODER(iq4_nl);
BL_DECODER(iq4_xs);
BL_ENCODER(iq4_xs);

// ternary.c: -1, 0, 1
BL_DECODER(tq1_0);
BL_PLAIN_ENCODER(tq1_0);
BL_DECODER(tq2_0);
BL_PLAIN_ENCODER(tq2_0);

// float4.c: E2M1 with E8M0 or E4M3 scales
BL_DECODER(mxfp4);
BL_PLAIN_ENCODER(mxfp4);
BL_DECODER(nvfp4);
BL_PLAIN_ENCODER(nvfp4);

// q1_q2.c: one or two bits and one scale
BL_DECODER(q1_0);
BL_PLAIN_ENCODER(q1_0);
BL_DECODER(q2_0);
BL_PLAIN_ENCODER(q2_0);

#undef BL_DECODER
#undef BL_PLAIN_ENCODER
#undef BL_ENCODER

#endif
