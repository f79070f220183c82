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
#include "server/adamw.h"

enum { MAX_N = 16, MAX_STEPS = 16 };

typedef struct {
    pt_adamw o;
    int n, steps;
    float rate[MAX_STEPS];
    float w[MAX_N], g[MAX_STEPS][MAX_N], w_end[MAX_N], m_end[MAX_N], v_end[MAX_N];
} golden;

static void read_row(FILE *f, int n, float *row)
{
    for (int i = 0; i < n; i++) assert_int_equal(fscanf(f, "%f", &row[i]), 1);
}

static void load(const char *path, golden *c)
{
    FILE *f = fopen(path, "r");
    char line[256];

    *c = (golden){0};
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(fscanf(f, "%lf %lf %lf %f %d %d", &c->o.beta1, &c->o.beta2,
                            &c->o.eps, &c->o.weight_decay, &c->n, &c->steps),
                     6);
    assert_in_range(c->n, 1, MAX_N);
    assert_in_range(c->steps, 1, MAX_STEPS);
    read_row(f, c->steps, c->rate);
    read_row(f, c->n, c->w);
    for (int k = 0; k < c->steps; k++) read_row(f, c->n, c->g[k]);
    read_row(f, c->n, c->w_end);
    read_row(f, c->n, c->m_end);
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
 * last place (6e-8 of the value) per operation, over ten steps. */
static void follow(const char *path)
{
    golden c;
    float m[MAX_N] = {0}, v[MAX_N] = {0};

    load(path, &c);
    for (int k = 0; k < c.steps; k++) {
        c.o.lr = c.rate[k];
        c.o.t = (uint64_t)k + 1;
        assert_true(pt_adamw_step(c.w, m, v, c.g[k], (size_t)c.n, &c.o));
    }
    assert_true(distance(c.w, c.w_end, c.n) < 3e-7);
    assert_true(distance(m, c.m_end, c.n) < 3e-7);
    assert_true(distance(v, c.v_end, c.n) < 3e-7);
}

static void test_its_defaults_are_those_of_torch(void **state)
{
    follow(PT_TEST_DATA "/adamw/defaults.txt");
}

static void test_without_decay_it_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/adamw/no_decay.txt");
}

static void test_eps_is_added_behind_the_root_as_in_torch(void **state)
{
    follow(PT_TEST_DATA "/adamw/large_eps.txt");
}

static void test_without_memory_it_is_that_of_torch(void **state)
{
    follow(PT_TEST_DATA "/adamw/no_memory.txt");
}

static void test_a_change_of_the_rate_acts_on_the_decay_as_in_torch(void **state)
{
    follow(PT_TEST_DATA "/adamw/rate_change.txt");
}

static void test_the_second_step_by_hand(void **state)
{
    const float anchor = 2;
    pt_adamw o = {
        .lr = 0.5f, .beta1 = 0.5, .beta2 = 0.75, .eps = 1, .weight_decay = 0.5f, .t = 2};
    float w = 4, m = 2, v = 5, g = 4;

    /* m = 3, v = 7.75; m / (1 - 1/4) = 4 */
    assert_true(pt_adamw_step(&w, &m, &v, &g, 1, &o));
    assert_true(m == 3 && v == 7.75f);
    assert_true(fabs(w - (3 - 0.5 * 4 / (sqrt(7.75 / 0.4375) + 1))) < 1e-6);
    o.anchor = &anchor;
    w = 4, m = 2, v = 5;
    assert_true(pt_adamw_step(&w, &m, &v, &g, 1, &o)); /* drawn to 4 - 0.25 * 2 */
    assert_true(fabs(w - (3.5 - 0.5 * 4 / (sqrt(7.75 / 0.4375) + 1))) < 1e-6);
}

