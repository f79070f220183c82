#include "common/gemm/gemm_bf16.h"

#include "common/gemm/panels.h"

static const pt_gemm_bf16_path *chosen;

#if defined(__x86_64__)
static const pt_gemm_bf16_path avx512_bf16 = {"avx512_bf16", &pt_gemm_avx512_bf16, true,
                                              true};
static const pt_gemm_bf16_path avx512 = {"avx512", &pt_gemm_avx512, false, true};
static const pt_gemm_bf16_path avx2 = {"avx2", &pt_gemm_avx2, false, true};
#endif
static const pt_gemm_bf16_path portable = {"portable", &pt_gemm_portable_bf16, false,
                                           false};

int pt_gemm_bf16_paths(const pt_gemm_bf16_path *paths[PT_MAX_BF16_PATHS])
{
    int n = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16")) paths[n++] = &avx512_bf16;
    if (__builtin_cpu_supports("avx512f")) paths[n++] = &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        paths[n++] = &avx2;
#endif
    paths[n++] = &portable;
    return n;
}

void pt_gemm_bf16_use(const pt_gemm_bf16_path *path)
{
    __atomic_store_n(&chosen, path, __ATOMIC_RELAXED);
}

const pt_gemm_bf16_path *pt_gemm_bf16_path_in_use(void)
{
    const pt_gemm_bf16_path *paths[PT_MAX_BF16_PATHS];
    const pt_gemm_bf16_path *p = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

    if (p) return p;
    pt_gemm_bf16_paths(paths);
    pt_gemm_bf16_use(paths[0]);
    return paths[0];
}

size_t pt_gemm_bf16_terms(const pt_gemm_bf16_path *path, size_t k)
{
    return path->pairs ? pt_gemm_pairs(k) : 2 * pt_gemm_pairs(k);
}
