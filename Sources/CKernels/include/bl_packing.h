/// Codes of 1 to 8 bits, one after another from the low bit of each byte up.
#ifndef BITLADDER_KERNELS_PACKING_H
#define BITLADDER_KERNELS_PACKING_H

#include <stddef.h>
#include <stdint.h>

/// Packs the low `bits` bits of each code; `out` has (count x bits + 7) / 8 bytes.
void bl_pack(const uint8_t *codes, size_t count, int32_t bits, uint8_t *out);

/// The reverse of `bl_pack`; each code is in the low bits of a byte, zeros above.
void bl_unpack(const uint8_t *bytes, size_t count, int32_t bits, uint8_t *out);

#endif
