/* Batch norm's arithmetic against PyTorch (tests/data/layers/simple.txt, made by
 * tests/oracle/layers_simple.py) and against plain double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/moments.h"
#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/layers/batch_norm.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

enum { N = 5, PIXELS = 12, C = 7, COUNT = N * PIXELS * C };

static const float eps = 1e-3f;

typedef struct {
    float x[COUNT], dy[COUNT], gamma[C], beta[C], mean[C], var[C];
} sample;

static void make_sample(sample *s)
{
    pattern_fill(1, COUNT, s->x);
    for (int i = 0; i < COUNT; i++) s->x[i] = 3 * s->x[i] + 2;
    pattern_fill(2, C, s->gamma);
    pattern_fill(3, C, s->beta);
    pattern_fill(4, COUNT, s->dy);
    pattern_fill(5, C, s->mean);
    pattern_fill(6, C, s->var);
    for (int i = 0; i < C; i++) {
        s->gamma[i] += 1.5f;
        s->var[i] += 1.25f;
    }
}

/* One set of statistics over two groups of images, 2 and 3. */
static const int two_groups[3] = {0, 2, 5};
static const pt_bn_shape whole = {C, PIXELS, N, 2, two_groups, NULL};

static pt_threads *make_pool(int n_threads)
{
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(n_threads, &p), PT_OK);
    return p;
}

typedef struct {
    double moments[1 + 2 * C];
    float coef[4 * C], y[COUNT], dx[COUNT], dgamma[C], dbeta[C];
} result;

static void run(int n_threads, const sample *s, pt_act act, result *r)
{
    pt_threads *p = make_pool(n_threads);
    double m[2][1 + 2 * C], sums[2][2 * C];
    float means[2 * C];

    memset(r, 0, sizeof *r);
    pt_bn_moments(p, &whole, pt_floats(s->x), m[0]);
    pt_moments_merge(m[0], m[1], C);
    memcpy(r->moments, m[0], sizeof r->moments);
    pt_bn_coef_of_moments(m[0], C, eps, s->gamma, s->beta, r->coef);
    pt_bn_normalise(p, &whole, r->coef, act, pt_floats(s->x), pt_floats(NULL),
                    pt_floats(r->y));
    pt_bn_backward_sums(p, &whole, r->coef, act, pt_floats(s->x), pt_floats(s->dy),
                        sums[0]);
    for (int j = 0; j < 2 * C; j++) {
        double sum = sums[0][j] + sums[1][j];

        means[j] = (float)(sum / (N * PIXELS));
        (j < C ? r->dbeta : r->dgamma)[j % C] = (float)sum;
    }
    pt_bn_backward_data(p, &whole, r->coef, means, act, pt_floats(s->x), pt_floats(s->dy),
                        false, pt_floats(r->dx));
    pt_threads_destroy(&p);
}

/* Both sides round float32 products a few times per element: a few times 2^-24. */
static void assert_golden(const char *name, const float *got, size_t n)
{
    float *want = golden_load(GOLDEN, name, n);
    double d = relative_distance(got, want, n);

    if (!(d < 1e-6)) fail_msg("%s: relative distance %g", name, d);
    free(want);
}

static void test_training_pass_is_that_of_pytorch(void **state)
{
    sample s;
    result r;
    float mean[C], var[C];

    make_sample(&s);
    run(1, &s, PT_ACT_NONE, &r);
    assert_golden("bn_plain_y", r.y, COUNT);
    assert_golden("bn_plain_dx", r.dx, COUNT);
    assert_golden("bn_plain_dgamma", r.dgamma, C);
    assert_golden("bn_plain_dbeta", r.dbeta, C);
    memcpy(mean, s.mean, sizeof mean);
    memcpy(var, s.var, sizeof var);
    pt_moments_update_running(r.moments, C, 0.1f, mean, var);
    assert_golden("bn_mean", mean, C);
    assert_golden("bn_var", var, C);
}

static void test_fused_relu_is_that_of_pytorch(void **state)
{
    sample s;
    result r;

    make_sample(&s);
    run(1, &s, PT_ACT_RELU, &r);
    assert_golden("bn_relu_y", r.y, COUNT);
    assert_golden("bn_relu_dx", r.dx, COUNT);
    assert_golden("bn_relu_dgamma", r.dgamma, C);
    assert_golden("bn_relu_dbeta", r.dbeta, C);
}

