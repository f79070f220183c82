/* Convolutions give for values that are stored as bfloat16 what they give for the same
 * floats, in every bit; what they store is that, rounded as an operand. For every choice
 * of which values are stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/gemm_wide.h"
#include "tests/support/stored.h"
#include "worker/engine/conv/depthwise.h"

enum { IMAGES = 3 };

static pt_threads *pool;

/* ---- cases ------------------------------------------------------------------------- */

static void conv_forward(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats), *bias = layer_random(8, c->l.c_out);
    float *scratch = layer_scratch(&c->l, pool, &span);

    pt_conv_forward(pool, &c->l.s, IMAGES, in[0], w, bias, c->other, out, scratch);
    free(w), free(bias), free(scratch);
}

/* in: dy, the mask. */
static void conv_data(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats);
    float *scratch = layer_scratch(&c->l, pool, &span);

    pt_conv_backward_data(pool, &c->l.s, IMAGES, in[0], w, c->keep,
                          c->other ? in[1] : pt_floats(NULL), out, scratch);
    free(w), free(scratch);
}

/* in: x, dy; out: dw, db. */
static void conv_weights(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 2, .hi = 2, .b = IMAGES};
    float *scratch = layer_scratch(&c->l, pool, &span), *dw = out.at;
    float *db = dw + c->l.w_floats;

    pt_conv_backward_weights(pool, &c->l.s, &span, in[0], in[1], &dw, &db, scratch);
    free(scratch);
}

static void depthwise_forward(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats),
          *scratch = layer_scratch(&c->l, pool, &span);

    pt_depthwise_forward(pool, &c->l.s, IMAGES, in[0], w, NULL, out, scratch);
    free(w), free(scratch);
}

static void depthwise_data(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats),
          *scratch = layer_scratch(&c->l, pool, &span);

    pt_depthwise_backward_data(pool, &c->l.s, IMAGES, in[0], w, c->keep, out, scratch);
    free(w), free(scratch);
}

static void depthwise_weights(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 2, .hi = 2, .b = IMAGES};
    float *scratch = layer_scratch(&c->l, pool, &span), *dw = out.at;
    float *db = dw + c->l.w_floats;

    pt_depthwise_backward_weights(pool, &c->l.s, &span, in[0], in[1], &dw, &db, scratch);
    free(scratch);
}

/* ---- tests ------------------------------------------------------------------------- */

/* Kernels, strides and pads; odd numbers of channels; several blocks of pixels. */
static const pt_conv_shape convs[] = {
    {17, 16, 3, 9, 8, 32, 7, 7, 2, 3, 3, PT_WINOGRAD_BF16},
    {9, 9, 79, 9, 9, 23, 1, 1, 1, 0, 0, PT_WINOGRAD_BF16},
    {4, 3, 300, 4, 3, 260, 1, 1, 1, 0, 0, PT_DIRECT_BF16},
    {14, 17, 24, 14, 17, 20, 3, 3, 1, 1, 1, PT_DIRECT_BF16},
    {14, 17, 24, 14, 17, 20, 3, 3, 1, 1, 1, PT_WINOGRAD_BF16},
    {8, 7, 5, 4, 3, 5, 3, 3, 2, 0, 1, PT_WINOGRAD_BF16},
    {9, 8, 17, 5, 4, 19, 1, 1, 2, 0, 0, PT_DIRECT_BF16},
};

static void check_conv(const pt_conv_shape *s, bool relu)
{
    layer l = layer_of(LAYER_CONV, s);
    size_t x = IMAGES * l.x_floats, y = IMAGES * l.y_floats;
    stored_case forward = {"forward", conv_forward, {x}, y, false, false, l, relu};
    stored_case data = {"to the input", conv_data, {y, x}, x, relu, false, l, relu};
    stored_case weights = {"to the weights",
                           conv_weights,
                           {x, y},
                           l.w_floats + l.c_out,
                           false,
                           true,
                           l,
                           relu};

    stored_check(&forward);
    stored_check(&data);
    if (relu) stored_check(&weights);
}

/* On every path of this CPU, and on one whose kernels take pairs. */
static void convolutions_store_what_they_give_for_floats(void **state)
{
    const pt_gemm_bf16_path *paths[PT_MAX_BF16_PATHS + 1];
    int n = pt_gemm_bf16_paths(paths);

    paths[n++] = &pt_gemm_wide_bf16;
    for (int path = 0; path < n; path++) {
        pt_gemm_bf16_use(paths[path]);
        for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
            check_conv(&convs[i], (i + (size_t)path) % 2);
    }
    pt_gemm_bf16_use(NULL);
}

static void check_depthwise(const pt_conv_shape *s, bool add_up)
{
    layer l = layer_of(LAYER_DEPTHWISE, s);
    size_t x = IMAGES * l.x_floats, y = IMAGES * l.y_floats;
    stored_case forward = {.work = depthwise_forward, .in = {x}, .out = y};
    stored_case data = {.work = depthwise_data, .in = {y}, .out = x, .keep = add_up};
    stored_case weights = {.work = depthwise_weights,
                           .in = {x, y},
                           .out = l.w_floats + l.c_out,
                           .float_out = true};

    forward.name = data.name = weights.name = "depthwise";
    forward.l = data.l = weights.l = l;
    stored_check(&forward);
    stored_check(&data);
    stored_check(&weights);
}

static void depthwise_convolutions_store_what_they_give_for_floats(void **state)
{
    const pt_conv_shape shapes[] = {
        {14, 11, 37, 14, 11, 37, 3, 3, 1, 1, 1, PT_WINOGRAD_BF16},
        {14, 11, 48, 7, 6, 48, 3, 3, 2, 1, 1, PT_WINOGRAD_BF16},
        {9, 8, 5, 5, 4, 5, 5, 4, 2, 2, 1, PT_WINOGRAD_BF16},
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int add_up = 0; add_up < 2; add_up++) check_depthwise(&shapes[i], add_up);
}

static int start(void **state)
{
    return pt_threads_create(2, &pool) == PT_OK ? 0 : -1;
}

static int end(void **state)
{
    pt_threads_destroy(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_store_what_they_give_for_floats),
        cmocka_unit_test(depthwise_convolutions_store_what_they_give_for_floats),
    };

    return cmocka_run_group_tests(tests, start, end);
}
