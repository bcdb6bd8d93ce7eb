/// What training needs beside the forward pass: gradients of what lies between matrix products and those of losses,
/// and the steps of AdamW. Rows follow each other without gaps unless said otherwise.
#ifndef BITLADDER_KERNELS_TRAINING_H
#define BITLADDER_KERNELS_TRAINING_H

#include <stddef.h>

#include "bl_layers.h"

/// The gradient of activation(x) becomes that of x.
void bl_activate_back(bl_activation kind, const float *x, float *gradient, size_t count);

/// From the gradient of activation(gate) times up: gate and up become their own gradients.
void bl_activate_gate_back(bl_activation kind, float *gate, float *up, const float *gradient, size_t count);

/// From the gradient of what bl_rms_norm makes of x: that of x, written to `x_gradient` or added to it, and that of
/// the weights, added to what is there unless it is NULL.
void bl_rms_norm_back(const float *x, size_t rows, size_t length, const float *weight, float offset, float epsilon,
                      const float *gradient, float *x_gradient, int adds, float *weight_gradient);

/// The gradient of the weights that bl_attention_weights makes (with no cap) becomes that of the scores before.
void bl_attention_weights_back(const float *weights, size_t rows, size_t columns, float scale, float *gradient);

/// The divergence of the distribution of logits from that of `base`; the logits become its gradient, times `share`.
double bl_divergence_back(const float *base, float *logits, size_t count, float share);

/// -ln p of one of the classes; the logits become its gradient, times `share`.
double bl_cross_entropy_back(size_t place, float *logits, size_t count, float share);

/// sums += x
void bl_add(const float *x, float *sums, size_t count);

/// The columns' sums over all rows, added to what is there.
void bl_add_columns(const float *x, size_t rows, size_t length, float *sums);

double bl_sum_squares(const float *x, size_t count);

/// out[columns x rows] = x[rows x columns]
void bl_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *out);

/// One step of AdamW (Loshchilov and Hutter, 2019).
typedef struct bl_adam {
  float rate, decay;
  float first_keep, second_keep;
  /// 1 - keep^steps
  float first_correction, second_correction;
  float epsilon;
  /// What gradients are multiplied by first.
  float scale;
} bl_adam;

void bl_adam_step(const bl_adam *step, const float *gradient, float *weights, float *first, float *second,
                  size_t count);

#endif
