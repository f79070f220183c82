#include "worker/engine/gemm/gemm_blas.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/base/status.h"
#include "common/gemm/gemm_path.h"

enum { COLUMNS = 256, DEPTH = 256 }; /* of op(B) at a time: 256 KB */

/* In OpenBLAS's build for OpenMP the number of threads is set per thread, and the
 * environment's setting is ignored. */
static void use_one_thread(void)
{
    static _Thread_local bool done;

    if (done) return;
    openblas_set_num_threads(1);
    PT_CHECK(openblas_get_num_threads() == 1,
             "OpenBLAS uses %d threads although 1 was set", openblas_get_num_threads());
    done = true;
}

void pt_blas_gemm(pt_trans ta, pt_trans tb, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, bool accumulate, float *c,
                  size_t ldc)
{
    use_one_thread();
    cblas_sgemm(CblasRowMajor, ta == PT_T ? CblasTrans : CblasNoTrans,
                tb == PT_T ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb,
                accumulate ? 1.0f : 0.0f, c, (blasint)ldc);
}

/* Rows of COLUMNS floats from panels of PT_PANEL columns. */
static void unpack(const float *panels, size_t panel_step, size_t n_panels, size_t depth,
                   float *to)
{
    for (size_t j = 0; j < n_panels; j++, panels += panel_step, to += PT_PANEL)
        for (size_t k = 0; k < depth; k++)
            memcpy(to + k * COLUMNS, panels + k * PT_PANEL, PT_PANEL * sizeof *to);
}

PT_CLONES static void relu(size_t m, size_t n, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++, c += ldc)
        for (size_t j = 0; j < n; j++) c[j] = c[j] < 0.0f ? 0.0f : c[j];
}

/* Columns column .. column + n - 1 of C. */
static void product_columns(const pt_product *p, size_t column, size_t n)
{
    float part[DEPTH * COLUMNS] __attribute__((aligned(64)));
    float *c = p->c + column;
    bool carry = p->accumulate || p->add || p->bias;

    for (size_t i = 0; p->bias && i < p->m; i++)
        memcpy(c + i * p->ldc, p->bias + column, n * sizeof *c);
    for (size_t k = 0; k < p->k; k += DEPTH, carry = true) {
        size_t depth = p->k - k < DEPTH ? p->k - k : DEPTH;

        unpack(p->b + column / PT_PANEL * p->panel_step + k * PT_PANEL, p->panel_step,
               pt_gemm_panels(n), depth, part);
        pt_blas_gemm(p->ta, PT_N, p->m, n, depth, p->a + k * (p->ta == PT_T ? p->lda : 1),
                     p->lda, part, COLUMNS, carry, c, p->ldc);
    }
    if (p->relu) relu(p->m, n, c, p->ldc);
}

static void product(const pt_product *p)
{
    for (size_t column = 0; column < p->n; column += COLUMNS)
        product_columns(p, column, p->n - column < COLUMNS ? p->n - column : COLUMNS);
}

const pt_gemm_path pt_gemm_blas = {.name = "blas", .product = product};

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
