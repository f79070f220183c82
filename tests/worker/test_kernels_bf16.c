/* Layers whose products take operands in bf16 are chains over pairs, as plain loops write
 * them, in every bit: on every path of this CPU, on one thread and on three. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/bf16_exact.h"
#include "tests/support/gemm_wide.h"
#include "tests/support/layers.h"
#include "tests/support/plain.h"

enum { IMAGES = 3, PIXELS = 192, MAX_PATHS = PT_MAX_BF16_PATHS + 1 };

/* Kernels, strides, pads and odd numbers of channels; several blocks of pixels, of rows
 * and of k. By Winograd where that does not apply. */
static const pt_conv_shape convs[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, PT_DIRECT_BF16},
    {17, 16, 3, 9, 8, 32, 7, 7, 2, 3, 3, PT_WINOGRAD_BF16},
    {5, 7, 3, 5, 7, 16, 3, 3, 1, 1, 1, PT_DIRECT_BF16},
    {9, 9, 79, 9, 9, 23, 1, 1, 1, 0, 0, PT_WINOGRAD_BF16},
    {7, 7, 48, 7, 7, 64, 1, 1, 1, 0, 0, PT_DIRECT_BF16},
    {4, 3, 300, 4, 3, 260, 1, 1, 1, 0, 0, PT_DIRECT_BF16},
    {14, 17, 24, 14, 17, 20, 3, 3, 1, 1, 1, PT_DIRECT_BF16},
    {12, 16, 79, 12, 16, 9, 3, 3, 1, 1, 1, PT_DIRECT_BF16},
    {8, 8, 32, 4, 4, 40, 3, 3, 2, 0, 0, PT_DIRECT_BF16},
    {8, 7, 5, 4, 3, 5, 3, 3, 2, 0, 1, PT_WINOGRAD_BF16},
    {9, 8, 17, 5, 4, 19, 1, 1, 2, 0, 0, PT_DIRECT_BF16},
    {7, 7, 2, 2, 2, 2, 2, 2, 4, 0, 0, PT_WINOGRAD_BF16},
};

static const pt_conv_shape linears[] = {
    {1, 1, 5, 1, 1, 3, 1, 1, 1, 0, 0, PT_WINOGRAD_BF16},
    {1, 1, 64, 1, 1, 1000, 1, 1, 1, 0, 0, PT_WINOGRAD_BF16},
    {1, 1, 777, 1, 1, 301, 1, 1, 1, 0, 0, PT_WINOGRAD_BF16},
};

/* What a layer takes, and what plain loops make of it. */
typedef struct {
    layer l;
    float *x, *w, *bias, *dy; /* x, w, dy: rounded copies are below */
    float *x16, *w16, *dy16;  /* rounded */
    float *y, *dx, *dw;
} reference;

/* ---- plain loops ------------------------------------------------------------------- */

/* A chain goes on over n terms a_step and b_step floats apart: pairs, the odd one first.
 */
static float go_on(float s, size_t n, const float *a, size_t a_step, const float *b,
                   size_t b_step)
{
    for (size_t q = 0; q < n; q += 2) {
        if (q + 1 < n) s = exact_half(a[(q + 1) * a_step], b[(q + 1) * b_step], s);
        s = exact_half(a[q * a_step], b[q * b_step], s);
    }
    return s;
}

static size_t pixel(int row, int column, int width)
{
    return (size_t)row * (size_t)width + (size_t)column;
}

static bool inside(int i, int n)
{
    return i >= 0 && i < n;
}

/* Output (i, j, co) of an image: positions of the kernel one after another. */
static float output(const reference *r, const float *x, int i, int j, size_t co)
{
    const pt_conv_shape *s = &r->l.s;
    size_t c_in = (size_t)s->c_in, c_out = (size_t)s->c_out;
    float sum = r->bias[co];

    for (int t = 0; t < s->kh * s->kw; t++) {
        int row = i * s->stride - s->pad_top + t / s->kw;
        int column = j * s->stride - s->pad_left + t % s->kw;

        if (inside(row, s->h) && inside(column, s->w))
            sum = go_on(sum, c_in, x + pixel(row, column, s->w) * c_in, 1,
                        r->w16 + (size_t)t * c_in * c_out + co, c_out);
    }
    return sum;
}

