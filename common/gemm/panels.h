/* The shape of a packed matrix: panels of 16 columns, of floats or of pairs of bfloat16.
 */
#ifndef PT_COMMON_GEMM_PANELS_H
#define PT_COMMON_GEMM_PANELS_H

#include <stddef.h>

typedef enum { PT_N, PT_T } pt_trans;

enum {
    PT_PANEL = 16,      /* columns of a panel */
    PT_GEMM_DEPTH = 256 /* terms of a chain between two accesses to memory */
};

/* Panels of n columns. */
static inline size_t pt_gemm_panels(size_t n)
{
    return (n + PT_PANEL - 1) / PT_PANEL;
}

/* Pairs of k terms; the last one may lack its partner. */
static inline size_t pt_gemm_pairs(size_t k)
{
    return (k + 1) / 2;
}

#endif
