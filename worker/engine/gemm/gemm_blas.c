#include "worker/engine/gemm/gemm_blas.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void pt_blas_gemm(pt_trans ta, pt_trans tb, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, bool accumulate, float *c,
                  size_t ldc)
{
    cblas_sgemm(CblasRowMajor, ta == PT_T ? CblasTrans : CblasNoTrans,
                tb == PT_T ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb,
                accumulate ? 1.0f : 0.0f, c, (blasint)ldc);
}

pt_status pt_blas_thread_init(void)
{
    openblas_set_num_threads(1);
    int n = openblas_get_num_threads();

    if (n != 1) return pt_fail(PT_ERR_BUG, "OpenBLAS: 1 thread wanted, %d in use", n);
    return PT_OK;
}

/* "OpenBLAS 0.3.21 ... DYNAMIC_ARCH ..." -> its first two words, then the core. */
const char *pt_blas_describe(void)
{
    static _Thread_local char text[96];
    const char *config = openblas_get_config();
    const char *end = strchr(config, ' ');

    if (end) end = strchr(end + 1, ' ');
    int n = end ? (int)(end - config) : (int)strlen(config);
    snprintf(text, sizeof text, "%.*s %s", n < 48 ? n : 48, config,
             openblas_get_corename());
    return text;
}

bool pt_blas_wants_core(const char **coretype)
{
#if defined(__x86_64__)
    static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    const char *core = openblas_get_corename();

    if (getenv("OPENBLAS_CORETYPE") || !__builtin_cpu_supports("avx512f")) return false;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (strcasecmp(core, wide[i]) == 0) return false;
    }
    *coretype = wide[0];
    return true;
#else
    return false;
#endif
}
