/* Pools against PyTorch (tests/data/layers/simple.txt, made by
 * tests/oracle/layers_simple.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/layers/pool2d.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

/* The table of layers_simple.py: n, h, w, c, kernel, stride, padding. */
static const struct {
    const char *name;
    int n, h, w, c, k, stride, pad;
} pools[] = {{"floor", 2, 7, 6, 5, 3, 2, 0},
             {"ceil", 2, 8, 6, 5, 3, 2, 0},
             {"pad", 1, 7, 9, 67, 3, 2, 1},
             {"ceil_pad", 1, 6, 7, 3, 2, 3, 1},
             {"even", 1, 4, 4, 64, 2, 2, 0}};

enum { N_POOLS = sizeof pools / sizeof *pools };

static float *golden(const char *pool, const char *what, size_t n)
{
    char name[64];

    snprintf(name, sizeof name, "max_%s_%s", pool, what);
    return golden_load(GOLDEN, name, n);
}

static void check_pool(int i, pt_threads *p)
{
    float *size = golden(pools[i].name, "size", 2);
    pt_max_pool s = {pools[i].h, pools[i].w, pools[i].c,      (int)size[0], (int)size[1],
                     pools[i].k, pools[i].k, pools[i].stride, pools[i].pad, pools[i].pad};
    size_t n_in = (size_t)(pools[i].n * s.h * s.w * s.c);
    size_t n_out = (size_t)(pools[i].n * s.out_h * s.out_w * s.c);
    float *want_y = golden(pools[i].name, "y", n_out);
    float *want_dx = golden(pools[i].name, "dx", n_in);
    float *x = malloc(n_in * sizeof *x), *dx = malloc(n_in * sizeof *dx);
    float *y = malloc(n_out * sizeof *y), *dy = malloc(n_out * sizeof *dy);
    uint8_t *argmax = malloc(n_out);

    assert_true(x && dx && y && dy && argmax);
    pattern_fill(20 + (uint64_t)i, n_in, x);
    pattern_fill(40 + (uint64_t)i, n_out, dy);
    for (size_t j = 0; j < n_in; j++) x[j] = nearbyintf(x[j] * 8) / 4;
    pt_max_pool_forward(p, &s, pools[i].n, pt_floats(x), pt_floats(y), argmax);
    assert_memory_equal(y, want_y, n_out * sizeof *y);
    memset(y, 0, n_out * sizeof *y);
    pt_max_pool_forward(p, &s, pools[i].n, pt_floats(x), pt_floats(y), NULL);
    assert_memory_equal(y, want_y, n_out * sizeof *y);

    /* at most four gradients meet in a pixel: the same sums up to their order */
    pt_max_pool_backward(p, &s, pools[i].n, pt_floats(dy), argmax, false, pt_floats(NULL),
                         pt_floats(dx));
    assert_true(relative_distance(dx, want_dx, n_in) < 1e-7);
    for (size_t j = 0; j < n_in; j++) dx[j] = 1;
    pt_max_pool_backward(p, &s, pools[i].n, pt_floats(dy), argmax, true, pt_floats(NULL),
                         pt_floats(dx));
    for (size_t j = 0; j < n_in; j++) want_dx[j] += 1;
    assert_true(relative_distance(dx, want_dx, n_in) < 1e-7);
    free(size);
    free(want_y);
    free(want_dx);
    free(x);
    free(dx);
    free(y);
    free(dy);
    free(argmax);
}

static void test_max_pool_is_that_of_pytorch(void **state)
{
    for (int threads = 1; threads <= 3; threads++) {
        pt_threads *p = NULL;

        assert_int_equal(pt_threads_create(threads, &p), PT_OK);
        for (int i = 0; i < N_POOLS; i++) check_pool(i, p);
        pt_threads_destroy(&p);
    }
}

