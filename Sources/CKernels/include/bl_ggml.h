/// The block types of ggml, llama.cpp's library (MIT licence). What is followed, bit for bit: ggml 0.25.3 as
/// its x86-64 baseline build computes, without fused multiply-add; ggml-quants.c has the reference functions
/// and ggml-common.h the block layouts, which each of our files repeats in words.
///
/// A decoder reads `count` blocks at any alignment and writes all their weights. Every pattern of bytes is
/// allowed; where the reference gives NaN so does ours, but a NaN's sign and payload are not promised.
///
/// An encoder reads `count` blocks' worth of weights and writes their bytes. Every float is allowed. Where the
/// reference converts a float that doesn't fit an integer (not defined in C), ours does what x86-64 does.
#ifndef BITLADDER_KERNELS_GGML_H
#define BITLADDER_KERNELS_GGML_H

#include <stddef.h>
#include <stdint.h>

// legacy.c: 32 weights, one scale, perhaps a minimum
void bl_decode_q4_0(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q4_1(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q5_0(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q5_1(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q8_0(const uint8_t *blocks, size_t count, float *out);
void bl_encode_q4_0(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_q4_1(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_q5_0(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_q5_1(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_q8_0(const float *weights, size_t count, uint8_t *blocks);

// k_quants_decode.c: 256 weights, scales of scales
void bl_decode_q2_K(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q3_K(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q4_K(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q5_K(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q6_K(const uint8_t *blocks, size_t count, float *out);

// iq1.c, iq2.c, iq3.c: 256 weights in groups that are points of a fixed grid (iq_tables.h)
void bl_decode_iq1_s(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq1_m(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq2_xxs(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq2_xs(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq2_s(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq3_xxs(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq3_s(const uint8_t *blocks, size_t count, float *out);

// iq2_encode.c, iq3_encode.c: `rows` rows of `row_length` weights, a multiple of 256. `importance` has a value
// for each weight of a row, or is NULL. The reference demands it for IQ2_XXS and IQ2_XS; for NULL these two
// give zeros.
void bl_encode_iq2_xxs(const float *weights, const float *importance, size_t rows, size_t row_length,
                       uint8_t *blocks);
void bl_encode_iq2_xs(const float *weights, const float *importance, size_t rows, size_t row_length,
                      uint8_t *blocks);
void bl_encode_iq2_s(const float *weights, const float *importance, size_t rows, size_t row_length,
                     uint8_t *blocks);
void bl_encode_iq3_xxs(const float *weights, const float *importance, size_t rows, size_t row_length,
                       uint8_t *blocks);
void bl_encode_iq3_s(const float *weights, const float *importance, size_t rows, size_t row_length,
                     uint8_t *blocks);

// iq4.c: sixteen levels that are not evenly spaced
void bl_decode_iq4_nl(const uint8_t *blocks, size_t count, float *out);
void bl_decode_iq4_xs(const uint8_t *blocks, size_t count, float *out);
void bl_encode_iq4_nl(const float *weights, size_t count, uint8_t *blocks);

// ternary.c: -1, 0, 1
void bl_decode_tq1_0(const uint8_t *blocks, size_t count, float *out);
void bl_decode_tq2_0(const uint8_t *blocks, size_t count, float *out);
void bl_encode_tq1_0(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_tq2_0(const float *weights, size_t count, uint8_t *blocks);

// float4.c: E2M1 with E8M0 or E4M3 scales
void bl_decode_mxfp4(const uint8_t *blocks, size_t count, float *out);
void bl_decode_nvfp4(const uint8_t *blocks, size_t count, float *out);
void bl_encode_mxfp4(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_nvfp4(const float *weights, size_t count, uint8_t *blocks);

// q1_q2.c: one or two bits and one scale
void bl_decode_q1_0(const uint8_t *blocks, size_t count, float *out);
void bl_decode_q2_0(const uint8_t *blocks, size_t count, float *out);
void bl_encode_q1_0(const float *weights, size_t count, uint8_t *blocks);
void bl_encode_q2_0(const float *weights, size_t count, uint8_t *blocks);

#endif
