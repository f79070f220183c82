/* The exact product is a chain of fused multiply-adds in every element, on every path of
 * this machine, for every shape and way of calling; the library's is close to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "tests/support/gemm_wide.h"
#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/gemm/kernel.h"

enum { N_SHAPES = 2000, GUARD = 64, MAX_SIDE = 260, MAX_DEPTH = 700 };

/* fmaf as an instruction where there is one: a call takes ten times as long. See
 * PT_CLONES, whose AVX2 is without. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                   \
    !defined(PT_SANITIZED)
#define EACH_CPU __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define EACH_CPU
#endif

/* Random numbers of this file. */
static pt_rng rng;
static uint64_t drawn;

static uint32_t draw(uint32_t below)
{
    uint32_t word;

    pt_rng_fill_u32(&rng, drawn++, &word, 1);
    return word % below;
}

/* Mantissas and signs of all kinds, magnitudes from 2^-6 to 2^6; now and then a zero. */
static float draw_float(void)
{
    int exponent = (int)draw(13) - 6;
    float v = ldexpf((float)((int)draw(1u << 24) - (1 << 23)) * 0x1p-23f, exponent);

    return draw(31) == 0 ? 0.0f : v;
}

/* A few thousand drawn once; matrices take their values from changing places. */
static float values[1 << 16];

static void setup_values(void)
{
    static bool done;

    if (done) return;
    rng = pt_rng_stream(1, PT_RNG_DROPOUT, 77, 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) values[i] = draw_float();
    done = true;
}

static float *matrix(size_t n)
{
    float *p = malloc((n + GUARD) * sizeof *p);
    size_t at = draw(1 << 16);

    assert_non_null(p);
    for (size_t i = 0; i < n + GUARD; i++) p[i] = values[(at + i) & 0xffff];
    return p;
}

/* One call, its operands and what it must give. */
typedef struct {
    pt_product p;
    float *a, *b, *packed, *bias, *c, *want;
    size_t c_floats;
} product_case;

static size_t side(void)
{
    return draw(4) == 0 ? 1 + draw(MAX_SIDE) : 1 + draw(40);
}

/* Row i of what the case must give: a chain for each element, side by side in j. */
EACH_CPU static void want_row(product_case *t, size_t i, pt_trans tb, size_t ldb)
{
    const pt_product *p = &t->p;
    float *c = &t->want[i * p->ldc], s[MAX_SIDE];

    for (size_t j = 0; j < p->n; j++)
        s[j] = p->accumulate ? c[j] : p->bias ? p->bias[j] : 0;
    for (size_t q = 0; q < p->k; q++) {
        float a = t->a[p->ta == PT_N ? i * p->lda + q : q * p->lda + i];

        for (size_t j = 0; j < p->n; j++)
            s[j] = fmaf(a, t->b[tb == PT_N ? q * ldb + j : j * ldb + q], s[j]);
    }
    for (size_t j = 0; j < p->n; j++)
        c[j] = p->relu && s[j] < 0 ? 0 : p->add ? c[j] + s[j] : s[j];
}

static void make_case(product_case *t)
{
    pt_product *p = &t->p;
    pt_trans tb = draw(2) ? PT_T : PT_N;
    size_t ldb;

    memset(t, 0, sizeof *t);
    p->ta = draw(2) ? PT_T : PT_N;
    p->m = side();
    p->n = side();
    p->k = draw(4) == 0 ? 1 + draw(MAX_DEPTH) : 1 + draw(60);
    p->lda = (p->ta == PT_N ? p->k : p->m) + draw(3);
    if (draw(40) == 0) p->lda = 1024; /* the copied way */
    ldb = (tb == PT_N ? p->n : p->k) + draw(3);
    p->ldc = p->n + draw(3);
    p->accumulate = draw(3) == 0;
    p->relu = draw(3) == 0;
    p->add = !p->accumulate && !p->relu && p->k <= PT_GEMM_DEPTH && draw(3) == 0;
    t->a = matrix(p->lda * (p->ta == PT_N ? p->m : p->k));
    t->b = matrix(ldb * (tb == PT_N ? p->k : p->n));
    t->bias = draw(2) && !p->add ? matrix(p->n) : NULL;
    t->c_floats = p->ldc * p->m + GUARD;
    t->c = matrix(t->c_floats);
    t->want = malloc(t->c_floats * sizeof *t->want);
    t->packed = malloc(pt_gemm_packed_floats(p->k, p->n) * sizeof *t->packed);
    assert_non_null(t->want);
    assert_non_null(t->packed);
    memcpy(t->want, t->c, t->c_floats * sizeof *t->want);
    p->a = t->a;
    p->bias = p->accumulate ? NULL : t->bias;
    for (size_t i = 0; i < p->m; i++) want_row(t, i, tb, ldb);
    size_t panels = pt_gemm_panels(p->n), some = draw((uint32_t)panels + 1);
    pt_gemm_pack(tb, p->k, p->n, t->b, ldb, 0, some, PT_PANEL * p->k, t->packed);
    pt_gemm_pack(tb, p->k, p->n, t->b, ldb, some, panels - some, PT_PANEL * p->k,
                 t->packed);
    p->b = t->packed;
    p->panel_step = PT_PANEL * p->k;
}

