/* The gradient of a fully connected layer's weights, dw [n_in][n_out] = the sum over the
 * shards of x_s^T dy_s in the order of the tree: any rows of it, formed wherever x and dy
 * are, with the same bits. Pure. */
#ifndef PT_COMMON_RUN_OUTER_H
#define PT_COMMON_RUN_OUTER_H

#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "common/run/shards.h"

/* Factors of the images of a span. */
typedef struct {
    pt_span span;
    const float *x; /* [images][ldx] */
    size_t ldx;
    const float *dy; /* [images][n_out], packed by pt_outer_pack */
    size_t n_out;
} pt_outer;

/* Floats of dy [n][n_out] packed, and packing it: rows of ld floats. */
size_t pt_outer_packed(size_t n_out, size_t n);
void pt_outer_pack(size_t n_out, size_t n, const float *dy, size_t ld, float *packed);

/* Copies n rows of `floats` from rows of ld_from floats to rows of ld_to. */
void pt_outer_copy(const float *from, size_t ld_from, size_t floats, size_t n, float *to,
                   size_t ld_to);

/* How a sub-tree's leaves are added (gemm_path.h): those with images. */
typedef struct {
    int n_leaves, first; /* first image of the span that it covers */
    int terms[PT_MAX_SHARDS], merges[PT_MAX_SHARDS];
} pt_outer_tree;

/* The sub-tree of a span; n_leaves is 0 where it has no images. */
void pt_outer_plan(const pt_span *span, pt_subtree t, pt_outer_tree *out);

/* Rows of dw that are formed at a time. */
size_t pt_outer_rows(void);

/* Rows [row, row + n) of dw over the tree, n <= pt_outer_rows(), into out [n][n_out].
 * Leaves and sums are rounded where the span says bf16. Any thread. */
void pt_outer_form(const pt_outer *o, const pt_outer_tree *t, size_t row, size_t n,
                   float *out);

/* Floats [begin, end) of dw's rows, one after another, into out [end - begin]. edge
 * [n_out]: overwritten. */
void pt_outer_form_range(const pt_outer *o, const pt_outer_tree *t, size_t begin,
                         size_t end, float *out, float *edge);

#endif
