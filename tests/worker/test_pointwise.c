/* Activations, addition, concatenation, dropout and the shortcut. Golden values of ReLU6:
 * tests/data/layers/simple.txt, made by tests/oracle/layers_simple.py with PyTorch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/rng.h"
#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/layers/pointwise.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

static pt_threads *pool; /* of three threads, for all tests */

static int make_pool(void **state)
{
    return pt_threads_create(3, &pool) == PT_OK ? 0 : -1;
}

static int drop_pool(void **state)
{
    pt_threads_destroy(&pool);
    return 0;
}

static void test_relu6_is_that_of_pytorch(void **state)
{
    enum { N = 100 };
    float *want_y = golden_load(GOLDEN, "relu6_y", N);
    float *want_dx = golden_load(GOLDEN, "relu6_dx", N);
    float x[N], dy[N], dx[N];

    pattern_fill(10, N, x);
    pattern_fill(11, N, dy);
    for (int i = 0; i < N; i++) x[i] *= 10;
    pt_relu_forward(pool, PT_ACT_RELU6, N, pt_floats(x), pt_floats(x)); /* in place */
    assert_memory_equal(x, want_y, sizeof x);
    pt_relu_backward(pool, PT_ACT_RELU6, N, pt_floats(x), pt_floats(dy), false,
                     pt_floats(dx));
    assert_memory_equal(dx, want_dx, sizeof dx);
    pt_relu_backward(pool, PT_ACT_RELU6, N, pt_floats(x), pt_floats(dy), true,
                     pt_floats(dx));
    for (int i = 0; i < N; i++) assert_true(dx[i] == 2 * want_dx[i]);
    pt_relu_backward(pool, PT_ACT_RELU6, N, pt_floats(x), pt_floats(dy), false,
                     pt_floats(dy)); /* in place */
    assert_memory_equal(dy, want_dx, sizeof dx);
    free(want_y);
    free(want_dx);
}

static void test_relu_cuts_at_zero_and_keeps_nan(void **state)
{
    const float x[5] = {-1, 0, 2, 7, NAN}, dy[5] = {1, 2, 3, 4, 5};
    float y[5], dx[5];

    pt_relu_forward(pool, PT_ACT_RELU, 5, pt_floats(x), pt_floats(y));
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 2 && y[3] == 7 && isnan(y[4]));
    pt_relu_backward(pool, PT_ACT_RELU, 5, pt_floats(y), pt_floats(dy), false,
                     pt_floats(dx));
    assert_true(dx[0] == 0 && dx[1] == 0 && dx[2] == 3 && dx[3] == 4);
}

static void test_addition_reaches_every_element(void **state)
{
    enum { N = 50000 };
    static float a[N], b[N], y[N];

    pattern_fill(1, N, a);
    pattern_fill(2, N, b);
    pt_add_forward(pool, PT_ACT_NONE, N, pt_floats(a), pt_floats(b), pt_floats(y));
    for (int i = 0; i < N; i++) assert_true(y[i] == a[i] + b[i]);
    pt_add_forward(pool, PT_ACT_RELU, N, pt_floats(a), pt_floats(b),
                   pt_floats(b)); /* in place */
    for (int i = 0; i < N; i++) assert_true(b[i] == (y[i] > 0 ? y[i] : 0));
    pt_pass_gradient(pool, N, pt_floats(a), false, pt_floats(b));
    assert_memory_equal(a, b, sizeof a);
    pt_pass_gradient(pool, N, pt_floats(a), true, pt_floats(b));
    for (int i = 0; i < N; i++) assert_true(b[i] == 2 * a[i]);
}

static void test_concatenation_joins_channels_and_splits_gradients(void **state)
{
    const float a[2][2] = {{1, 2}, {3, 4}}, b[2][1] = {{5}, {6}};
    const float want[2][3] = {{1, 2, 5}, {3, 4, 6}};
    float y[2][3], da[2][2] = {{10, 10}, {10, 10}}, db[2][1], mask[2] = {0, 1};
    pt_concat_input in[2] = {{.c = 2, .accumulate = true, .dx = pt_floats(da[0])},
                             {.c = 1, .dx = pt_floats(db[0])}};

    pt_concat_forward(pool, 2, 2, pt_floats(a[0]), 1, pt_floats(b[0]), pt_floats(y[0]));
    assert_memory_equal(y, want, sizeof y);
    pt_concat_backward(pool, 2, in, pt_floats(y[0]));
    assert_true(da[0][0] == 11 && da[0][1] == 12 && da[1][0] == 13 && da[1][1] == 14);
    assert_memory_equal(db, b, sizeof b);

    /* an input that wants none, and a mask */
    in[0].dx = pt_floats(NULL);
    in[1].mask = pt_floats(mask);
    pt_concat_backward(pool, 2, in, pt_floats(y[0]));
    assert_true(da[0][0] == 11 && db[0][0] == 0 && db[1][0] == 6);
}

