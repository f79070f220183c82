/* How each instruction set takes the steps of the bf16 chain (KERNELS.md). Internal to
 * products and their tests. */
#ifndef PT_COMMON_GEMM_GEMM_BF16_H
#define PT_COMMON_GEMM_GEMM_BF16_H

#include <stdbool.h>
#include <stddef.h>

#include "common/gemm/gemm_path.h"

typedef struct {
    const char *name;            /* "avx512_bf16" */
    const pt_gemm_path *kernels; /* only their tiles are used */
    bool pairs;                  /* a term of the kernels is a pair (pack_bf16.h) */
    bool by_mode;                /* the CPU flushes: set so around the product */
} pt_gemm_bf16_path;

/* Paths that this CPU can run, fastest first; returns how many (1 to 4). */
enum { PT_MAX_BF16_PATHS = 4 };
int pt_gemm_bf16_paths(const pt_gemm_bf16_path *paths[PT_MAX_BF16_PATHS]);

/* The path in use: the fastest, unless pt_gemm_bf16_use chose another (tests, benchmarks;
 * NULL: the fastest) while no product runs. One for the process. */
const pt_gemm_bf16_path *pt_gemm_bf16_path_in_use(void);
void pt_gemm_bf16_use(const pt_gemm_bf16_path *path);

/* Terms of a kernel for k of the product. */
size_t pt_gemm_bf16_terms(const pt_gemm_bf16_path *path, size_t k);

#endif