static void test_padding_never_wins_and_the_first_of_equals_does(void **state)
{
    const pt_max_pool s = {2, 2, 1, 1, 1, 3, 3, 1, 1, 1};
    const float x[4] = {-2, -1, -1, -3}, dy[1] = {5};
    float y[1], dx[4];
    uint8_t argmax[1];
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_max_pool_forward(p, &s, 1, pt_floats(x), pt_floats(y), argmax);
    assert_true(y[0] == -1);
    assert_int_equal(argmax[0], 5); /* row 1, column 2 of the window */
    pt_max_pool_backward(p, &s, 1, pt_floats(dy), argmax, false, pt_floats(NULL),
                         pt_floats(dx));
    assert_true(dx[0] == 0 && dx[1] == 5 && dx[2] == 0 && dx[3] == 0);
    pt_threads_destroy(&p);
}

static void test_a_nan_in_the_window_is_not_lost(void **state)
{
    const pt_max_pool s = {1, 3, 1, 1, 1, 1, 3, 1, 0, 0};
    const float x[3] = {1, NAN, 2};
    float y[1];
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_max_pool_forward(p, &s, 1, pt_floats(x), pt_floats(y), NULL);
    assert_true(isnan(y[0]));
    pt_threads_destroy(&p);
}

/* ---- against plain loops ----------------------------------------------------------- */

typedef struct {
    size_t n_in, n_out;
    float *x, *y, *dy, *dx;
    uint8_t *argmax;
} arrays;

static arrays make_arrays(const pt_max_pool *s, int n_images)
{
    size_t c = (size_t)n_images * (size_t)s->c;
    arrays a = {.n_in = c * (size_t)s->h * (size_t)s->w,
                .n_out = c * (size_t)s->out_h * (size_t)s->out_w};

    a.x = malloc(a.n_in * sizeof *a.x);
    a.dx = malloc(a.n_in * sizeof *a.dx);
    a.y = malloc(a.n_out * sizeof *a.y);
    a.dy = malloc(a.n_out * sizeof *a.dy);
    a.argmax = malloc(a.n_out);
    assert_true(a.x && a.dx && a.y && a.dy && a.argmax);
    return a;
}

static void free_arrays(arrays *a)
{
    free(a->x);
    free(a->dx);
    free(a->y);
    free(a->dy);
    free(a->argmax);
}

/* Few different values, so that windows have equal maxima; zeros of both signs; NaNs. */
static void fill(uint64_t salt, size_t nan_of_1009, arrays *a)
{
    pattern_fill(salt, a->n_in, a->x);
    pattern_fill(salt + 1, a->n_out, a->dy);
    for (size_t i = 0; i < a->n_in; i++) {
        bool lost = i % 1009 < nan_of_1009;

        a->x[i] = lost ? NAN : nearbyintf(a->x[i] * 4) / 4;
    }
}

/* One channel of one window: its maximum, and where the gradient goes. */
static void plain_window(const pt_max_pool *s, const arrays *a, size_t out, size_t image,
                         int oh, int ow, int k, float *sums)
{
    bool first = true;
    size_t best = 0;

    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++) {
            int ih = oh * s->stride - s->pad_top + i,
                iw = ow * s->stride - s->pad_left + j;
            size_t at =
                ((image * (size_t)s->h + (size_t)ih) * (size_t)s->w + (size_t)iw) *
                    (size_t)s->c +
                (size_t)k;

            if (ih < 0 || iw < 0 || ih >= s->h || iw >= s->w) continue;
            if (!first && !(a->x[at] > a->x[best]) && !isnan(a->x[at])) continue;
            first = false;
            best = at;
            a->argmax[out] = (uint8_t)(i * s->kw + j);
        }
    a->y[out] = a->x[best];
    sums[best] += a->dy[out];
}

static void plain_pool(const pt_max_pool *s, int n_images, const arrays *a, float *sums)
{
    size_t out = 0;

    for (size_t i = 0; i < a->n_in; i++) sums[i] = 0;
    for (int i = 0; i < n_images; i++)
        for (int oh = 0; oh < s->out_h; oh++)
            for (int ow = 0; ow < s->out_w; ow++)
                for (int k = 0; k < s->c; k++)
                    plain_window(s, a, out++, (size_t)i, oh, ow, k, sums);
}

