/// The levels of IQ4_NL and IQ4_XS.
#ifndef BITLADDER_IQ4_H
#define BITLADDER_IQ4_H

#include <stdint.h>

/// kvalues_iq4nl in ggml-common.h.
static const int8_t bl_iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

#endif