static void free_case(product_case *t)
{
    free(t->a);
    free(t->b);
    free(t->packed);
    free(t->bias);
    free(t->c);
    free(t->want);
}

static void assert_same(const product_case *t, const float *got, const char *how)
{
    if (memcmp(got, t->want, t->c_floats * sizeof *got) == 0) return;
    for (size_t i = 0; i < t->c_floats; i++)
        if (memcmp(&got[i], &t->want[i], sizeof *got))
            fail_msg("%s %s m %zu n %zu k %zu lda %zu ldc %zu: float %zu is %a, not %a",
                     how, pt_gemm_path_in_use()->name, t->p.m, t->p.n, t->p.k, t->p.lda,
                     t->p.ldc, i, (double)got[i], (double)t->want[i]);
}

/* Rows and k cut at random places, columns at a panel: the same bits. */
static void run_in_pieces(const product_case *t, float *c)
{
    const pt_product *p = &t->p;
    size_t k1 = p->add ? 0 : draw((uint32_t)p->k + 1), m1 = draw((uint32_t)p->m + 1);
    size_t rows[3] = {0, m1, p->m}, depths[3] = {0, k1, p->k};

    for (int r = 0; r < 2; r++)
        for (int d = 0; d < 2; d++) {
            size_t i = rows[r], q = depths[d];
            pt_product part = *p;

            part.m = rows[r + 1] - i;
            part.k = depths[d + 1] - q;
            if (part.m == 0 || part.k == 0) continue;
            part.a += p->ta == PT_N ? i * p->lda + q : q * p->lda + i;
            part.b += PT_PANEL * q;
            part.c = c + i * p->ldc;
            part.accumulate = p->accumulate || q > 0;
            part.relu = p->relu && q + part.k == p->k;
            if (part.accumulate) part.bias = NULL;
            pt_gemm(&part);
        }
}

/* Those of this CPU, and the emulated one instead of AVX-512. */
static int all_paths(const pt_gemm_path *paths[4])
{
    int n = pt_gemm_paths(paths);

    paths[n++] = &pt_gemm_wide;
    return n;
}

static void every_path_gives_the_fmaf_chain(void **state)
{
    const pt_gemm_path *paths[4];
    int n_paths = all_paths(paths);

    setup_values();
    for (int i = 0; i < N_SHAPES; i++) {
        product_case t;

        make_case(&t);
        float *c = malloc(t.c_floats * sizeof *c);
        assert_non_null(c);
        for (int k = 0; k < n_paths; k++) {
            pt_gemm_use(paths[k]);
            memcpy(c, t.c, t.c_floats * sizeof *c);
            t.p.c = c;
            pt_gemm(&t.p);
            assert_same(&t, c, "whole");
            memcpy(c, t.c, t.c_floats * sizeof *c);
            run_in_pieces(&t, c);
            assert_same(&t, c, "in pieces");
        }
        free(c);
        free_case(&t);
    }
    pt_gemm_use(NULL);
    print_message("paths:");
    for (int k = 0; k < n_paths; k++) print_message(" %s", paths[k]->name);
    print_message("\n");
}

static void nan_and_infinity_pass_through(void **state)
{
    const pt_gemm_path *paths[5];
    int n_paths = all_paths(paths);
    float a[2] = {1, 1}, b[2 * PT_PANEL] = {NAN, INFINITY, -INFINITY}, c[PT_PANEL];
    pt_product p = {.m = 1,
                    .n = 4,
                    .k = 2,
                    .a = a,
                    .lda = 2,
                    .b = b,
                    .panel_step = 2 * PT_PANEL,
                    .relu = true,
                    .c = c,
                    .ldc = 4};

    paths[n_paths++] = &pt_gemm_blas;
    for (int k = 0; k < n_paths; k++) {
        pt_gemm_use(paths[k]);
        pt_gemm(&p);
        assert_true(isnan(c[0]));
        assert_true(isinf(c[1]));
        assert_true(c[2] == 0);
    }
    pt_gemm_use(NULL);
}

