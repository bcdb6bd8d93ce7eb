/// Cholesky's factor, in double precision. Like products of matrices it may differ in the last bits between processors.
#ifndef BITLADDER_KERNELS_CHOLESKY_H
#define BITLADDER_KERNELS_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/// The lower factor L with a = L Lᵀ, in place of the lower part of `a` [n x n]; what is above isn't looked at. False
/// where there is none.
bool bl_cholesky(double *a, size_t n);

#endif
