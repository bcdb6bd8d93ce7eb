/// The hot loops of quantization. Nothing here allocates, does I/O, or keeps state (but for the lists that IQ2
/// and IQ3 encoders build the first time, from any thread); every pointer is to memory of the caller, of at
/// least the size said, at the natural alignment of its type unless said otherwise. Results are the same on every processor: sums have a fixed number of lanes, added in a fixed
/// order, and no product is fused with a sum unless the product is exact.
#ifndef BITLADDER_KERNELS_H
#define BITLADDER_KERNELS_H

#include "bl_blocks.h"
#include "bl_channels.h"
#include "bl_cholesky.h"
#include "bl_content.h"
#include "bl_convert.h"
#include "bl_dense.h"
#include "bl_distribution.h"
#include "bl_errors.h"
#include "bl_ggml.h"
#include "bl_hqq.h"
#include "bl_integer.h"
#include "bl_layers.h"
#include "bl_packing.h"
#include "bl_palette.h"
#include "bl_training.h"

#endif