static void test_running_statistics_pass_is_that_of_pytorch(void **state)
{
    sample s;
    float coef[4 * C], y[COUNT], dx[COUNT], d[2][C];
    double sums[2][2 * C];
    pt_threads *p = make_pool(1);

    make_sample(&s);
    pt_bn_coef_of_running(s.mean, s.var, C, eps, s.gamma, s.beta, coef);
    pt_bn_normalise(p, &whole, coef, PT_ACT_NONE, pt_floats(s.x), pt_floats(NULL),
                    pt_floats(y));
    pt_bn_backward_sums(p, &whole, coef, PT_ACT_NONE, pt_floats(s.x), pt_floats(s.dy),
                        sums[0]);
    pt_bn_backward_data(p, &whole, coef, NULL, PT_ACT_NONE, pt_floats(s.x),
                        pt_floats(s.dy), false, pt_floats(dx));
    for (int j = 0; j < 2 * C; j++) d[j / C][j % C] = (float)(sums[0][j] + sums[1][j]);
    assert_golden("bn_eval_y", y, COUNT);
    assert_golden("bn_eval_dx", dx, COUNT);
    assert_golden("bn_eval_dgamma", d[1], C);
    assert_golden("bn_eval_dbeta", d[0], C);
    pt_threads_destroy(&p);
}

/* sum(dy * bn(x)) in plain double, two passes. */
static double plain_loss(const sample *s, const double *x)
{
    double loss = 0;

    for (int c = 0; c < C; c++) {
        double mean = 0, var = 0;

        for (int r = 0; r < N * PIXELS; r++) mean += x[r * C + c] / (N * PIXELS);
        for (int r = 0; r < N * PIXELS; r++)
            var += (x[r * C + c] - mean) * (x[r * C + c] - mean) / (N * PIXELS);
        for (int r = 0; r < N * PIXELS; r++)
            loss +=
                (double)s->dy[r * C + c] *
                ((double)s->gamma[c] * (x[r * C + c] - mean) / sqrt(var + (double)eps) +
                 (double)s->beta[c]);
    }
    return loss;
}

static void test_gradient_is_the_slope_of_the_loss(void **state)
{
    sample s;
    result r;
    double x[COUNT], h = 1e-4;

    make_sample(&s);
    run(1, &s, PT_ACT_NONE, &r);
    for (int i = 0; i < COUNT; i++) x[i] = (double)s.x[i];
    for (int i = 0; i < COUNT; i += 13) {
        double keep = x[i], slope;

        x[i] = keep + h;
        slope = plain_loss(&s, x);
        x[i] = keep - h;
        slope = (slope - plain_loss(&s, x)) / (2 * h);
        x[i] = keep;
        /* h^2 times a third derivative of order 1, and float32's rounding */
        assert_true(fabs(slope - (double)r.dx[i]) < 1e-6);
    }
}

/* One reading against two: sums in double lose a few of their last bits. */
static void assert_moments(const double *got, const double *want, size_t c)
{
    assert_true(got[0] == want[0]);
    for (size_t j = 0; j < c; j++) {
        double m2 = want[1 + c + j], deviation = sqrt(m2 / want[0]);

        assert_true(fabs(got[1 + j] - want[1 + j]) <= 1e-14 * (1 + deviation));
        assert_true(fabs(got[1 + c + j] - m2) <= 1e-12 * m2);
    }
}

static void test_moments_are_those_of_two_passes(void **state)
{
    enum { ROWS = 3 * 7, WIDE = 300 };
    static float x[4 * ROWS * WIDE];
    static double got[2 * (1 + 2 * WIDE)], want[1 + 2 * WIDE];
    const int begin[3] = {0, 1, 4};
    const pt_bn_shape s = {WIDE, ROWS, 4, 2, begin, NULL};
    pt_threads *p = make_pool(3);

    pattern_fill(7, sizeof x / sizeof *x, x);
    pt_bn_moments(p, &s, pt_floats(x), got);
    pt_moments_of(x, ROWS, WIDE, want);
    assert_moments(got, want, WIDE);
    pt_moments_of(x + ROWS * WIDE, 3 * ROWS, WIDE, want);
    assert_moments(got + 1 + 2 * WIDE, want, WIDE);

    /* far from zero, and a channel that never changes */
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = i % WIDE == 5 ? 3.3f : 1000 + x[i];
    pt_bn_moments(p, &s, pt_floats(x), got);
    pt_moments_of(x, ROWS, WIDE, want);
    assert_true(got[1 + WIDE + 5] == 0);
    want[1 + WIDE + 5] = 0;
    for (size_t j = 0; j < WIDE; j++)
        assert_true(fabs(got[1 + WIDE + j] - want[1 + WIDE + j]) <=
                    1e-10 * want[1 + WIDE + j]);
    pt_threads_destroy(&p);
}

/* ---- sums, as plain loops ---------------------------------------------------------- */

enum {
    IMAGES = 3,
    PER_IMAGE = 7,
    MANY = 2048 + 64 + 5,
    SUMMED = IMAGES * PER_IMAGE * MANY
};

/* Channel j of a group's rows: the chains that the header states. */
static void plain_moments(const float *x, size_t rows, size_t c, size_t j, double *out)
{
    double shift = (double)x[j], sum = 0, squares = 0, n = (double)rows;

    for (size_t r = 0; r < rows; r++) {
        double d = (double)x[r * c + j] - shift;

        sum += d;
        squares += d * d;
    }
    out[1 + j] = shift + sum / n;
    out[1 + c + j] = squares - sum * (sum / n);
    if (out[1 + c + j] < 0) out[1 + c + j] = 0;
}

