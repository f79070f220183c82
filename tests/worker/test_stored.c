/* Layers without weights give for values that are stored as bfloat16 what they give for
 * the same floats, in every bit; what they store is that, rounded as an operand. For
 * every choice of which values are stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/stored.h"
#include "worker/engine/layers/adaptive_pool.h"
#include "worker/engine/layers/avg_pool.h"
#include "worker/engine/layers/batch_norm.h"
#include "worker/engine/layers/pointwise.h"
#include "worker/engine/layers/pool2d.h"

enum { IMAGES = 3, N = 2500 };

static pt_threads *pool;

/* ---- cases ------------------------------------------------------------------------- */

static void relu(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_relu_forward(pool, PT_ACT_RELU6, c->out, in[0], out);
}

static void relu_back(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_relu_backward(pool, PT_ACT_RELU, c->out, in[0], in[1], c->keep, out);
}

static void add(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_add_forward(pool, PT_ACT_RELU, c->out, in[0], in[1], out);
}

static void pass(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_pass_gradient(pool, c->out, in[0], c->keep, out);
}

static const pt_avg_pool windows = {9, 8, 70, 5, 4, 3, 3, 2, 1, 1, 1, 1, true};
static const pt_adaptive_pool grid = {9, 8, 70, 5, 4};
enum { LARGE = IMAGES * 9 * 8 * 70, SMALL = IMAGES * 5 * 4 * 70 };

static void averages(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_avg_pool_forward(pool, &windows, IMAGES, in[0], out);
}

static void averages_back(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_avg_pool_backward(pool, &windows, IMAGES, in[0], c->keep, out);
}

static void grid_back(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_adaptive_pool_backward(pool, &grid, IMAGES, in[0], c->keep, out);
}

/* Images in two groups; `wide` has more channels than there is room for at once. */
static const int groups[] = {0, 2, IMAGES}, sets[] = {0, 0, 1};
static const pt_bn_shape wide = {1100, 12, IMAGES, 2, groups, NULL};
static const pt_bn_shape narrow = {70, 37, IMAGES, 2, groups, sets};
enum { WIDE = IMAGES * 12 * 1100, NARROW = IMAGES * 37 * 70 };

static const pt_bn_shape *shape_of(const stored_case *c)
{
    return c->other ? &wide : &narrow;
}

/* Two sets; more than as many means. */
static float *coefficients(const stored_case *c)
{
    return layer_random(5, 2 * pt_bn_coef_len(shape_of(c)->channels));
}

/* out: doubles, as pairs of floats. */
static void moments(const stored_case *c, const pt_values *in, pt_values out)
{
    double *to = calloc(c->out / 2, sizeof *to);

    pt_bn_moments(pool, shape_of(c), in[0], to);
    memcpy(out.at, to, c->out * sizeof(float));
    free(to);
}

static void norm_sums(const stored_case *c, const pt_values *in, pt_values out)
{
    double *to = calloc(c->out / 2, sizeof *to);
    float *coef = coefficients(c);

    pt_bn_backward_sums(pool, shape_of(c), coef, PT_ACT_RELU, in[0], in[1], to);
    memcpy(out.at, to, c->out * sizeof(float));
    free(to), free(coef);
}

/* in: x, what is added. */
static void normalise(const stored_case *c, const pt_values *in, pt_values out)
{
    float *coef = coefficients(c);

    pt_bn_normalise(pool, shape_of(c), coef, PT_ACT_RELU, in[0],
                    c->in[1] ? in[1] : pt_floats(NULL), out);
    free(coef);
}

/* in: x, dy. */
static void norm_data(const stored_case *c, const pt_values *in, pt_values out)
{
    float *coef = coefficients(c), *means = coefficients(c);

    pt_bn_backward_data(pool, shape_of(c), coef, means, PT_ACT_RELU6, in[0], in[1],
                        c->keep, out);
    free(coef), free(means);
}

static const pt_max_pool pools[] = {{9, 8, 70, 5, 4, 3, 3, 2, 1, 1},
                                    {9, 8, 70, 3, 3, 4, 3, 3, 0, 1}};

static const pt_max_pool *pool_of(const stored_case *c)
{
    return &pools[c->other];
}

static size_t pool_out(const pt_max_pool *s)
{
    return IMAGES * (size_t)(s->out_h * s->out_w * s->c);
}

/* out: the maxima. */
static void maxima(const stored_case *c, const pt_values *in, pt_values out)
{
    uint8_t *argmax = malloc(pool_out(pool_of(c)));

    assert_non_null(argmax);
    pt_max_pool_forward(pool, pool_of(c), IMAGES, in[0], out, argmax);
    free(argmax);
}

