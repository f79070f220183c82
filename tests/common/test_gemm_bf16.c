/* The product of bf16 operands is the chain of common/gemm/KERNELS.md in every element
 * and on every path of this machine: single steps against whole numbers, all of the
 * window around 2^-126 among them, then products of all shapes. */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/gemm/gemm.h"
#include "common/gemm/pack_bf16.h"
#include "tests/support/bf16_exact.h"
#include "tests/support/gemm_wide.h"

enum { N_STEPS = 30000, N_SHAPES = 400, GUARD = 64, MAX_PATHS = PT_MAX_BF16_PATHS + 1 };

/* ---- random numbers --------------------------------------------------------------- */

static uint32_t words[1 << 16];
static size_t drawn;

static uint32_t draw(uint32_t below)
{
    if (drawn % (1 << 16) == 0) {
        pt_rng rng = pt_rng_stream(1, PT_RNG_DROPOUT, 78, 0);

        pt_rng_fill_u32(&rng, drawn, words, 1 << 16);
    }
    uint32_t word = words[drawn++ % (1 << 16)];

    return below ? (uint32_t)((uint64_t)word * below >> 32) : word;
}

static float float_of(uint32_t u)
{
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

/* Upper halves of a float: of any kind, about 1, about 2^-63 (products about 2^-126), and
 * the ends of the format. */
static uint16_t draw_half(void)
{
    static const uint16_t ends[] = {0,      1,      0x7f,   0x80,   0x7f7f,
                                    0x7f80, 0x7fc0, 0x3f80, 0x0080, 0x4b00};
    uint16_t sign = (uint16_t)(draw(2) << 15), digits = (uint16_t)draw(128);

    switch (draw(4)) {
    case 0:
        return (uint16_t)draw(1 << 16);
    case 1:
        return (uint16_t)(sign | (123 + draw(9)) << 7 | digits);
    case 2:
        return (uint16_t)(sign | (58 + draw(12)) << 7 | digits);
    default:
        return sign | ends[draw(sizeof ends / sizeof *ends)];
    }
}

/* The float of a step that begins with a b: of any kind, within 2^24 of it, about 2^-126,
 * or nearly its opposite. */
static uint32_t draw_sum(uint16_t a, uint16_t b)
{
    uint32_t product = bits_of(float_of((uint32_t)a << 16) * float_of((uint32_t)b << 16));

    switch (draw(5)) {
    case 0:
        return draw(0);
    case 1:
        return product ^ draw(1 << 27);
    case 2:
        return draw(2) << 31 | (0x800000 - 4 + draw(9));
    case 3:
        return draw(2) << 31 | (0x700000 + draw(0x200000));
    default:
        return (product ^ 0x80000000) + draw(5) - 2;
    }
}

/* ---- single steps ----------------------------------------------------------------- */

static int all_paths(const pt_gemm_bf16_path *paths[MAX_PATHS])
{
    int n = pt_gemm_bf16_paths(paths);

    paths[n++] = &pt_gemm_wide_bf16;
    return n;
}

/* Sixteen steps with one pair of A. */
typedef struct {
    uint16_t a[2], b[PT_PANEL][2]; /* even, odd */
    uint32_t c[PT_PANEL];
} steps;

static bool same(uint32_t got, uint32_t want)
{
    bool nan = (want & 0x7fffffff) > 0x7f800000;

    return nan ? (got & 0x7fffffff) > 0x7f800000 : got == want;
}

static void run_steps(const steps *s, float c[PT_PANEL])
{
    float a[2], b[2 * PT_PANEL], packed[PT_PANEL];
    pt_product p = {.m = 1,
                    .n = PT_PANEL,
                    .k = 2,
                    .a = a,
                    .lda = 2,
                    .b = packed,
                    .panel_step = PT_PANEL,
                    .accumulate = true,
                    .bf16 = true,
                    .c = c,
                    .ldc = PT_PANEL};

    for (int p2 = 0; p2 < 2; p2++) {
        a[p2] = float_of((uint32_t)s->a[p2] << 16);
        for (int j = 0; j < PT_PANEL; j++)
            b[p2 * PT_PANEL + j] = float_of((uint32_t)s->b[j][p2] << 16);
    }
    memcpy(c, s->c, PT_PANEL * sizeof *c);
    pt_gemm_pack_bf16(PT_N, 2, PT_PANEL, b, PT_PANEL, 0, 1, PT_PANEL, packed);
    pt_gemm(&p);
}

static void check_steps(const steps *s)
{
    const pt_gemm_bf16_path *paths[MAX_PATHS];
    int n = all_paths(paths);
    uint32_t want[PT_PANEL];

    for (int j = 0; j < PT_PANEL; j++)
        want[j] = exact_step(s->a[0], s->a[1], s->b[j][0], s->b[j][1], s->c[j]);
    for (int i = 0; i < n; i++) {
        float got[PT_PANEL];

        pt_gemm_bf16_use(paths[i]);
        run_steps(s, got);
        for (int j = 0; j < PT_PANEL; j++)
            if (!same(bits_of(got[j]), want[j]))
                fail_msg("%s: even %04x %04x odd %04x %04x sum %08x gives %08x, not %08x",
                         paths[i]->name, s->a[0], s->b[j][0], s->a[1], s->b[j][1],
                         s->c[j], bits_of(got[j]), want[j]);
    }
    pt_gemm_bf16_use(NULL);
}

static void every_path_steps_as_whole_numbers_do(void **state)
{
    for (int i = 0; i < N_STEPS; i++) {
        steps s = {.a = {draw_half(), draw_half()}};

        for (int j = 0; j < PT_PANEL; j++) {
            s.b[j][0] = draw_half();
            s.b[j][1] = draw_half();
            s.c[j] = draw_sum(s.a[1], s.b[j][1]);
        }
        check_steps(&s);
    }
}

/* fmaf rounds this up to 2^-126, where a CPU has seen a tiny result and writes zero. */
static bool is_trap(uint16_t a, uint16_t b, uint32_t c)
{
    float r = fmaf(float_of((uint32_t)a << 16), float_of((uint32_t)b << 16), float_of(c));

    return fabsf(r) == 0x1p-126f &&
           (exact_fused((uint32_t)a << 16, (uint32_t)b << 16, c) & 0x7fffffff) == 0;
}

/* Products of all 128 x 128 significands from 2^-154 to 2^-148, taken from numbers around
 * 2^-126, in either place of the pair: each rounding just above and below the limit. */
static void the_window_around_the_smallest_number_is_flushed_as_cpus_do(void **state)
{
    int traps = 0;

    for (uint32_t place = 0; place < 2; place++)
        for (uint32_t e = 0; e < 6; e++)
            for (uint32_t i = 0; i < 128 * 128; i += PT_PANEL) {
                steps s = {{0}, {{0}}, {0}};
                uint32_t sign = (i / PT_PANEL + e) % 2;

                s.a[place] = (uint16_t)(sign << 15 | 60 << 7 | i / 128);
                for (uint32_t j = 0; j < PT_PANEL; j++) {
                    s.b[j][place] = (uint16_t)((40 + e) << 7 | (i + j) % 128);
                    s.c[j] = (1 - sign) << 31 | (0x800000 + (i / 128 + j) % 3);
                    traps += is_trap(s.a[place], s.b[j][place], s.c[j]);
                }
                check_steps(&s);
            }
    assert_true(traps > 1000);
}

/* ---- whole products --------------------------------------------------------------- */

static float nearest(float x)
{
    uint32_t u = bits_of(x), up = u + 0x7fff + (u >> 16 & 1);

    return float_of(up & 0xffff0000);
}

/* One call, its operands and what it must give. */
typedef struct {
    pt_product p;
    pt_trans tb;
    size_t ldb, c_floats;
    float *a, *b, *packed, *bias, *c, *want;
} product_case;

/* Floats with 24 bits about 2^scale; now and then a zero. */
static float *matrix(size_t n, int scale)
{
    float *p = malloc((n + GUARD) * sizeof *p);

    assert_non_null(p);
    for (size_t i = 0; i < n + GUARD; i++) {
        float x = ldexpf((float)((int)draw(1u << 24) - (1 << 23)) * 0x1p-23f, scale);

        p[i] = draw(31) == 0 ? 0.0f : ldexpf(x, (int)draw(9) - 4);
    }
    return p;
}

static float element(const product_case *t, const float *a, const float *b, size_t i,
                     size_t j, size_t q)
{
    const pt_product *p = &t->p;

    if (q >= p->k) return 0;
    if (a) return nearest(a[p->ta == PT_N ? i * p->lda + q : q * p->lda + i]);
    return nearest(b[t->tb == PT_N ? q * t->ldb + j : j * t->ldb + q]);
}

static float chain(const product_case *t, size_t i, size_t j)
{
    const pt_product *p = &t->p;
    float c = t->want[i * p->ldc + j];
    float s = p->accumulate ? c : p->bias ? p->bias[j] : 0;

    for (size_t q = 0; q < p->k; q += 2)
        for (size_t odd = 2; odd-- > 0;)
            s = exact_half(element(t, t->a, NULL, i, j, q + odd),
                           element(t, NULL, t->b, i, j, q + odd), s);
    if (p->relu && s < 0) return 0;
    return p->add ? exact_half(1, c, s) : s;
}

static size_t side(void)
{
    return draw(5) == 0 ? 1 + draw(200) : 1 + draw(40);
}

static void make_case(product_case *t)
{
    pt_product *p = &t->p;
    int scale = draw(4) == 0 ? -64 : 0; /* products about 2^-128, or about 1 */

    memset(t, 0, sizeof *t);
    t->tb = draw(2) ? PT_T : PT_N;
    p->bf16 = true;
    p->ta = draw(2) ? PT_T : PT_N;
    p->m = side();
    p->n = side();
    p->k = draw(5) == 0 ? 1 + draw(600) : 1 + draw(60);
    p->lda = (p->ta == PT_N ? p->k : p->m) + draw(3);
    if (draw(40) == 0) p->lda = 1024;
    t->ldb = (t->tb == PT_N ? p->n : p->k) + draw(3);
    p->ldc = p->n + draw(3);
    p->accumulate = draw(3) == 0;
    p->relu = draw(3) == 0;
    p->add = !p->accumulate && !p->relu && p->k <= PT_GEMM_DEPTH && draw(3) == 0;
    t->a = matrix(p->lda * (p->ta == PT_N ? p->m : p->k), scale);
    t->b = matrix(t->ldb * (t->tb == PT_N ? p->k : p->n), scale);
    t->bias = draw(2) && !p->add ? matrix(p->n, 2 * scale) : NULL;
    t->c_floats = p->ldc * p->m + GUARD;
    t->c = matrix(t->c_floats, 2 * scale);
    p->a = t->a;
    p->bias = p->accumulate ? NULL : t->bias;
    p->panel_step = PT_PANEL * pt_gemm_pairs(p->k);
}

static void expect_case(product_case *t)
{
    const pt_product *p = &t->p;
    size_t panels = pt_gemm_panels(p->n), some = draw((uint32_t)panels + 1);

    t->want = malloc(t->c_floats * sizeof *t->want);
    t->packed = malloc(panels * p->panel_step * sizeof *t->packed);
    assert_true(t->want && t->packed);
    memcpy(t->want, t->c, t->c_floats * sizeof *t->want);
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) t->want[i * p->ldc + j] = chain(t, i, j);
    pt_gemm_pack_bf16(t->tb, p->k, p->n, t->b, t->ldb, 0, some, p->panel_step, t->packed);
    pt_gemm_pack_bf16(t->tb, p->k, p->n, t->b, t->ldb, some, panels - some, p->panel_step,
                      t->packed);
    t->p.b = t->packed;
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

/* Rows cut anywhere, k between two pairs: the same bits. */
static void run_in_pieces(const product_case *t, float *c)
{
    const pt_product *p = &t->p;
    size_t k1 = p->add ? 0 : 2 * draw((uint32_t)p->k / 2 + 1), m1;
    size_t rows[3] = {0, m1 = draw((uint32_t)p->m + 1), p->m}, depths[3] = {0, k1, p->k};

    for (int r = 0; r < 2; r++)
        for (int d = 0; d < 2; d++) {
            size_t i = rows[r], q = depths[d];
            pt_product part = *p;

            part.m = rows[r + 1] - i;
            part.k = depths[d + 1] - q;
            if (part.m == 0 || part.k == 0) continue;
            part.a += p->ta == PT_N ? i * p->lda + q : q * p->lda + i;
            part.b += PT_PANEL * q / 2;
            part.c = c + i * p->ldc;
            part.accumulate = p->accumulate || q > 0;
            part.relu = p->relu && q + part.k == p->k;
            if (part.accumulate) part.bias = NULL;
            pt_gemm(&part);
        }
}

static void assert_same(const product_case *t, const float *got, const char *path,
                        const char *how)
{
    for (size_t i = 0; i < t->c_floats; i++)
        if (!same(bits_of(got[i]), bits_of(t->want[i])))
            fail_msg("%s %s m %zu n %zu k %zu lda %zu ldc %zu: float %zu is %a, not %a",
                     how, path, t->p.m, t->p.n, t->p.k, t->p.lda, t->p.ldc, i,
                     (double)got[i], (double)t->want[i]);
}

static void check_case(product_case *t)
{
    const pt_gemm_bf16_path *paths[MAX_PATHS];
    int n = all_paths(paths);
    float *c = malloc(t->c_floats * sizeof *c);

    assert_non_null(c);
    t->p.c = c;
    for (int i = 0; i < n; i++) {
        pt_gemm_bf16_use(paths[i]);
        memcpy(c, t->c, t->c_floats * sizeof *c);
        pt_gemm(&t->p);
        assert_same(t, c, paths[i]->name, "whole");
        memcpy(c, t->c, t->c_floats * sizeof *c);
        run_in_pieces(t, c);
        assert_same(t, c, paths[i]->name, "in pieces");
    }
    pt_gemm_bf16_use(NULL);
    free(c);
}

static void every_path_gives_the_chain_of_pairs(void **state)
{
    const pt_gemm_bf16_path *paths[MAX_PATHS];
    int n = all_paths(paths);

    for (int i = 0; i < N_SHAPES; i++) {
        product_case t;

        make_case(&t);
        expect_case(&t);
        check_case(&t);
        free_case(&t);
    }
    print_message("paths:");
    for (int k = 0; k < n; k++) print_message(" %s", paths[k]->name);
    print_message("\n");
}

static void the_callers_mode_is_as_it_was(void **state)
{
    const pt_gemm_bf16_path *paths[MAX_PATHS];
    int n = all_paths(paths);
    steps s = {.a = {0x3f80, 0x3f80}};
    volatile float smallest = 0x1p-126f, half;
    float c[PT_PANEL];

    for (int i = 0; i < n; i++) {
        pt_gemm_bf16_use(paths[i]);
        run_steps(&s, c);
        half = smallest * 0.5f;
        assert_true(half > 0);
        assert_int_equal(fegetround(), FE_TONEAREST);
    }
    pt_gemm_bf16_use(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_steps_as_whole_numbers_do),
        cmocka_unit_test(the_window_around_the_smallest_number_is_flushed_as_cpus_do),
        cmocka_unit_test(every_path_gives_the_chain_of_pairs),
        cmocka_unit_test(the_callers_mode_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
