/// The legacy types' encoders that weigh errors by importance (legacy_weighted.c), which isn't NULL.
#ifndef BITLADDER_LEGACY_H
#define BITLADDER_LEGACY_H

#include <stddef.h>
#include <stdint.h>

void bl_encode_weighted_q4_0(const float *weights, const float *importance, size_t rows, size_t row_length,
                             uint8_t *blocks);
void bl_encode_weighted_q4_1(const float *weights, const float *importance, size_t rows, size_t row_length,
                             uint8_t *blocks);
void bl_encode_weighted_q5_0(const float *weights, const float *importance, size_t rows, size_t row_length,
                             uint8_t *blocks);
void bl_encode_weighted_q5_1(const float *weights, const float *importance, size_t rows, size_t row_length,
                             uint8_t *blocks);

#endif
