/// Dense linear algebra in single precision, for forward passes. Unlike the loops of quantization, products are
/// fused with sums where the processor can: results may differ in the last bits between processors, but not
/// between runs on one, nor with the number of rows.
#ifndef BITLADDER_KERNELS_DENSE_H
#define BITLADDER_KERNELS_DENSE_H

#include <stdbool.h>
#include <stddef.h>

/// The floats that a product needs to work in.
#define BL_PRODUCT_ROOM (256 * 384)

/// out[rows x columns] = a[rows x depth] b, row-major, with so many floats from one row to the next.
typedef struct bl_product {
  size_t rows, columns, depth;
  const float *a;
  size_t a_stride;
  const float *b;
  size_t b_stride;
  /// Whether b is [columns x depth], as layers store their weights, and not [depth x columns].
  bool b_is_transposed;
  /// Whether the product is added to what is in `out`.
  bool adds;
  float *out;
  size_t out_stride;
} bl_product;

/// `room` has space for BL_PRODUCT_ROOM floats.
void bl_multiply(const bl_product *product, float *room);

#endif