/* 3 x 3 pixels of 2 channels to 2 x 2 of 4: PyTorch's x[:, :, ::2, ::2] padded by one
 * channel on both sides. */
static void test_shortcut_takes_every_second_pixel(void **state)
{
    const pt_shortcut s = {3, 3, 2, 2, 2, 4, 2};
    float x[2][9][2], y[2][4][4], dx[2][9][2];

    for (int i = 0; i < 36; i++) x[i / 18][i / 2 % 9][i % 2] = (float)(i + 1);
    pt_shortcut_forward(pool, &s, 2, x[0][0], y[0][0]);
    for (int n = 0; n < 2; n++) {
        for (int i = 0; i < 4; i++) {
            int from = i / 2 * 6 + i % 2 * 2;
            const float want[4] = {0, x[n][from][0], x[n][from][1], 0};

            assert_memory_equal(y[n][i], want, sizeof want);
        }
    }
    for (int pass = 0; pass < 2; pass++) { /* written, then added to */
        pt_shortcut_backward(pool, &s, 2, y[0][0], pass == 1, dx[0][0]);
        for (int i = 0; i < 18; i++) {
            int pixel = i % 9;
            float keep = pixel / 3 != 1 && pixel % 3 != 1 ? (float)(pass + 1) : 0;

            assert_true(dx[i / 9][pixel][0] == keep * x[i / 9][pixel][0]);
            assert_true(dx[i / 9][pixel][1] == keep * x[i / 9][pixel][1]);
        }
    }
}

static void test_dropout_mask_is_the_stream_of_the_position(void **state)
{
    enum { SIZE = 2500, IMAGES = 2 };
    static float x[IMAGES * SIZE], y[IMAGES * SIZE], dx[IMAGES * SIZE];
    pt_dropout d = {
        .prob = 0.3f, .seed = 42, .step = 7, .node = 5, .first = 11, .size = SIZE};
    int kept = 0;

    pattern_fill(3, IMAGES * SIZE, x);
    pt_dropout_apply(pool, &d, IMAGES, x, false, y);
    for (int n = 0; n < IMAGES; n++) {
        uint64_t b = (uint64_t)5 << 32 | (uint64_t)(11 + n);
        pt_rng r = pt_rng_stream(42, PT_RNG_DROPOUT, 7, b);

        for (int i = 0; i < SIZE; i++) {
            bool keep = pt_rng_uniform_f32(&r, (uint64_t)i) >= 0.3f;
            float want = keep ? x[n * SIZE + i] * (1.0f / (1.0f - 0.3f)) : 0.0f;

            assert_true(y[n * SIZE + i] == want);
            kept += keep;
        }
    }
    assert_in_range(kept, 3370, 3630); /* 3500 expected, deviation 32 */

    memcpy(dx, x, sizeof dx);
    pt_dropout_apply(pool, &d, IMAGES, x, true, dx);
    for (int i = 0; i < IMAGES * SIZE; i++) assert_true(dx[i] == x[i] + y[i]);

    d.first = 12; /* the second image alone gets the same mask */
    pt_dropout_apply(pool, &d, 1, x + SIZE, false, x + SIZE);
    assert_memory_equal(x + SIZE, y + SIZE, SIZE * sizeof *x);
}

static void test_no_images_touch_nothing(void **state)
{
    const pt_dropout d = {.prob = 0.5f, .size = 4};
    const pt_shortcut s = {3, 3, 2, 2, 2, 4, 2};
    float y[1] = {9};

    pt_relu_forward(pool, PT_ACT_RELU, 0, pt_floats(y), pt_floats(y));
    pt_dropout_apply(pool, &d, 0, y, false, y);
    pt_shortcut_forward(pool, &s, 0, y, y);
    pt_concat_forward(pool, 0, 2, pt_floats(y), 2, pt_floats(y), pt_floats(y));
    assert_true(y[0] == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relu6_is_that_of_pytorch),
        cmocka_unit_test(test_relu_cuts_at_zero_and_keeps_nan),
        cmocka_unit_test(test_addition_reaches_every_element),
        cmocka_unit_test(test_concatenation_joins_channels_and_splits_gradients),
        cmocka_unit_test(test_shortcut_takes_every_second_pixel),
        cmocka_unit_test(test_dropout_mask_is_the_stream_of_the_position),
        cmocka_unit_test(test_no_images_touch_nothing),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