/* One rounding for each operation, on volatile scalars that cannot fuse. */
static void plain_step(float *w, float *m, float *v, float g, float anchor,
                       const pt_adamw *o)
{
    volatile float rest1 = (float)(1 - o->beta1), rest2 = (float)(1 - o->beta2);
    volatile float m1 = (float)o->beta1 * *m, m2 = rest1 * g, first = m1 + m2;
    volatile float v1 = (float)o->beta2 * *v, v2 = rest2 * g, v3 = v2 * g,
                   second = v1 + v3;
    volatile double decay = (double)o->lr * o->weight_decay, b1 = 1, b2 = 1;
    volatile float keep = (float)(1 - decay), drawn = keep * *w;
    volatile float root, sd, mean, rate, move;

    if (o->anchor) {
        volatile float away = *w - anchor, back = (float)decay * away;

        drawn = *w - back;
    }
    for (uint64_t i = 0; i < o->t; i++) b1 *= o->beta1, b2 *= o->beta2; /* exact here */
    root = (float)sqrt(1 - b2);
    rate = (float)(o->lr / (1 - b1));
    sd = sqrtf(second);
    sd = sd / root;
    sd = sd + (float)o->eps;
    mean = first / sd;
    move = rate * mean;
    *w = drawn - move;
    *m = first;
    *v = second;
}

static void test_bits_do_not_depend_on_the_cut_or_the_vector_width(void **state)
{
    enum { N = 1003 };
    static float x[5 * N], w[N], m[N], v[N], w2[N], m2[N], v2[N];
    pt_rng r = pt_rng_stream(3, PT_RNG_TEST, 0, 0);

    pt_rng_fill_normal(&r, x, 5 * N);
    for (int i = 0; i < N; i++) x[2 * N + i] *= x[2 * N + i]; /* second moments */
    for (int anchored = 0; anchored < 2; anchored++) {
        pt_adamw o = {0.013f, 0.875, 0.96875, 1e-8, 0.02f, NULL, 3};

        memcpy(w, x, sizeof w), memcpy(w2, x, sizeof w);
        memcpy(m, x + N, sizeof m), memcpy(m2, x + N, sizeof m);
        memcpy(v, x + 2 * N, sizeof v), memcpy(v2, x + 2 * N, sizeof v);
        o.anchor = anchored ? x + 4 * N : NULL;
        pt_adamw_step(w, m, v, x + 3 * N, N, &o);
        for (size_t at = 0, n = 1; at < N; at += n, n = n * 2 + 1) {
            if (n > N - at) n = N - at;
            o.anchor = anchored ? x + 4 * N + at : NULL;
            pt_adamw_step(w2 + at, m2 + at, v2 + at, x + 3 * N + at, n, &o);
        }
        assert_memory_equal(w, w2, sizeof w);
        assert_memory_equal(m, m2, sizeof m);
        assert_memory_equal(v, v2, sizeof v);
        for (int i = 0; i < N; i++) {
            float a = x[i], b = x[N + i], c = x[2 * N + i];

            plain_step(&a, &b, &c, x[3 * N + i], x[4 * N + i], &o);
            assert_true(w[i] == a && m[i] == b && v[i] == c);
        }
    }
}

static void test_what_is_not_finite_is_told_wherever_it_is(void **state)
{
    enum { N = 37 };
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX}; /* its square */
    const pt_adamw o = {1, 0.5, 0.5, 1e-8, 0, NULL, 1};
    float w[N], m[N], v[N], g[N];

    for (size_t i = 0; i < sizeof bad / sizeof *bad * N; i++) {
        for (int k = 0; k < N; k++) w[k] = m[k] = v[k] = g[k] = 1;
        assert_true(pt_adamw_step(w, m, v, g, N, &o));
        g[i % N] = bad[i / N];
        assert_false(pt_adamw_step(w, m, v, g, N, &o));
    }
    for (int k = 0; k < N; k++) w[k] = k % 2 ? FLT_MAX : -FLT_MAX, m[k] = v[k] = g[k] = 0;
    assert_true(pt_adamw_step(w, m, v, g, N, &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_defaults_are_those_of_torch),
        cmocka_unit_test(test_without_decay_it_is_that_of_torch),
        cmocka_unit_test(test_eps_is_added_behind_the_root_as_in_torch),
        cmocka_unit_test(test_without_memory_it_is_that_of_torch),
        cmocka_unit_test(test_a_change_of_the_rate_acts_on_the_decay_as_in_torch),
        cmocka_unit_test(test_the_second_step_by_hand),
        cmocka_unit_test(test_bits_do_not_depend_on_the_cut_or_the_vector_width),
        cmocka_unit_test(test_what_is_not_finite_is_told_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
