#include "bl_ggml.h"
void bl_encode_iq1_s(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq1_m(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