/* in: dy, the mask. */
static void maxima_back(const stored_case *c, const pt_values *in, pt_values out)
{
    const pt_max_pool *s = pool_of(c);
    uint8_t *argmax = malloc(pool_out(s));

    assert_non_null(argmax);
    for (size_t i = 0; i < pool_out(s); i++)
        argmax[i] = (uint8_t)(i % (size_t)(s->kh * s->kw));
    pt_max_pool_backward(pool, s, IMAGES, in[0], argmax, c->keep,
                         c->in[1] ? in[1] : pt_floats(NULL), out);
    free(argmax);
}

static void global(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_global_avg_forward(pool, IMAGES, 72, 70, in[0], out);
}

static void global_back(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_global_avg_backward(pool, IMAGES, 72, 70, in[0], c->keep, out);
}

enum { PIXELS = 40, C_A = 1100, C_B = 9 };
static void concat(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_concat_forward(pool, PIXELS, C_A, in[0], C_B, in[1], out);
}

/* in: dy, the mask. */
static void concat_back(const stored_case *c, const pt_values *in, pt_values out)
{
    pt_concat_input inputs[2] = {{.c = C_A}, {.c = C_B}};
    pt_concat_input *wanted = &inputs[c->out == (size_t)PIXELS * C_A ? 0 : 1];

    wanted->accumulate = c->keep;
    wanted->dx = out;
    if (c->in[1]) wanted->mask = in[1];
    pt_concat_backward(pool, PIXELS, inputs, in[0]);
}

#define A (PIXELS * C_A)
#define B (PIXELS * C_B)
static const stored_case cases[] = {
    {.name = "maxima", .work = maxima, .in = {LARGE}, .out = SMALL},
    {.name = "... of other windows",
     .work = maxima,
     .in = {LARGE},
     .out = IMAGES * 3 * 3 * 70,
     .other = true},
    {.name = "their gradient", .work = maxima_back, .in = {SMALL, LARGE}, .out = LARGE},
    {.name = "... added",
     .work = maxima_back,
     .in = {SMALL, LARGE},
     .out = LARGE,
     .keep = true},
    {.name = "... of other windows",
     .work = maxima_back,
     .in = {IMAGES * 3 * 3 * 70},
     .out = LARGE,
     .other = true},
    {.name = "global averages", .work = global, .in = {LARGE}, .out = IMAGES * 70},
    {.name = "their gradient", .work = global_back, .in = {IMAGES * 70}, .out = LARGE},
    {.name = "... added",
     .work = global_back,
     .in = {IMAGES * 70},
     .out = LARGE,
     .keep = true},
    {.name = "concatenation", .work = concat, .in = {A, B}, .out = A + B},
    {.name = "its gradient", .work = concat_back, .in = {A + B, A}, .out = A},
    {.name = "... added", .work = concat_back, .in = {A + B}, .out = B, .keep = true},
    {.name = "moments",
     .work = moments,
     .in = {NARROW},
     .out = 2 * 2 * 141,
     .float_out = true},
    {.name = "... of many channels",
     .work = moments,
     .in = {WIDE},
     .out = 2 * 2 * 2201,
     .float_out = true,
     .other = true},
    {.name = "batch norm's sums",
     .work = norm_sums,
     .in = {NARROW, NARROW},
     .out = 2 * 2 * 140,
     .float_out = true},
    {.name = "... of many channels",
     .work = norm_sums,
     .in = {WIDE, WIDE},
     .out = 2 * 2 * 2200,
     .float_out = true,
     .other = true},
    {.name = "batch norm", .work = normalise, .in = {NARROW}, .out = NARROW},
    {.name = "... with an addition",
     .work = normalise,
     .in = {NARROW, NARROW},
     .out = NARROW},
    {.name = "... of many channels",
     .work = normalise,
     .in = {WIDE, WIDE},
     .out = WIDE,
     .other = true},
    {.name = "its gradient", .work = norm_data, .in = {NARROW, NARROW}, .out = NARROW},
    {.name = "... added, of many channels",
     .work = norm_data,
     .in = {WIDE, WIDE},
     .out = WIDE,
     .other = true,
     .keep = true},
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

/* ---- tests ------------------------------------------------------------------------- */

static void layers_store_what_they_give_for_floats(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) stored_check(&cases[i]);
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
    };

    return cmocka_run_group_tests(tests, start, end);
}
