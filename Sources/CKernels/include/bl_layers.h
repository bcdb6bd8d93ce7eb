/// What lies between the matrix products of a forward pass: normalisation, rotation, attention's softmax,
/// activations; and the log-probabilities at its end. Rows follow each other without gaps unless said otherwise.
#ifndef BITLADDER_KERNELS_LAYERS_H
#define BITLADDER_KERNELS_LAYERS_H

#include <stddef.h>
#include <stdint.h>

typedef enum bl_activation {
  BL_RELU,
  BL_SILU,
  /// Gaussian error linear unit by the error function.
  BL_GELU,
  /// The same by a hyperbolic tangent, as most checkpoints mean it.
  BL_GELU_TANH,
} bl_activation;

/// Each row divided by its root mean square, times (weight + offset).
void bl_rms_norm(const float *x, size_t rows, size_t length, const float *weight, float offset, float epsilon,
                 float *out);

/// Each row brought to mean 0 and variance 1, times weight, plus bias.
void bl_layer_norm(const float *x, size_t rows, size_t length, const float *weight, const float *bias,
                   float epsilon, float *out);

void bl_activate(bl_activation kind, float *x, size_t count);

/// gate becomes activation(gate) times up.
void bl_activate_gate(bl_activation kind, float *gate, const float *up, size_t count);

/// Numbers bent to within `cap`.
void bl_cap(float *x, size_t count, float cap);

/// The same row added to all rows.
void bl_add_row(float *x, size_t rows, size_t length, const float *row);

/// Turns pairs of numbers of one head in each row: by the angles whose cosines and sines are given, half the head
/// for each row. Pairs are neighbours, or lie half a head apart.
void bl_rotate(float *x, size_t rows, size_t stride, size_t head_size, const float *cosines, const float *sines,
               int are_neighbours);

/// Scores of queries (rows) with keys (columns) to weights: scaled, if `cap` isn't 0 bent to within it, and made
/// to sum to 1 over the keys that a query sees; 0 for others. Query r sees keys `first[r]` up to `end[r]` - 1.
void bl_attention_weights(float *scores, size_t rows, size_t columns, float scale, float cap,
                          const uint32_t *first, const uint32_t *end);

/// The greatest of some numbers, where it is first, and the logarithm of the sum of their exponentials.
typedef struct bl_log_sum {
  float greatest;
  size_t place;
  double log_sum;
} bl_log_sum;

bl_log_sum bl_log_sum_exp(const float *x, size_t count);

/// Kullback-Leibler divergence of the distribution of `x` from that of `base`: logits, with the logarithms of
/// their sums.
double bl_divergence(const float *base, double base_log_sum, const float *x, double log_sum, size_t count);

/// Sums of squares of each column, added to what is there.
void bl_add_squares(const float *x, size_t rows, size_t length, double *sums);

#endif