static void plain_sums(const float *x, const float *dy, const float *coef, pt_act act,
                       size_t rows, size_t c, size_t j, double *out)
{
    out[j] = out[c + j] = 0;
    for (size_t r = 0; r < rows; r++) {
        float d = x[r * c + j] - coef[j];
        float z = d * coef[2 * c + j] + coef[3 * c + j];
        double dz = (double)pt_activate_back(act, z, dy[r * c + j]);

        out[j] += dz;
        out[c + j] += dz * (double)(d * coef[c + j]);
    }
}

/* Two groups of c channels: rows that no vector and no block divides. */
static void check_sums(int n_threads, int c, pt_act act)
{
    static float x[SUMMED], dy[SUMMED], coef[4 * MANY];
    static double got[2 * (1 + 2 * MANY)], want[1 + 2 * MANY];
    const int begin[3] = {0, 1, IMAGES};
    const pt_bn_shape s = {c, PER_IMAGE, IMAGES, 2, begin, NULL};
    pt_threads *p = make_pool(n_threads);
    size_t n = (size_t)c;

    pattern_fill(70, SUMMED, x);
    pattern_fill(71, SUMMED, dy);
    pattern_fill(72, 4 * MANY, coef);
    pt_bn_moments(p, &s, pt_floats(x), got);
    for (size_t g = 0; g < 2; g++) {
        want[0] = (double)(PER_IMAGE * (begin[g + 1] - begin[g]));
        for (size_t j = 0; j < n; j++)
            plain_moments(x + g * PER_IMAGE * n, (size_t)want[0], n, j, want);
        assert_memory_equal(got + g * (1 + 2 * n), want, (1 + 2 * n) * sizeof *want);
    }
    pt_bn_backward_sums(p, &s, coef, act, pt_floats(x), pt_floats(dy), got);
    for (size_t g = 0; g < 2; g++) {
        size_t at = g * PER_IMAGE * n,
               rows = PER_IMAGE * (size_t)(begin[g + 1] - begin[g]);

        for (size_t j = 0; j < n; j++)
            plain_sums(x + at, dy + at, coef, act, rows, n, j, want);
        assert_memory_equal(got + g * 2 * n, want, 2 * n * sizeof *want);
    }
    pt_threads_destroy(&p);
}

static void test_sums_are_chains_in_the_order_of_pixels(void **state)
{
    const pt_act acts[] = {PT_ACT_NONE, PT_ACT_RELU, PT_ACT_RELU6};
    const int channels[] = {MANY, 256, 70, 3};

    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        for (int k = 0; k < 3; k++) check_sums(1 + k, channels[i], acts[k]);
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    sample s;
    static result one, many;

    make_sample(&s);
    run(1, &s, PT_ACT_RELU6, &one);
    for (int n = 2; n <= 4; n++) {
        run(n, &s, PT_ACT_RELU6, &many);
        assert_memory_equal(&one, &many, sizeof one);
    }
}

static void test_sets_are_chosen_by_image_and_gradients_can_be_added(void **state)
{
    enum { W = 2 };
    const float x[IMAGES] = {5, 5, 5}, dy[IMAGES] = {1, 2, 4};
    const float coef[2][4] = {{1, 1, 2, 10}, {3, 1, 4, 20}}; /* mean rstd scale beta */
    const int begin[3] = {0, 1, 3}, set[IMAGES] = {0, 1, 1};
    const pt_bn_shape s = {1, 1, IMAGES, W, begin, set};
    const float means[2][2] = {{0.5f, 0.25f}, {0, 0}};
    float y[IMAGES], dx[IMAGES] = {100, 100, 100};
    pt_threads *p = make_pool(1);

    pt_bn_normalise(p, &s, coef[0], PT_ACT_NONE, pt_floats(x), pt_floats(NULL),
                    pt_floats(y));
    assert_true(y[0] == 18 && y[1] == 28 && y[2] == 28);
    pt_bn_backward_data(p, &s, coef[0], means[0], PT_ACT_NONE, pt_floats(x),
                        pt_floats(dy), true, pt_floats(dx));
    assert_true(dx[0] == 100 + 2 * (1 - 0.5f - 4 * 0.25f));
    assert_true(dx[1] == 108 && dx[2] == 116);
    pt_threads_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_pass_is_that_of_pytorch),
        cmocka_unit_test(test_fused_relu_is_that_of_pytorch),
        cmocka_unit_test(test_running_statistics_pass_is_that_of_pytorch),
        cmocka_unit_test(test_gradient_is_the_slope_of_the_loss),
        cmocka_unit_test(test_moments_are_those_of_two_passes),
        cmocka_unit_test(test_sums_are_chains_in_the_order_of_pixels),
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_sets_are_chosen_by_image_and_gradients_can_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
