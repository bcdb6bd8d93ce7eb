/// Blocks of weights that share a scale, apart from integer formats: code books, small floating-point types, and MLX's
/// lines.
///
/// For each kind: what comes back after encoding and decoding (`round`), the codes and scales of whole blocks
/// (`encode`), and the weights from them (`decode`). Every float is allowed: NaN counts as 0, infinities as
/// the ends of the block's levels; every pattern of bytes can be decoded.
#ifndef BITLADDER_KERNELS_BLOCKS_H
#define BITLADDER_KERNELS_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "bl_convert.h"

/// code_book.c: 16 levels times the greatest magnitude of 64 weights.
enum { bl_nf4 = 0, bl_fp4 = 1, bl_code_book_block = 64 };

void bl_code_book_round(int32_t book, const float *weights, size_t blocks, float *out);
/// `codes`: 32 bytes a block, the first of two weights in the high four bits; `scales`: floats, unaligned.
void bl_code_book_encode(int32_t book, const float *weights, size_t blocks, uint8_t *codes,
                         uint8_t *scales);
void bl_code_book_decode(int32_t book, const uint8_t *codes, const uint8_t *scales, size_t blocks,
                         float *out);

/// scaled_float.c: 32 elements times a power of two (OCP microscaling).
enum { bl_mx_block = 32, bl_nvfp4_block = 16 };

typedef struct bl_mx_format {
  bl_f8_format element;
  int32_t bits;              // of an element: 4, 6 or 8
  int32_t greatest_exponent; // of the element's greatest value
} bl_mx_format;

void bl_mx_round(const bl_mx_format *format, const float *weights, size_t blocks, float *out);
/// `codes`: the elements, `bits` bits each, from the low bit of each byte up; `scales`: E8M0, a byte a block.
void bl_mx_encode(const bl_mx_format *format, const float *weights, size_t blocks, uint8_t *codes,
                  uint8_t *scales);
void bl_mx_decode(const bl_mx_format *format, const uint8_t *codes, const uint8_t *scales, size_t blocks,
                  float *out);

/// scaled_float.c: 16 elements of E2M1 times a scale of E4M3 divided by the tensor's.
void bl_nvfp4_round(float tensor_scale, const float *weights, size_t blocks, float *out);
/// `codes`: four bits each, the first of two weights in the low four bits.
void bl_nvfp4_encode(float tensor_scale, const float *weights, size_t blocks, uint8_t *codes,
                     uint8_t *scales);
void bl_nvfp4_decode(float tensor_scale, const uint8_t *codes, const uint8_t *scales, size_t blocks,
                     float *out);

/// mlx.c: codes of `bits` bits with a scale and a bias for each group.
typedef struct bl_mlx_format {
  int32_t bits;        // 2...8
  int32_t group;       // weights: 32, 64 or 128
  int32_t value_type;  // of scales and biases, and of the weights before they are encoded: bl_scale_...
} bl_mlx_format;

void bl_mlx_round(const bl_mlx_format *format, const float *weights, size_t blocks, float *out);
/// `codes`: from the low bit of each byte up; `scales`: each group's scale, then its bias, unaligned.
void bl_mlx_encode(const bl_mlx_format *format, const float *weights, size_t blocks, uint8_t *codes,
                   uint8_t *scales);
void bl_mlx_decode(const bl_mlx_format *format, const uint8_t *codes, const uint8_t *scales, size_t blocks,
                   float *out);

#endif
