/* Numeric gradient check of every layer without parameters: the backward pass gives the
 * slope of sum(dy * y) in each input. The layers are linear between kinks, inputs are
 * odd multiples of 1/8 (all different, none near a kink) and the step is 1/64, so that
 * differences are exact but for the rounding of averages and of dropout's factor. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "worker/engine/layers/adaptive_pool.h"
#include "worker/engine/layers/avg_pool.h"
#include "worker/engine/layers/pointwise.h"
#include "worker/engine/layers/pool2d.h"

enum { IMAGES = 2, SIDE = 5, C = 3, IN = IMAGES * SIDE * SIDE * C, MAX_FLOATS = 2 * IN };

static pt_threads *pool;

typedef struct {
    const char *name;
    size_t n_out;
    void (*forward)(const float *x, float *y);
    void (*backward)(const float *x, const float *dy, float *dx);
} layer;

static void relu_f(const float *x, float *y)
{
    pt_relu_forward(pool, PT_ACT_RELU, IN, pt_floats(x), pt_floats(y));
}
static void relu_b(const float *x, const float *dy, float *dx)
{
    float y[IN];

    relu_f(x, y);
    pt_relu_backward(pool, PT_ACT_RELU, IN, pt_floats(y), pt_floats(dy), false,
                     pt_floats(dx));
}

static void relu6_f(const float *x, float *y)
{
    pt_relu_forward(pool, PT_ACT_RELU6, IN, pt_floats(x), pt_floats(y));
}
static void relu6_b(const float *x, const float *dy, float *dx)
{
    float y[IN];

    relu6_f(x, y);
    pt_relu_backward(pool, PT_ACT_RELU6, IN, pt_floats(y), pt_floats(dy), false,
                     pt_floats(dx));
}

/* x + x: both paths lead to the same input. */
static void add_f(const float *x, float *y)
{
    pt_add_forward(pool, PT_ACT_NONE, IN, pt_floats(x), pt_floats(x), pt_floats(y));
}
static void add_b(const float *x, const float *dy, float *dx)
{
    pt_pass_gradient(pool, IN, pt_floats(dy), false, pt_floats(dx));
    pt_pass_gradient(pool, IN, pt_floats(dy), true, pt_floats(dx));
}

static void concat_f(const float *x, float *y)
{
    pt_concat_forward(pool, IMAGES * SIDE * SIDE, C, pt_floats(x), C, pt_floats(x),
                      pt_floats(y));
}
static void concat_b(const float *x, const float *dy, float *dx)
{
    const pt_concat_input in[2] = {{.c = C, .dx = pt_floats(dx)},
                                   {.c = C, .accumulate = true, .dx = pt_floats(dx)}};

    pt_concat_backward(pool, IMAGES * SIDE * SIDE, in, pt_floats(dy));
}

static const pt_shortcut cut = {SIDE, SIDE, C, 3, 3, C + 2, 2};
static void shortcut_f(const float *x, float *y)
{
    pt_shortcut_forward(pool, &cut, IMAGES, x, y);
}
static void shortcut_b(const float *x, const float *dy, float *dx)
{
    pt_shortcut_backward(pool, &cut, IMAGES, dy, false, dx);
}

static const pt_dropout drop = {
    .prob = 0.4f, .seed = 5, .step = 2, .node = 1, .first = 3, .size = IN / IMAGES};
static void dropout_f(const float *x, float *y)
{
    pt_dropout_apply(pool, &drop, IMAGES, x, false, y);
}
static void dropout_b(const float *x, const float *dy, float *dx)
{
    pt_dropout_apply(pool, &drop, IMAGES, dy, false, dx);
}

/* 3x3, stride 2, one pixel of padding before: windows overlap and stick out. */
static const pt_max_pool window = {SIDE, SIDE, C, 3, 3, 3, 3, 2, 1, 1};
static void max_pool_f(const float *x, float *y)
{
    uint8_t argmax[MAX_FLOATS];

    pt_max_pool_forward(pool, &window, IMAGES, pt_floats(x), pt_floats(y), argmax);
}
static void max_pool_b(const float *x, const float *dy, float *dx)
{
    uint8_t argmax[MAX_FLOATS];
    float y[MAX_FLOATS];

    pt_max_pool_forward(pool, &window, IMAGES, pt_floats(x), pt_floats(y), argmax);
    pt_max_pool_backward(pool, &window, IMAGES, pt_floats(dy), argmax, false,
                         pt_floats(NULL), pt_floats(dx));
}