static void the_library_reads_all_four_transpositions(void **state)
{
    /* A is 2 x 3, B is 3 x 2; stored plain and transposed, with wider rows. */
    const float a[2 * 4] = {1, 2, 3, 99, 4, 5, 6, 99};
    const float at[3 * 2] = {1, 4, 2, 5, 3, 6};
    const float b[3 * 3] = {7, 8, 99, 9, 10, 99, 11, 12, 99};
    const float bt[2 * 3] = {7, 9, 11, 8, 10, 12};
    const float want[4] = {58, 64, 139, 154};

    for (int ta = 0; ta < 2; ta++) {
        for (int tb = 0; tb < 2; tb++) {
            float c[6] = {0, 0, -1, 0, 0, -1};

            for (int again = 0; again < 2; again++) {
                pt_blas_gemm(ta ? PT_T : PT_N, tb ? PT_T : PT_N, 2, 2, 3, ta ? at : a,
                             ta ? 2 : 4, tb ? bt : b, tb ? 3 : 3, again, c, 3);
                for (int i = 0; i < 4; i++) {
                    assert_true(c[i / 2 * 3 + i % 2] == want[i] * (float)(1 + again));
                }
            }
            assert_true(c[2] == -1 && c[5] == -1);
        }
    }
}

/* Element (i, j) without cancellation: what its rounding is held against. */
static double magnitude(const product_case *t, size_t i, size_t j)
{
    const pt_product *p = &t->p;
    double sum = fabs((double)t->c[i * p->ldc + j]);

    if (p->bias) sum += fabs((double)p->bias[j]);
    for (size_t q = 0; q < p->k; q++)
        sum += fabs(
            (double)p->a[p->ta == PT_N ? i * p->lda + q : q * p->lda + i] *
            (double)p->b[j / PT_PANEL * p->panel_step + q * PT_PANEL + j % PT_PANEL]);
    return sum;
}

static void assert_close(const product_case *t, const float *got, const char *how)
{
    for (size_t at = 0; at < t->c_floats; at++) {
        size_t i = at / t->p.ldc, j = at % t->p.ldc;
        bool inside = i < t->p.m && j < t->p.n;
        double limit = inside ? 1e-5 * magnitude(t, i, j) : 0;

        if (!(fabs((double)got[at] - (double)t->want[at]) <= limit))
            fail_msg("%s m %zu n %zu k %zu: float %zu is %g, not %g", how, t->p.m, t->p.n,
                     t->p.k, at, (double)got[at], (double)t->want[at]);
    }
}

static void the_library_is_close_to_the_chain(void **state)
{
    setup_values();
    pt_gemm_use(&pt_gemm_blas);
    for (int i = 0; i < N_SHAPES / 10; i++) {
        product_case t;

        make_case(&t);
        float *c = malloc(t.c_floats * sizeof *c);
        assert_non_null(c);
        memcpy(c, t.c, t.c_floats * sizeof *c);
        t.p.c = c;
        pt_gemm(&t.p);
        assert_close(&t, c, "whole");
        memcpy(c, t.c, t.c_floats * sizeof *c);
        run_in_pieces(&t, c);
        assert_close(&t, c, "in pieces");
        free(c);
        free_case(&t);
    }
    pt_gemm_use(NULL);
}

static void the_library_is_named_with_its_core(void **state)
{
    pt_kernels k = {.conv = PT_DIRECT, .blas = true};

    assert_non_null(strstr(pt_blas_describe(), "OpenBLAS 0."));
    assert_non_null(strstr(pt_kernels_identity(k), pt_blas_describe()));
    assert_non_null(strstr(pt_kernels_identity(k), "bits not promised"));
    assert_string_equal(pt_kernels_describe(k), pt_kernels_identity(k));
    assert_string_equal(pt_kernels_identity((pt_kernels){.conv = PT_WINOGRAD}),
                        "exact, Winograd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_gives_the_fmaf_chain),
        cmocka_unit_test(nan_and_infinity_pass_through),
        cmocka_unit_test(the_library_reads_all_four_transpositions),
        cmocka_unit_test(the_library_is_close_to_the_chain),
        cmocka_unit_test(the_library_is_named_with_its_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