/* dx from those sums, as pt_max_pool_backward has it. */
static void check_backward(pt_threads *p, const pt_max_pool *s, const arrays *a,
                           const float *sums, bool accumulate, bool masked)
{
    float *want = malloc(a->n_in * sizeof *want);

    assert_non_null(want);
    for (size_t i = 0; i < a->n_in; i++) {
        a->dx[i] = (float)i;
        want[i] = accumulate ? a->dx[i] + sums[i] : sums[i];
        if (masked && a->x[i] <= 0) want[i] = 0;
    }
    pt_max_pool_backward(p, s, 2, pt_floats(a->dy), a->argmax, accumulate,
                         pt_floats(masked ? a->x : NULL), pt_floats(a->dx));
    assert_memory_equal(a->dx, want, a->n_in * sizeof *want);
    free(want);
}

/* Windows that have a loop of their own and windows that do not, whole and cut, with
 * channels that fill vectors and channels that do not. */
static const pt_max_pool shapes[] = {
    {9, 11, 70, 5, 6, 3, 3, 2, 1, 1}, {9, 10, 128, 4, 5, 3, 3, 2, 0, 0},
    {8, 7, 96, 4, 4, 2, 2, 2, 0, 0},  {6, 5, 33, 6, 5, 3, 3, 1, 1, 1},
    {7, 9, 64, 3, 4, 3, 2, 2, 0, 0},  {12, 12, 20, 6, 6, 5, 5, 2, 2, 2},
    {11, 11, 3, 4, 4, 2, 2, 3, 0, 0}, {6, 6, 65, 5, 5, 2, 2, 1, 0, 0},
    {5, 7, 64, 2, 3, 3, 3, 3, 1, 1},
};

static void test_bits_are_those_of_plain_loops(void **state)
{
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(2, &p), PT_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const pt_max_pool *s = &shapes[i];
        arrays a = make_arrays(s, 2), b = make_arrays(s, 2);

        fill(60 + 2 * i, i % 2 ? 30 : 0, &a);
        plain_pool(s, 2, &a, b.x);
        pt_max_pool_forward(p, s, 2, pt_floats(a.x), pt_floats(b.y), b.argmax);
        assert_memory_equal(b.y, a.y, a.n_out * sizeof *a.y);
        assert_memory_equal(b.argmax, a.argmax, a.n_out);
        for (int k = 0; k < 4; k++) check_backward(p, s, &a, b.x, k & 1, k & 2);
        free_arrays(&a);
        free_arrays(&b);
    }
    pt_threads_destroy(&p);
}

static void test_global_average_is_that_of_pytorch(void **state)
{
    enum { N = 2, PIXELS = 35, C = 70 };
    static float x[N * PIXELS * C], y[N * C], dx[N * PIXELS * C];
    float *want = golden_load(GOLDEN, "avg_y", N * C);
    pt_threads *p = NULL;

    pattern_fill(12, N * PIXELS * C, x);
    assert_int_equal(pt_threads_create(2, &p), PT_OK);
    pt_global_avg_forward(p, N, PIXELS, C, pt_floats(x), pt_floats(y));
    assert_true(relative_distance(y, want, N * C) < 1e-6); /* theirs adds in float */
    pt_global_avg_backward(p, N, PIXELS, C, pt_floats(y), false, pt_floats(dx));
    for (int i = 0; i < N * PIXELS * C; i++)
        assert_true(dx[i] == y[i / (PIXELS * C) * C + i % C] / PIXELS);
    pt_global_avg_backward(p, N, PIXELS, C, pt_floats(y), true, pt_floats(dx));
    assert_true(dx[C] == y[0] / PIXELS + y[0] / PIXELS);
    pt_threads_destroy(&p);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_pool_is_that_of_pytorch),
        cmocka_unit_test(test_padding_never_wins_and_the_first_of_equals_does),
        cmocka_unit_test(test_a_nan_in_the_window_is_not_lost),
        cmocka_unit_test(test_bits_are_those_of_plain_loops),
        cmocka_unit_test(test_global_average_is_that_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
