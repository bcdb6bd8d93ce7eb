/// Digests of a tensor's bytes, and bytes for made-up tensors.
#ifndef BITLADDER_KERNELS_CONTENT_H
#define BITLADDER_KERNELS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

/// 128 bits that stand for `count` bytes at any alignment. Equal on every processor; not cryptographic.
void bl_content_hash(const void *bytes, size_t count, uint64_t digest[2]);

/// `count` bell-shaped numbers (the sum of four even ones) of this deviation about 0. The same key gives the
/// same numbers on every processor.
void bl_bell(uint64_t key, size_t count, float deviation, float *out);

#endif
