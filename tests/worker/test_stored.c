/* Layers give for values that are stored as bfloat16 what they give for the same floats,
 * in every bit; what they store is that, rounded as an operand. For every choice of which
 * values are stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/gemm_wide.h"
#include "tests/support/layers.h"
#include "tests/support/plain.h"
#include "worker/engine/layers/adaptive_pool.h"
#include "worker/engine/layers/avg_pool.h"
#include "worker/engine/layers/pointwise.h"

enum { IMAGES = 3, MAX_IN = 3, N = 2500 };

static pt_threads *pool;

/* ---- cases ------------------------------------------------------------------------- */

typedef struct test_case test_case;

/* out = something of in[0..], some of which may not exist. */
typedef void (*case_work)(const test_case *c, const pt_values *in, pt_values out);

struct test_case {
    const char *name;
    case_work work;
    size_t in[MAX_IN], out;
    bool keep; /* out is read */
    bool float_out;
    layer l;
    bool relu;
};

static void conv_forward(const test_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats), *bias = layer_random(8, c->l.c_out);
    float *scratch = layer_scratch(&c->l, pool, &span);

    pt_conv_forward(pool, &c->l.s, IMAGES, in[0], w, bias, c->relu, out, scratch);
    free(w), free(bias), free(scratch);
}

/* in: dy, the mask. */
static void conv_data(const test_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *w = layer_random(7, c->l.w_floats);
    float *scratch = layer_scratch(&c->l, pool, &span);

    pt_conv_backward_data(pool, &c->l.s, IMAGES, in[0], w, c->keep,
                          c->relu ? in[1] : pt_floats(NULL), out, scratch);
    free(w), free(scratch);
}

/* in: x, dy; out: dw, db. */
static void conv_weights(const test_case *c, const pt_values *in, pt_values out)
{
    pt_span span = {.n_shards = 2, .hi = 2, .b = IMAGES};
    float *scratch = layer_scratch(&c->l, pool, &span), *dw = out.at;
    float *db = dw + c->l.w_floats;

    pt_conv_backward_weights(pool, &c->l.s, &span, in[0], in[1], &dw, &db, scratch);
    free(scratch);
}

static void relu(const test_case *c, const pt_values *in, pt_values out)
{
    pt_relu_forward(pool, PT_ACT_RELU6, c->out, in[0], out);
}

static void relu_back(const test_case *c, const pt_values *in, pt_values out)
{
    pt_relu_backward(pool, PT_ACT_RELU, c->out, in[0], in[1], c->keep, out);
}

static void add(const test_case *c, const pt_values *in, pt_values out)
{
    pt_add_forward(pool, PT_ACT_RELU, c->out, in[0], in[1], out);
}

static void pass(const test_case *c, const pt_values *in, pt_values out)
{
    pt_pass_gradient(pool, c->out, in[0], c->keep, out);
}

static const pt_avg_pool windows = {9, 8, 70, 5, 4, 3, 3, 2, 1, 1, 1, 1, true};
static const pt_adaptive_pool grid = {9, 8, 70, 5, 4};
enum { LARGE = IMAGES * 9 * 8 * 70, SMALL = IMAGES * 5 * 4 * 70 };

static void averages(const test_case *c, const pt_values *in, pt_values out)
{
    pt_avg_pool_forward(pool, &windows, IMAGES, in[0], out);
}

static void averages_back(const test_case *c, const pt_values *in, pt_values out)
{
    pt_avg_pool_backward(pool, &windows, IMAGES, in[0], c->keep, out);
}

static void grid_back(const test_case *c, const pt_values *in, pt_values out)
{
    pt_adaptive_pool_backward(pool, &grid, IMAGES, in[0], c->keep, out);
}

static const test_case cases[] = {
    {.name = "relu", .work = relu, .in = {N}, .out = N},
    {.name = "relu's gradient", .work = relu_back, .in = {N, N}, .out = N},
    {.name = "... added", .work = relu_back, .in = {N, N}, .out = N, .keep = true},
    {.name = "addition", .work = add, .in = {N, N}, .out = N},
    {.name = "a gradient passed on", .work = pass, .in = {N}, .out = N},
    {.name = "... added", .work = pass, .in = {N}, .out = N, .keep = true},
    {.name = "averages", .work = averages, .in = {LARGE}, .out = SMALL},
    {.name = "their gradient", .work = averages_back, .in = {SMALL}, .out = LARGE},
    {.name = "of a grid", .work = grid_back, .in = {SMALL}, .out = LARGE, .keep = true},
};

