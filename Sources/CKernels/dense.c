/// Matrix products by the scheme of Goto and van de Geijn (2008): a part of b that fits the second-level cache is
/// packed into strips of 16 columns, a few rows of a into one strip, and a small tile of the result stays in
/// registers while both are read once.
#include "bl_dense.h"

#include "kernel.h"

enum {
  lanes = 16,
  depth_block = 256,
  column_block = 384,
  // As many rows as the registers hold sums of, beside what is read.
  wide_rows = 12,
  wide_strips = 2,
  narrow_rows = 6,
  narrow_strips = 1,
};

typedef struct {
  size_t rows, columns, depth;
} extent;

/// Packs columns of b side by side, 16 to a strip; those that are missing in the last one are zeros.
BL_INLINE void pack_columns(const bl_product *p, size_t column, size_t depth, extent size, float *room) {
  for (size_t j = 0; j < size.columns; j += lanes) {
    const size_t count = size.columns - j < lanes ? size.columns - j : lanes;
    float *strip = room + j * size.depth;
    if (count < lanes) memset(strip, 0, size.depth * lanes * sizeof *strip);
    if (p->b_is_transposed) {
      const float *b = p->b + (column + j) * p->b_stride + depth;
      for (size_t c = 0; c < count; c++) {
        const float *line = b + c * p->b_stride;
        for (size_t k = 0; k < size.depth; k++) strip[k * lanes + c] = line[k];
      }
    } else {
      const float *b = p->b + depth * p->b_stride + column + j;
      for (size_t k = 0; k < size.depth; k++) {
        memcpy(strip + k * lanes, b + k * p->b_stride, count * sizeof *strip);
      }
    }
  }
}

/// Packs rows of a so that one number of each stands beside those of the others.
BL_INLINE void pack_rows(const bl_product *p, size_t row, size_t depth, extent size, size_t height, float *strip) {
  if (size.rows < height) memset(strip, 0, height * size.depth * sizeof *strip);
  for (size_t r = 0; r < size.rows; r++) {
    const float *line = p->a + (row + r) * p->a_stride + depth;
    for (size_t k = 0; k < size.depth; k++) strip[k * height + r] = line[k];
  }
}

/// One tile: `height` rows, `strips` times 16 columns.
BL_INLINE void multiply_tile(const float *rows, const float *columns, extent size, size_t height, size_t strips,
                             bool adds, float *out, size_t stride) {
#pragma clang fp contract(fast)
  f32x16 sums[wide_rows][wide_strips] = {0};
  for (size_t k = 0; k < size.depth; k++) {
    f32x16 b[wide_strips];
#pragma clang loop unroll(full)
    for (size_t s = 0; s < strips; s++) b[s] = *(const f32x16 *)(columns + (s * size.depth + k) * lanes);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < height; r++) {
      const f32x16 a = rows[k * height + r];
#pragma clang loop unroll(full)
      for (size_t s = 0; s < strips; s++) sums[r][s] += a * b[s];
    }
  }
  if (size.rows == height && size.columns == strips * lanes) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < height; r++) {
#pragma clang loop unroll(full)
      for (size_t s = 0; s < strips; s++) {
        f32x16 *place = (f32x16 *)(out + r * stride + s * lanes);
        *place = adds ? *place + sums[r][s] : sums[r][s];
      }
    }
    return;
  }
  float tile[wide_rows][wide_strips * lanes];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < height; r++) {
#pragma clang loop unroll(full)
    for (size_t s = 0; s < strips; s++) *(f32x16 *)&tile[r][s * lanes] = sums[r][s];
  }
  for (size_t r = 0; r < size.rows; r++) {
    float *line = out + r * stride;
    for (size_t c = 0; c < size.columns; c++) line[c] = adds ? line[c] + tile[r][c] : tile[r][c];
  }
}

BL_INLINE size_t lesser(size_t a, size_t b) { return a < b ? a : b; }

BL_INLINE void multiply(const bl_product *p, float *room, size_t height, size_t strips) {
  float strip[wide_rows * depth_block];
  for (size_t column = 0; column < p->columns; column += column_block) {
    const size_t columns = lesser(p->columns - column, column_block);
    for (size_t depth = 0; depth < p->depth; depth += depth_block) {
      extent size = {0, columns, lesser(p->depth - depth, depth_block)};
      pack_columns(p, column, depth, size, room);
      const bool adds = p->adds || depth > 0;
      for (size_t row = 0; row < p->rows; row += height) {
        extent tile = {lesser(p->rows - row, height), 0, size.depth};
        pack_rows(p, row, depth, tile, height, strip);
        for (size_t j = 0; j < columns; j += strips * lanes) {
          tile.columns = lesser(columns - j, strips * lanes);
          float *out = p->out + row * p->out_stride + column + j;
          // What is missing of the last tile's second strip is read, but not written.
          multiply_tile(strip, room + j * size.depth, tile, height, strips, adds, out, p->out_stride);
        }
      }
    }
  }
}

BL_KERNEL static void multiply_narrow(const bl_product *p, float *room) {
  multiply(p, room, narrow_rows, narrow_strips);
}

#if defined(__x86_64__) && defined(__clang__)
/// For processors with 32 registers of 16 floats; the compiler would halve them if it weren't told.
__attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static void multiply_wide(const bl_product *p, float *room) {
  multiply(p, room, wide_rows, wide_strips);
}

static bool is_wide(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
#endif

void bl_multiply(const bl_product *product, float *room) {
#if defined(__x86_64__) && defined(__clang__)
  if (is_wide()) {
    multiply_wide(product, room);
    return;
  }
#endif
  multiply_narrow(product, room);
}