/* Gradient at input (i, j, ci) of an image: pixels of dy one after another. */
static float at_input(const reference *r, const float *dy, int i, int j, size_t ci)
{
    const pt_conv_shape *s = &r->l.s;
    size_t c_in = (size_t)s->c_in, c_out = (size_t)s->c_out;
    float sum = 0;

    for (int o = 0; o < s->out_h * s->out_w; o++) {
        int ki = i + s->pad_top - o / s->out_w * s->stride;
        int kj = j + s->pad_left - o % s->out_w * s->stride;

        if (inside(ki, s->kh) && inside(kj, s->kw))
            sum = go_on(sum, c_out, dy + (size_t)o * c_out, 1,
                        r->w16 + (pixel(ki, kj, s->kw) * c_in + ci) * c_out, 1);
    }
    return sum;
}

/* x of weight row `row` for each pixel of dy of all images; zero outside. */
static void column_of_windows(const reference *r, size_t row, float *to)
{
    const pt_conv_shape *s = &r->l.s;
    size_t c_in = (size_t)s->c_in, ci = row % c_in;
    int t = (int)(row / c_in), pixels = s->out_h * s->out_w;

    for (int o = 0; o < IMAGES * pixels; o++) {
        const float *x = r->x16 + (size_t)(o / pixels) * r->l.x_floats;
        int i = o % pixels / s->out_w * s->stride - s->pad_top + t / s->kw;
        int j = o % pixels % s->out_w * s->stride - s->pad_left + t % s->kw;

        to[o] = inside(i, s->h) && inside(j, s->w) ? x[pixel(i, j, s->w) * c_in + ci] : 0;
    }
}

/* One shard: chains over blocks of pixels, added one after another. */
static float at_weight(const reference *r, const float *column, size_t co)
{
    const pt_conv_shape *s = &r->l.s;
    size_t c_out = (size_t)s->c_out, of_image = pt_conv_pixels(s),
           all = IMAGES * of_image;
    size_t rows = (size_t)pt_conv_rows(s, PIXELS), step = rows * (size_t)s->out_w;
    bool plain = pt_conv_is_plain(s);
    float sum = 0;

    for (size_t at = 0, n; at < all; at += n) {
        size_t left = plain ? all - at : of_image - at % of_image;

        n = plain ? PIXELS : step;
        n = n < left ? n : left;
        float chain = go_on(0, n, column + at, 1, r->dy16 + at * c_out + co, c_out);
        sum = at == 0 ? chain : exact_half(1, sum, chain);
    }
    return sum;
}

static float *rounded(const float *from, size_t n)
{
    float *to = layer_nan(n);

    for (size_t i = 0; i < n; i++) to[i] = plain_bf16(from[i]);
    return to;
}

static void compute(reference *r)
{
    const pt_conv_shape *s = &r->l.s;
    size_t c_in = (size_t)s->c_in, c_out = (size_t)s->c_out, y = 0, dx = 0;
    float *column = layer_nan(IMAGES * pt_conv_pixels(s));

    for (size_t n = 0; n < IMAGES; n++) {
        for (int o = 0; o < s->out_h * s->out_w; o++)
            for (size_t co = 0; co < c_out; co++)
                r->y[y++] =
                    output(r, r->x16 + n * r->l.x_floats, o / s->out_w, o % s->out_w, co);
        for (int i = 0; i < s->h * s->w; i++)
            for (size_t ci = 0; ci < c_in; ci++)
                r->dx[dx++] =
                    at_input(r, r->dy16 + n * r->l.y_floats, i / s->w, i % s->w, ci);
    }
    for (size_t row = 0; row < r->l.w_floats / c_out; row++) {
        column_of_windows(r, row, column);
        for (size_t co = 0; co < c_out; co++)
            r->dw[row * c_out + co] = at_weight(r, column, co);
    }
    free(column);
}

static reference reference_of(layer_kind kind, const pt_conv_shape *s)
{
    layer l = layer_of(kind, s);
    size_t x = IMAGES * l.x_floats, y = IMAGES * l.y_floats;
    reference r = {.l = l,
                   .x = layer_random(1, x),
                   .w = layer_random(2, l.w_floats),
                   .bias = layer_random(3, l.c_out),
                   .dy = layer_random(4, y),
                   .y = layer_nan(y),
                   .dx = layer_nan(x),
                   .dw = layer_nan(l.w_floats)};

    r.x16 = rounded(r.x, x);
    r.w16 = rounded(r.w, l.w_floats);
    r.dy16 = rounded(r.dy, y);
    compute(&r);
    return r;
}

