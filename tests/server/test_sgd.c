#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "common/base/rng.h"
#include "server/sgd.h"

enum { MAX_N = 16, MAX_STEPS = 16 };

typedef struct {
    pt_sgd o;
    int n, steps;
    float rate[MAX_STEPS];
    float w[MAX_N], g[MAX_STEPS][MAX_N], w_end[MAX_N], v_end[MAX_N];
} golden;

static void read_row(FILE *f, int n, float *row)
{
    for (int i = 0; i < n; i++) assert_int_equal(fscanf(f, "%f", &row[i]), 1);
}

static void load(const char *path, golden *c)
{
    FILE *f = fopen(path, "r");
    char line[256];
    int nesterov;

    *c = (golden){0};
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(fscanf(f, "%f %f %d %d %d", &c->o.momentum, &c->o.weight_decay,
                            &nesterov, &c->n, &c->steps),
                     5);
    assert_in_range(c->n, 1, MAX_N);
    assert_in_range(c->steps, 1, MAX_STEPS);
    c->o.nesterov = nesterov;
    read_row(f, c->steps, c->rate);
    read_row(f, c->n, c->w);
    for (int k = 0; k < c->steps; k++) read_row(f, c->n, c->g[k]);
    read_row(f, c->n, c->w_end);
    read_row(f, c->n, c->v_end);
    fclose(f);
}

/* Largest difference, relative to the largest value. */
static double distance(const float *a, const float *b, int n)
{
    double d = 0, size = 0;

    for (int i = 0; i < n; i++) {
        double off = fabs((double)a[i] - b[i]);

        if (off > d || off != off) d = off; /* a NaN stays */
        if (fabs(b[i]) > size) size = fabs(b[i]);
    }
    return d / size;
}

/* PyTorch fuses a product and a sum where the CPU can, we round twice: half a unit in the
 * last place (6e-8 of the value) per operation. Ten steps, whose roundings mostly agree
 * and otherwise have random signs, give up to 3 halves here. */
static void follow(const char *path)
{
    golden c;
    float v[MAX_N] = {0};

    load(path, &c);
    for (int k = 0; k < c.steps; k++) {
        c.o.lr = c.rate[k];
        pt_sgd_step(c.w, v, c.g[k], (size_t)c.n, &c.o);
    }
    assert_true(distance(c.w, c.w_end, c.n) < 2e-7);
    assert_true(distance(v, c.v_end, c.n) < 2e-7);
}

static void test_descent_without_momentum_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/sgd/plain.txt");
}

static void test_momentum_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/sgd/momentum.txt");
}

static void test_weight_decay_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/sgd/decay.txt");
}

static void test_nesterov_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/sgd/nesterov.txt");
}

static void test_a_change_of_the_rate_acts_at_once_as_in_torch(void **state)
{
    follow(PT_TEST_DATA "/sgd/rate_change.txt");
}

static void test_one_step_by_hand(void **state)
{
    const pt_sgd o = {.lr = 0.5f, .momentum = 0.5f, .weight_decay = 0.25f},
                 nesterov = {.lr = 0.5f,
                             .momentum = 0.5f,
                             .weight_decay = 0.25f,
                             .nesterov = true};
    float w = 4, v = 2, g = 1;

    pt_sgd_step(&w, &v, &g, 1, &o); /* g' = 2, v = 3 */
    assert_true(v == 3 && w == 2.5f);
    w = 4;
    v = 2;
    pt_sgd_step(&w, &v, &g, 1, &nesterov); /* d = 2 + 1.5 */
    assert_true(v == 3 && w == 2.25f);
}

static void test_one_step_drawn_to_an_anchor_by_hand(void **state)
{
    const float anchor = 2;
    pt_sgd o = {.lr = 0.5f, .momentum = 0.5f, .weight_decay = 0.5f, .anchor = &anchor};
    float w = 4, v = 2, g = 1;

    pt_sgd_step(&w, &v, &g, 1, &o); /* g' = 1 + 0.5 (4 - 2) = 2, v = 3 */
    assert_true(v == 3 && w == 2.5f);
    o.nesterov = true;
    w = 4;
    v = 2;
    pt_sgd_step(&w, &v, &g, 1, &o);
    assert_true(v == 3 && w == 2.25f);
}

/* One rounding for each operation, against volatile scalars that cannot fuse. */
static void test_bits_do_not_depend_on_the_cut_or_the_vector_width(void **state)
{
    enum { N = 1003 };
    static float x[3 * N], w[N], v[N], w2[N], v2[N];
    pt_rng r = pt_rng_stream(2, PT_RNG_TEST, 0, 0);

    pt_rng_fill_normal(&r, x, 3 * N);
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        pt_sgd o = {0.013f, 0.9f, 5e-4f, nesterov, NULL};
        memcpy(w, x, sizeof w);
        memcpy(v, x + N, sizeof v);
        memcpy(w2, x, sizeof w);
        memcpy(v2, x + N, sizeof v);
        pt_sgd_step(w, v, x + 2 * N, N, &o);
        for (size_t at = 0, n = 1; at < N; at += n, n = n * 2 + 1) {
            if (n > N - at) n = N - at;
            pt_sgd_step(w2 + at, v2 + at, x + 2 * N + at, n, &o);
        }
        assert_memory_equal(w, w2, sizeof w);
        assert_memory_equal(v, v2, sizeof v);
        for (int i = 0; i < N; i++) {
            volatile float wd = 5e-4f * x[i], g = x[2 * N + i] + wd, mv = 0.9f * x[N + i],
                           s = mv + g, again = 0.9f * s, d = nesterov ? g + again : s,
                           step = 0.013f * d, want = x[i] - step;
            assert_true(v[i] == s && w[i] == want);
        }
    }
}

static void test_a_weight_that_is_not_finite_is_told_wherever_it_is(void **state)
{
    enum { N = 37 };
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX};
    float w[N], v[N], g[N];

    for (int nesterov = 0; nesterov < 2; nesterov++) {
        pt_sgd o = {4, 0.5f, 0, nesterov, NULL}; /* 4 * FLT_MAX overflows */
        for (size_t i = 0; i < sizeof bad / sizeof *bad * N; i++) {
            for (int k = 0; k < N; k++) w[k] = v[k] = g[k] = 1;
            assert_true(pt_sgd_step(w, v, g, N, &o));
            g[i % N] = bad[i / N];
            assert_false(pt_sgd_step(w, v, g, N, &o));
        }
        for (int k = 0; k < N; k++) w[k] = k % 2 ? FLT_MAX : -FLT_MAX, v[k] = g[k] = 0;
        assert_true(pt_sgd_step(w, v, g, N, &o));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descent_without_momentum_is_that_of_torch),
        cmocka_unit_test(test_momentum_is_that_of_torch),
        cmocka_unit_test(test_weight_decay_is_that_of_torch),
        cmocka_unit_test(test_nesterov_is_that_of_torch),
        cmocka_unit_test(test_a_change_of_the_rate_acts_at_once_as_in_torch),
        cmocka_unit_test(test_one_step_by_hand),
        cmocka_unit_test(test_one_step_drawn_to_an_anchor_by_hand),
        cmocka_unit_test(test_bits_do_not_depend_on_the_cut_or_the_vector_width),
        cmocka_unit_test(test_a_weight_that_is_not_finite_is_told_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