static void average_f(const float *x, float *y)
{
    pt_global_avg_forward(pool, IMAGES, SIDE * SIDE, C, pt_floats(x), pt_floats(y));
}
static void average_b(const float *x, const float *dy, float *dx)
{
    pt_global_avg_backward(pool, IMAGES, SIDE * SIDE, C, pt_floats(dy), false,
                           pt_floats(dx));
}

static const pt_adaptive_pool grid = {SIDE, SIDE, C, SIDE - 1, SIDE + 1};

static void grid_f(const float *x, float *y)
{
    pt_adaptive_pool_forward(pool, &grid, IMAGES, pt_floats(x), pt_floats(y));
}
static void grid_b(const float *x, const float *dy, float *dx)
{
    pt_adaptive_pool_backward(pool, &grid, IMAGES, pt_floats(dy), false, pt_floats(dx));
}

static const pt_avg_pool means = {
    SIDE, SIDE, C, (SIDE + 1) / 2, (SIDE + 1) / 2, 3, 3, 2, 1, 1, 1, 1, true};

static void means_f(const float *x, float *y)
{
    pt_avg_pool_forward(pool, &means, IMAGES, pt_floats(x), pt_floats(y));
}
static void means_b(const float *x, const float *dy, float *dx)
{
    pt_avg_pool_backward(pool, &means, IMAGES, pt_floats(dy), false, pt_floats(dx));
}

static double loss(const layer *l, const float *x, const float *dy)
{
    float y[MAX_FLOATS];
    double sum = 0;

    l->forward(x, y);
    for (size_t i = 0; i < l->n_out; i++) sum += (double)dy[i] * (double)y[i];
    return sum;
}

static void check(const layer *l)
{
    const float h = 1.0f / 64;
    float x[IN], dy[MAX_FLOATS], dx[IN];

    for (int i = 0; i < IN; i++) /* 151 is prime: a permutation of 0..150 */
        x[i] = (float)((i + 1) * 53 % 151 - 60) / 4 + 0.125f;
    for (int i = 0; i < MAX_FLOATS; i++) dy[i] = (float)((i * 29 + 7) % 64 - 31) / 16;
    memset(dx, 0x55, sizeof dx);
    l->backward(x, dy, dx);
    for (int i = 0; i < IN; i++) {
        float keep = x[i];
        double slope;

        x[i] = keep + h;
        slope = loss(l, x, dy);
        x[i] = keep - h;
        slope = (slope - loss(l, x, dy)) / (2 * (double)h);
        x[i] = keep;
        /* an output of up to 40 is rounded to 2e-6, over a step of 1/32 */
        if (fabs(slope - (double)dx[i]) > 3e-4)
            fail_msg("%s: input %d: slope %.9g, gradient %.9g", l->name, i, slope,
                     (double)dx[i]);
    }
}

static void test_gradients_are_the_slopes_of_the_loss(void **state)
{
    static const layer layers[] = {
        {"relu", IN, relu_f, relu_b},
        {"relu6", IN, relu6_f, relu6_b},
        {"add", IN, add_f, add_b},
        {"concat", 2 * IN, concat_f, concat_b},
        {"shortcut", IMAGES * 9 * (C + 2), shortcut_f, shortcut_b},
        {"dropout", IN, dropout_f, dropout_b},
        {"max pool", IMAGES * 9 * C, max_pool_f, max_pool_b},
        {"global average", IMAGES * C, average_f, average_b},
        {"averages over windows", IMAGES * 9 * C, means_f, means_b},
        {"averages over a grid", IMAGES * (SIDE - 1) * (SIDE + 1) * C, grid_f, grid_b},
    };

    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check(&layers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_are_the_slopes_of_the_loss),
    };
    int failed;

    if (pt_threads_create(2, &pool) != PT_OK) return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pt_threads_destroy(&pool);
    return failed;
}