static void free_reference(reference *r)
{
    free(r->x), free(r->w), free(r->bias), free(r->dy);
    free(r->x16), free(r->w16), free(r->dy16);
    free(r->y), free(r->dx), free(r->dw);
}

/* ---- comparison -------------------------------------------------------------------- */

static void check(const reference *r, const char *what, const float *got,
                  const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("%s by %s: %s [%zu] is %a, not %a", layer_text(&r->l),
                     pt_gemm_bf16_path_in_use()->name, what, i, (double)got[i],
                     (double)want[i]);
}

/* The gradient of a linear layer's weights takes floats. */
static void check_weights(const reference *r, pt_threads *pool, const pt_span *span)
{
    float *dw = layer_nan(r->l.w_floats), *db = layer_nan(r->l.c_out);
    float *floats = layer_nan(r->l.w_floats);
    layer l = r->l;

    layer_backward_weights(&r->l, pool, span, r->x, r->dy, &dw, &db);
    l.s.kernel = PT_DIRECT;
    layer_backward_weights(&l, pool, span, r->x, r->dy, &floats, &db);
    check(r, "dw", dw, l.kind == LAYER_LINEAR ? floats : r->dw, l.w_floats);
    free(dw), free(db), free(floats);
}

static void check_on(const reference *r, int n_threads)
{
    size_t x = IMAGES * r->l.x_floats, y = IMAGES * r->l.y_floats;
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *got_y = layer_nan(y), *got_dx = layer_nan(x);
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(n_threads, &pool), PT_OK);
    layer_forward(&r->l, pool, &span, r->x, r->w, r->bias, got_y);
    check(r, "y", got_y, r->y, y);
    layer_backward_data(&r->l, pool, &span, r->dy, r->w, false, got_dx);
    check(r, "dx", got_dx, r->dx, x);
    check_weights(r, pool, &span);
    pt_threads_destroy(&pool);
    free(got_y), free(got_dx);
}

static void check_layer(layer_kind kind, const pt_conv_shape *s)
{
    const pt_gemm_bf16_path *paths[MAX_PATHS];
    int n = pt_gemm_bf16_paths(paths);
    reference r = reference_of(kind, s);

    paths[n++] = &pt_gemm_wide_bf16;
    for (int i = 0; i < n; i++) {
        pt_gemm_bf16_use(paths[i]);
        check_on(&r, 1 + 2 * (i % 2));
    }
    pt_gemm_bf16_use(NULL);
    free_reference(&r);
}

static void convolutions_are_chains_over_pairs_of_channels_and_pixels(void **state)
{
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        check_layer(LAYER_CONV, &convs[i]);
}

static void linear_layers_are_chains_over_pairs(void **state)
{
    for (size_t i = 0; i < sizeof linears / sizeof *linears; i++)
        check_layer(LAYER_LINEAR, &linears[i]);
}

/* Winograd's products take floats: the same bits as without bf16. */
static void winograd_stays_in_fp32(void **state)
{
    const pt_conv_shape s = {20, 21, 16, 20, 21, 24, 3, 3, 1, 1, 1, PT_WINOGRAD};
    layer fp32 = layer_of(LAYER_CONV, &s), bf16 = fp32;
    pt_span span = {.n_shards = 1, .hi = 1, .b = IMAGES};
    float *x = layer_random(1, IMAGES * fp32.x_floats);
    float *w = layer_random(2, fp32.w_floats);
    float *a = layer_nan(IMAGES * fp32.y_floats), *b = layer_nan(IMAGES * fp32.y_floats);
    pt_threads *pool = NULL;

    bf16.s.kernel = PT_WINOGRAD_BF16;
    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    layer_forward(&fp32, pool, &span, x, w, NULL, a);
    layer_forward(&bf16, pool, &span, x, w, NULL, b);
    assert_memory_equal(a, b, IMAGES * fp32.y_floats * sizeof *a);
    pt_threads_destroy(&pool);
    free(x), free(w), free(a), free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_are_chains_over_pairs_of_channels_and_pixels),
        cmocka_unit_test(linear_layers_are_chains_over_pairs),
        cmocka_unit_test(winograd_stays_in_fp32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
