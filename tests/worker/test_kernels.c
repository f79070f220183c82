/* The heavy kernels against plain loops in double. */
#include <setjmp.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/gemm/gemm_path.h"
#include "common/run/outer.h"
#include "tests/support/layers.h"
#include "tests/support/pattern.h"
#include "tests/support/plain.h"
#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/layers/linear.h"

/* Sums of up to some thousand products of N(0, 1) in float: the relative error of the
 * norm is a few 1e-7; 1e-5 leaves a margin for other CPUs and blockings. */
static const double direct = 1e-5, winograd = 1e-4;

/* h, w, c_in, out_h, out_w, c_out, kh, kw, stride, pad_top, pad_left */
static const pt_conv_shape conv_shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {5, 7, 3, 5, 7, 16, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {9, 6, 64, 9, 6, 5, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {40, 40, 16, 40, 40, 64, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {7, 9, 16, 4, 5, 64, 1, 1, 2, 0, 0, PT_WINOGRAD},
    {8, 8, 5, 4, 4, 3, 1, 1, 2, 0, 0, PT_WINOGRAD},
    {4, 4, 3, 6, 6, 5, 1, 1, 1, 1, 1, PT_WINOGRAD}, /* padded 1x1 */
    {5, 7, 3, 5, 7, 16, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {14, 13, 16, 14, 13, 64, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {6, 6, 96, 6, 6, 96, 3, 3, 1, 1, 1, PT_WINOGRAD}, /* filters read in place */
    {3, 3, 64, 1, 1, 5, 3, 3, 1, 0, 0, PT_WINOGRAD},
    {2, 2, 5, 2, 2, 5, 3, 3, 1, 1, 1,
     PT_WINOGRAD}, /* the window is larger than the image */
    {1, 1, 16, 1, 1, 16, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {10, 11, 1, 8, 9, 3, 3, 3, 1, 0, 0, PT_WINOGRAD},
    {9, 8, 5, 5, 4, 16, 3, 3, 2, 1, 1, PT_WINOGRAD},
    {8, 8, 64, 4, 4, 64, 3, 3, 2, 0, 0,
     PT_WINOGRAD}, /* padded at the bottom and right only */
    {8, 7, 3, 4, 3, 5, 3, 3, 2, 0, 1, PT_WINOGRAD}, /* asymmetric */
    {11, 12, 16, 11, 12, 5, 3, 3, 1, 2, 0, PT_WINOGRAD},
    {12, 9, 3, 6, 5, 16, 7, 7, 2, 3, 3, PT_WINOGRAD},
    {13, 13, 1, 13, 13, 3, 7, 7, 1, 3, 3, PT_WINOGRAD},
    {9, 9, 5, 3, 3, 16, 2, 4, 3, 0, 1, PT_WINOGRAD},
    {30, 30, 3, 15, 15, 64, 7, 7, 2, 2, 3, PT_WINOGRAD},
    {5, 5, 3, 9, 9, 4, 3, 3, 1, 3, 3,
     PT_WINOGRAD}, /* more padding than the kernel needs */
    {7, 7, 2, 2, 2, 3, 2, 2, 4, 0, 0, PT_WINOGRAD}, /* stride larger than the kernel */
};

static const pt_conv_shape depthwise_shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {5, 7, 3, 5, 7, 3, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {8, 9, 16, 8, 9, 16, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {1, 1, 64, 1, 1, 64, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {9, 8, 20, 5, 4, 20, 3, 3, 2, 1, 1, PT_WINOGRAD},
    {8, 8, 64, 4, 4, 64, 3, 3, 2, 0, 0, PT_WINOGRAD},
    {8, 7, 5, 4, 3, 5, 3, 3, 2, 0, 1, PT_WINOGRAD},
    {13, 12, 17, 7, 6, 17, 7, 7, 2, 3, 3, PT_WINOGRAD},
    {30, 31, 48, 30, 31, 48, 3, 3, 1, 1, 1, PT_WINOGRAD},
    {7, 7, 2, 2, 2, 2, 2, 2, 4, 0, 0, PT_WINOGRAD},
    {5, 5, 3, 9, 9, 3, 3, 3, 1, 3, 3, PT_WINOGRAD},
    {2, 2, 9, 8, 8, 9, 1, 1, 1, 3, 3, PT_WINOGRAD},     /* more padding than image */
    {6, 19, 12, 6, 19, 12, 5, 5, 1, 2, 2, PT_WINOGRAD}, /* five rows of weights */
};

static const pt_conv_shape linear_shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {1, 1, 5, 1, 1, 3, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {1, 1, 64, 1, 1, 1000, 1, 1, 1, 0, 0, PT_WINOGRAD},
    {1, 1, 777, 1, 1, 301, 1, 1, 1, 0, 0, PT_WINOGRAD},
};

static void check_close(const layer *l, const char *what, const float *got,
                        const double *want, size_t n)
{
    double d = plain_distance(got, want, n);
    double limit =
        l->kind == LAYER_CONV && l->s.kernel == PT_WINOGRAD ? winograd : direct;

    if (d > limit)
        fail_msg("%s, kernel %d, %s: %s is off by %g", layer_text(l), (int)l->s.kernel,
                 pt_gemm_path_in_use()->name, what, d);
}

/* All passes of one layer for b images in V shards, one worker. */
static void check_layer(const layer *l, pt_threads *pool, int n_shards, int b)
{
    pt_span span = {n_shards, 0, n_shards, b, false};
    size_t n = (size_t)b, x_n = n * l->x_floats, y_n = n * l->y_floats;
    float *x = layer_random(1, x_n), *w = layer_random(2, l->w_floats);
    float *bias = layer_random(3, l->c_out), *dy = layer_random(4, y_n);
    float *y = layer_nan(y_n), *dx = layer_nan(x_n);
    float *dw = layer_nan(l->w_floats), *db = layer_nan(l->c_out);
    double *want = malloc((x_n + y_n) * sizeof *want);
    double *want_dw = malloc((l->w_floats + l->c_out) * sizeof *want_dw);
    double *want_db = want_dw + l->w_floats;

    layer_plain_forward(l, b, x, w, bias, want);
    layer_forward(l, pool, &span, x, w, bias, y);
    check_close(l, "y", y, want, y_n);
    layer_plain_forward(l, b, x, w, NULL, want);
    layer_forward(l, pool, &span, x, w, NULL, y);
    check_close(l, "y without bias", y, want, y_n);

    layer_plain_backward(l, b, x, w, dy, want, want_dw, want_db);
    layer_backward_data(l, pool, &span, dy, w, false, dx);
    check_close(l, "dx", dx, want, x_n);
    for (size_t i = 0; i < x_n; i++) dx[i] = x[i], want[i] += (double)x[i];
    layer_backward_data(l, pool, &span, dy, w, true, dx);
    check_close(l, "dx, accumulated", dx, want, x_n);

    layer_backward_weights(l, pool, &span, x, dy, &dw, &db);
    check_close(l, "dw", dw, want_dw, l->w_floats);
    check_close(l, "db", db, want_db, l->c_out);
    layer_backward_weights(l, pool, &span, x, dy, &dw, NULL);
    check_close(l, "dw without db", dw, want_dw, l->w_floats);
    free(x), free(w), free(bias), free(dy), free(y), free(dx), free(dw), free(db);
    free(want), free(want_dw);
}

static void check_layer_by_blas(const layer *l, pt_threads *pool, int n_shards, int b)
{
    pt_gemm_use(&pt_gemm_blas);
    check_layer(l, pool, n_shards, b);
    pt_gemm_use(NULL);
}

static void assert_equal(const layer *l, const char *what, const float *got,
                         const float *want, size_t n)
{
    if (memcmp(got, want, n * sizeof *got) != 0)
        fail_msg("%s, kernel %d: %s is not what it is in two passes", layer_text(l),
                 (int)l->s.kernel, what);
}

/* A ReLU after the forward pass and its mask after the data pass change no other bit.
 */
static void check_fused(const layer *l, pt_threads *pool, int b)
{
    pt_span span = {4, 0, 4, b, false};
    size_t n = (size_t)b, x_n = n * l->x_floats, y_n = n * l->y_floats;
    float *x = layer_random(1, x_n), *w = layer_random(2, l->w_floats);
    float *bias = layer_random(3, l->c_out), *dy = layer_random(4, y_n);
    float *y = layer_nan(y_n), *dx = layer_nan(x_n);
    float *want_y = layer_nan(y_n), *want_dx = layer_random(5, x_n);

    for (size_t i = 0; i < x_n; i++) dx[i] = want_dx[i];
    layer_forward(l, pool, &span, x, w, bias, want_y);
    for (size_t i = 0; i < y_n; i++) want_y[i] = want_y[i] < 0 ? 0 : want_y[i];
    layer_forward_relu(l, pool, &span, x, w, bias, y);
    assert_equal(l, "relu", y, want_y, y_n);
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        layer_backward_data(l, pool, &span, dy, w, accumulate, want_dx);
        for (size_t i = 0; i < x_n; i++) want_dx[i] = x[i] <= 0 ? 0 : want_dx[i];
        layer_backward_masked(l, pool, &span, dy, w, accumulate, x, dx);
        assert_equal(l, "mask", dx, want_dx, x_n);
    }
    free(x), free(w), free(bias), free(dy), free(y), free(dx), free(want_y);
    free(want_dx);
}

static void check_shapes(layer_kind kind, const pt_conv_shape *shapes, size_t n)
{
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    for (size_t i = 0; i < n; i++) {
        layer l = layer_of(kind, &shapes[i]);

        for (int m = PT_WINOGRAD; m <= (kind == LAYER_CONV ? PT_DIRECT : 0); m++) {
            l.s.kernel = (pt_kernel)m;
            check_layer(&l, pool, 4, 5);
            check_layer(&l, pool, 8, 1); /* seven shards are empty */
            if (kind == LAYER_CONV) check_fused(&l, pool, 3);
            check_layer_by_blas(&l, pool, 4, 5);
        }
    }
    pt_threads_destroy(&pool);
}

static void test_convolution_agrees_with_plain_loops(void **state)
{
    check_shapes(LAYER_CONV, conv_shapes, sizeof conv_shapes / sizeof *conv_shapes);
}

static void test_depthwise_agrees_with_plain_loops(void **state)
{
    check_shapes(LAYER_DEPTHWISE, depthwise_shapes,
                 sizeof depthwise_shapes / sizeof *depthwise_shapes);
}

static void test_linear_agrees_with_plain_loops(void **state)
{
    check_shapes(LAYER_LINEAR, linear_shapes,
                 sizeof linear_shapes / sizeof *linear_shapes);
}

static void test_rows_of_a_linear_gradient_that_nobody_wants_are_not_formed(void **state)
{
    enum { IN = 60, OUT = 19, IMAGES = 5 };
    static float x[IMAGES * IN], dy[IMAGES * OUT], all[IN * OUT], some[IN * OUT];
    float *dw_all[] = {all}, *dw_some[] = {some}, *scratch;
    pt_span span = {.n_shards = 4, .hi = 4, .b = IMAGES};
    bool rows[IN] = {[3] = true, [41] = true, [42] = true};
    size_t block = pt_outer_rows();
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    scratch = malloc(pt_linear_scratch(IN, OUT, IMAGES, 4, 2) * sizeof *scratch);
    assert_non_null(scratch);
    pattern_fill(1, IMAGES * IN, x);
    pattern_fill(2, IMAGES * OUT, dy);
    pt_linear_backward_weights(pool, IN, OUT, &span, x, dy, NULL, dw_all, NULL, scratch);
    pt_linear_backward_weights(pool, IN, OUT, &span, x, dy, rows, dw_some, NULL, scratch);
    for (size_t r = 0; r < IN; r++) {
        bool near =
            r / block == 3 / block || r / block == 41 / block || r / block == 42 / block;

        if (rows[r])
            assert_memory_equal(some + r * OUT, all + r * OUT, OUT * sizeof *some);
        for (size_t i = 0; i < OUT && !near; i++) assert_true(some[r * OUT + i] == 0);
    }
    free(scratch);
    pt_threads_destroy(&pool);
}

static void test_large_blocks_agree_with_plain_loops(void **state)
{
    /* Several blocks of rows, several tiles of both kinds, more than one pixel block. */
    const pt_conv_shape large[] = {
        {50, 50, 20, 50, 50, 24, 3, 3, 1, 1, 1, PT_WINOGRAD},
        {40, 40, 64, 20, 20, 32, 3, 3, 2, 1, 1, PT_WINOGRAD},
        {9, 9, 300, 9, 9, 40, 3, 3, 1, 1, 1, PT_WINOGRAD},
        {6, 6, 512, 6, 6, 300, 1, 1, 1, 0, 0, PT_WINOGRAD},
        {3, 600, 4, 3, 600, 5, 3, 3, 1, 1, 1, PT_WINOGRAD}, /* wider than a chain */
    };
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        layer l = layer_of(LAYER_CONV, &large[i]);

        for (int m = PT_WINOGRAD; m <= PT_DIRECT; m++) {
            l.s.kernel = (pt_kernel)m;
            check_layer(&l, pool, 2, 2);
            check_layer_by_blas(&l, pool, 2, 2);
        }
    }
    pt_threads_destroy(&pool);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* loss = <r, y>: linear in x, w and bias, so central differences have no error of their
 * own and the step may be large. */
static double loss_at(const layer *l, pt_threads *pool, const pt_span *span,
                      const float *x, const float *w, const float *bias, const float *r,
                      float *y)
{
    layer_forward(l, pool, span, x, w, bias, y);
    return dot(r, y, (size_t)span->b * l->y_floats);
}

static void check_gradient(layer_kind kind, const pt_conv_shape *shape)
{
    layer l = layer_of(kind, shape);
    pt_span span = {4, 0, 4, 3, false};
    pt_threads *pool = NULL;
    size_t y_n = 3 * l.y_floats, n[3] = {3 * l.x_floats, l.w_floats, l.c_out};
    float *r = layer_random(9, y_n), *y = layer_nan(y_n), *value[3], *grad[3];

    assert_int_equal(pt_threads_create(1, &pool), PT_OK);
    for (int i = 0; i < 3; i++) {
        value[i] = layer_random(10 + (uint64_t)i, n[i]);
        grad[i] = layer_nan(n[i]);
    }
    layer_backward_data(&l, pool, &span, r, value[1], false, grad[0]);
    layer_backward_weights(&l, pool, &span, value[0], r, &grad[1], &grad[2]);
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < n[i]; k += 1 + n[i] / 23) {
            float was = value[i][k];

            value[i][k] = was + 0.5f;
            double up = loss_at(&l, pool, &span, value[0], value[1], value[2], r, y);
            value[i][k] = was - 0.5f;
            double down = loss_at(&l, pool, &span, value[0], value[1], value[2], r, y);
            value[i][k] = was;
            /* rounding of y (about 1e-6 each) times |r| over all outputs */
            if (!(fabs(up - down - (double)grad[i][k]) <
                  1e-4 * (1 + fabs((double)grad[i][k])))) {
                fail_msg("%s: gradient %d of element %zu is %g, differences say %g",
                         layer_text(&l), i, k, (double)grad[i][k], up - down);
            }
        }
    }
    for (int i = 0; i < 3; i++) free(value[i]), free(grad[i]);
    free(r), free(y);
    pt_threads_destroy(&pool);
}

static void test_gradients_agree_with_central_differences(void **state)
{
    const pt_conv_shape shapes[] = {
        {6, 5, 3, 6, 5, 4, 3, 3, 1, 1, 1, PT_WINOGRAD},
        {7, 6, 4, 4, 3, 4, 3, 3, 2, 1, 0, PT_WINOGRAD},
        {4, 4, 6, 4, 4, 6, 1, 1, 1, 0, 0, PT_WINOGRAD},
    };
    const pt_conv_shape same = {7, 6, 5, 4, 3, 5, 3, 3, 2, 1, 0, PT_WINOGRAD};
    const pt_conv_shape linear = {1, 1, 20, 1, 1, 7, 1, 1, 1, 0, 0, PT_WINOGRAD};

    for (int i = 0; i < 3; i++) check_gradient(LAYER_CONV, &shapes[i]);
    check_gradient(LAYER_DEPTHWISE, &same);
    check_gradient(LAYER_LINEAR, &linear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution_agrees_with_plain_loops),
        cmocka_unit_test(test_depthwise_agrees_with_plain_loops),
        cmocka_unit_test(test_linear_agrees_with_plain_loops),
        cmocka_unit_test(test_rows_of_a_linear_gradient_that_nobody_wants_are_not_formed),
        cmocka_unit_test(test_large_blocks_agree_with_plain_loops),
        cmocka_unit_test(test_gradients_agree_with_central_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