/* ---- what is stored ---------------------------------------------------------------- */

static float operand(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    u = pt_bf16_operand(u);
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Numbers as they may be stored. */
static float *numbers(uint64_t seed, size_t n)
{
    float *x = layer_random(seed, n);

    for (size_t i = 0; i < n; i++) x[i] = operand(x[i]);
    return x;
}

static pt_values copy_of(const float *x, size_t n, bool bf16)
{
    pt_values v = {malloc((n > 0 ? n : 1) * pt_value_bytes(bf16)), bf16};

    assert_non_null(v.at);
    if (bf16)
        pt_values_narrow(x, n, v.at);
    else
        memcpy(v.at, x, n * sizeof *x);
    return v;
}

/* The case with in[i] stored where bit i of `stored` is set, and out where bit MAX_IN is;
 * want: what floats give. */
static void run_case(const test_case *c, int stored, const float *want)
{
    pt_values in[MAX_IN], out;
    float *start = numbers(99, c->out);

    for (size_t i = 0; i < MAX_IN; i++) {
        float *x = numbers(1 + i, c->in[i]);

        in[i] = copy_of(x, c->in[i], stored >> i & 1);
        free(x);
    }
    out = copy_of(start, c->out, stored >> MAX_IN & 1);
    c->work(c, in, out);
    for (size_t i = 0; i < c->out; i++) {
        float got = out.bf16 ? 0 : ((const float *)out.at)[i], expected = want[i];

        if (out.bf16) pt_values_widen((const uint16_t *)out.at + i, 1, &got);
        if (out.bf16) expected = operand(expected);
        if (memcmp(&got, &expected, sizeof got) != 0)
            fail_msg("%s %s, stored %d: [%zu] is %a, not %a", c->name,
                     c->l.w_floats ? layer_text(&c->l) : "", stored, i, (double)got,
                     (double)expected);
    }
    for (size_t i = 0; i < MAX_IN; i++) free(in[i].at);
    free(out.at), free(start);
}

static void check_case(const test_case *c)
{
    float *want = numbers(99, c->out);
    pt_values in[MAX_IN];

    for (size_t i = 0; i < MAX_IN; i++) in[i] = pt_floats(numbers(1 + i, c->in[i]));
    c->work(c, in, pt_floats(want));
    for (int stored = 1; stored < 2 << MAX_IN; stored++) {
        bool exists = !(c->float_out && stored >> MAX_IN & 1);

        for (int i = 0; i < MAX_IN; i++)
            if (c->in[i] == 0 && stored >> i & 1) exists = false;
        if (exists) run_case(c, stored, want);
    }
    for (size_t i = 0; i < MAX_IN; i++) free(in[i].at);
    free(want);
}

/* ---- tests ------------------------------------------------------------------------- */

static void layers_store_what_they_give_for_floats(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

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
    test_case forward = {"forward", conv_forward, {x}, y, false, false, l, relu};
    test_case data = {"to the input", conv_data, {y, x}, x, relu, false, l, relu};
    test_case weights = {"to the weights",
                         conv_weights,
                         {x, y},
                         l.w_floats + l.c_out,
                         false,
                         true,
                         l,
                         relu};

    check_case(&forward);
    check_case(&data);
    if (relu) check_case(&weights);
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

static void what_is_stored_is_an_operand(void **state)
{
    const float x[] = {1, -0x1.01p0f, 0x1.03p0f, 0x1p-127f, -0x1p-149f, 0x1.fffp-127f};
    const float want[] = {1, -1, 0x1.04p0f, 0, -0.0f, 0x1p-126f};
    uint16_t stored[6];
    float got[6];

    pt_values_narrow(x, 6, stored);
    pt_values_widen(stored, 6, got);
    assert_memory_equal(got, want, sizeof want);
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
        cmocka_unit_test(what_is_stored_is_an_operand),
        cmocka_unit_test(layers_store_what_they_give_for_floats),
        cmocka_unit_test(convolutions_store_what_they_give_for_floats),
    };

    return cmocka_run_group_tests(tests, start, end);
}
