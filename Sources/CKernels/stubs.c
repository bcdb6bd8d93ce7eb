#include "bl_ggml.h"
void bl_encode_q2_K(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_q3_K(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_q4_K(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_q5_K(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_q6_K(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq1_s(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq1_m(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq2_xxs(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq2_xs(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq2_s(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq3_xxs(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq3_s(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
void bl_encode_iq4_xs(const float *w, const float *i, size_t r, size_t l, uint8_t *b) { (void)w; (void)i; (void)r; (void)l; (void)b; }
