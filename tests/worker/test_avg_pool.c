/* Averages over windows against PyTorch's avg_pool2d (tests/data/layers/simple.txt, made
 * by tests/oracle/layers_simple.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/graph/builder.h"
#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/layers/avg_pool.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

enum { MAX = 9000 }; /* floats of an array */

/* The table of layers_simple.py. */
static const struct {
    const char *name;
    int n, h, w, c;
    pt_window window;
} pools[] = {
    {"halves", 1, 8, 6, 3, {.kh = 2, .kw = 2, .stride = 2}},
    {"padded", 2, 7, 9, 5, {3, 3, 1, 1, 1, 1, 1, .count_pad = true}},
    {"inside", 2, 7, 9, 66, {3, 3, 1, 1, 1, 1, 1, .count_pad = false}},
    {"up", 1, 7, 6, 4, {3, 3, 2, 1, 1, 1, 1, .ceil = true, .count_pad = true}},
    {"up_inside", 1, 8, 7, 4, {3, 3, 2, 1, 1, 1, 1, .ceil = true}},
    {"wide", 1, 9, 11, 2, {3, 5, 3, 1, 2, 1, 2, .ceil = true, .count_pad = true}},
    {"beyond", 1, 5, 5, 3, {.kh = 2, .kw = 2, .stride = 3, .ceil = true}}};
enum { N_POOLS = sizeof pools / sizeof *pools };

static pt_avg_pool shape(int i)
{
    const pt_window *w = &pools[i].window;
    pt_avg_pool s = {.h = pools[i].h,
                     .w = pools[i].w,
                     .c = pools[i].c,
                     .kh = w->kh,
                     .kw = w->kw,
                     .stride = w->stride,
                     .pad_top = w->pad_top,
                     .pad_left = w->pad_left,
                     .pad_bottom = w->pad_bottom,
                     .pad_right = w->pad_right,
                     .count_pad = w->count_pad};

    s.out_h = pt_window_count(s.h, s.kh, s.stride, s.pad_top, s.pad_bottom, w->ceil);
    s.out_w = pt_window_count(s.w, s.kw, s.stride, s.pad_left, s.pad_right, w->ceil);
    return s;
}

static size_t in_floats(int i)
{
    return (size_t)(pools[i].n * pools[i].h * pools[i].w * pools[i].c);
}

static size_t out_floats(int i)
{
    pt_avg_pool s = shape(i);

    return (size_t)(pools[i].n * s.out_h * s.out_w * s.c);
}

/* Theirs adds in float. */
static void assert_golden(int i, const char *what, const float *ours, size_t n)
{
    char name[64];
    float *want;

    snprintf(name, sizeof name, "average_%s_%s", pools[i].name, what);
    want = golden_load(GOLDEN, name, n);
    if (!(relative_distance(ours, want, n) < 1e-6)) fail_msg("%s differs", name);
    free(want);
}

static void run(int i, int threads, float *y, float *dx)
{
    static float x[MAX], dy[MAX];
    pt_avg_pool s = shape(i);
    pt_threads *p = NULL;

    assert_true(in_floats(i) <= MAX && out_floats(i) <= MAX);
    pattern_fill(100 + (uint64_t)i, in_floats(i), x);
    assert_int_equal(pt_threads_create(threads, &p), PT_OK);
    pt_avg_pool_forward(p, &s, pools[i].n, pt_floats(x), pt_floats(y));
    pattern_fill(120 + (uint64_t)i, out_floats(i), dy);
    pt_avg_pool_backward(p, &s, pools[i].n, pt_floats(dy), false, pt_floats(dx));
    pt_threads_destroy(&p);
}

static void test_averages_are_those_of_pytorch(void **state)
{
    static float y[MAX], dx[MAX];

    for (int i = 0; i < N_POOLS; i++) {
        run(i, 1, y, dx);
        assert_golden(i, "y", y, out_floats(i));
        assert_golden(i, "dx", dx, in_floats(i));
    }
}

/* One output at a time, as the definition has it. */
static void plain(const pt_avg_pool *s, const float *x, int oh, int ow, int k, float *y)
{
    double sum = 0;
    int n = 0;

    for (int a = 0; a < s->kh; a++)
        for (int b = 0; b < s->kw; b++) {
            int ih = oh * s->stride - s->pad_top + a,
                iw = ow * s->stride - s->pad_left + b;
            bool inside = ih >= 0 && ih < s->h && iw >= 0 && iw < s->w;

            if (inside) sum += (double)x[(ih * s->w + iw) * s->c + k];
            n += inside ||
                 (s->count_pad && ih < s->h + s->pad_bottom && iw < s->w + s->pad_right);
        }
    *y = (float)(sum / n);
}

static void test_averages_are_the_plain_ones_bit_for_bit(void **state)
{
    static float x[MAX], y[MAX], dx[MAX];

    for (int i = 0; i < N_POOLS; i++) {
        pt_avg_pool s = shape(i);
        float want;

        run(i, 1, y, dx);
        pattern_fill(100 + (uint64_t)i, in_floats(i), x);
        for (int oh = 0; oh < s.out_h; oh++)
            for (int ow = 0; ow < s.out_w; ow++)
                for (int k = 0; k < s.c; k++) {
                    plain(&s, x, oh, ow, k, &want);
                    assert_true(y[(oh * s.out_w + ow) * s.c + k] == want);
                }
    }
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    static float y[MAX], dx[MAX], y3[MAX], dx3[MAX];

    for (int i = 0; i < N_POOLS; i++) {
        run(i, 1, y, dx);
        run(i, 3, y3, dx3);
        assert_memory_equal(y, y3, out_floats(i) * sizeof *y);
        assert_memory_equal(dx, dx3, in_floats(i) * sizeof *dx);
    }
}

static void test_a_gradient_can_be_added(void **state)
{
    const pt_avg_pool s = {
        .h = 2, .w = 2, .c = 1, .out_h = 1, .out_w = 1, .kh = 2, .kw = 2, .stride = 2};
    const float dy[1] = {8};
    float dx[4] = {1, 2, 3, 4};
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_avg_pool_backward(p, &s, 1, pt_floats(dy), true, pt_floats(dx));
    assert_true(dx[0] == 3 && dx[1] == 4 && dx[2] == 5 && dx[3] == 6);
    pt_threads_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages_are_those_of_pytorch),
        cmocka_unit_test(test_averages_are_the_plain_ones_bit_for_bit),
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_a_gradient_can_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
