/* The fast kernels against plain loops in double at the layers' real sizes: relative
 * error of the norm at most 1e-5 by the direct kernels, 1e-4 by Winograd. Values are N(0,
 * 1), as after a normalised layer. Minutes: plain loops are slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/layers.h"
#include "tests/support/plain.h"

static const struct {
    layer_kind kind;
    pt_conv_shape s;
} layers[] = {
    {LAYER_CONV, {224, 224, 3, 224, 224, 64, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {224, 224, 64, 224, 224, 64, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {56, 56, 256, 56, 56, 256, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {14, 14, 512, 14, 14, 512, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {7, 7, 512, 7, 7, 512, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {224, 224, 3, 112, 112, 64, 7, 7, 2, 3, 3, PT_WINOGRAD}},
    {LAYER_CONV, {56, 56, 128, 28, 28, 128, 3, 3, 2, 1, 1, PT_WINOGRAD}},
    {LAYER_CONV, {56, 56, 256, 28, 28, 512, 1, 1, 2, 0, 0, PT_WINOGRAD}},
    {LAYER_CONV, {14, 14, 1024, 14, 14, 256, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_CONV, {55, 55, 16, 55, 55, 64, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_DEPTHWISE, {112, 112, 32, 112, 112, 32, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 25088, 1, 1, 4096, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {LAYER_LINEAR, {1, 1, 2048, 1, 1, 1000, 1, 1, 1, 0, 0, PT_WINOGRAD}},
};

enum { IMAGES = 2, SHARDS = 2 };

static void check(const layer *l, const char *what, const float *got, const double *want,
                  size_t n)
{
    double limit = l->kind == LAYER_CONV && l->s.kernel == PT_WINOGRAD ? 1e-4 : 1e-5;
    double d = plain_distance(got, want, n);

    print_message("%-44s kernel %d  %-2s %.2g\n", layer_text(l), (int)l->s.kernel, what,
                  d);
    if (!(d <= limit)) fail_msg("%s: %s is off by %g", layer_text(l), what, d);
}

static void check_layer(layer *l, pt_threads *pool)
{
    pt_span span = {SHARDS, 0, SHARDS, IMAGES, false};
    size_t x_n = IMAGES * l->x_floats, y_n = IMAGES * l->y_floats;
    float *x = layer_random(1, x_n), *w = layer_random(2, l->w_floats);
    float *bias = layer_random(3, l->c_out), *dy = layer_random(4, y_n);
    float *y = layer_nan(y_n), *dx = layer_nan(x_n);
    float *dw = layer_nan(l->w_floats), *db = layer_nan(l->c_out);
    double *want = malloc((x_n + y_n + l->w_floats + l->c_out) * sizeof *want);
    double *want_dx = want + y_n, *want_dw = want_dx + x_n,
           *want_db = want_dw + l->w_floats;

    assert_non_null(want);
    layer_plain_forward(l, IMAGES, x, w, bias, want);
    layer_plain_backward(l, IMAGES, x, w, dy, want_dx, want_dw, want_db);
    for (int m = PT_WINOGRAD; m <= (l->kind == LAYER_CONV ? PT_DIRECT : 0); m++) {
        l->s.kernel = (pt_kernel)m;
        layer_forward(l, pool, &span, x, w, bias, y);
        layer_backward_data(l, pool, &span, dy, w, false, dx);
        layer_backward_weights(l, pool, &span, x, dy, &dw, &db);
        check(l, "y", y, want, y_n);
        check(l, "dx", dx, want_dx, x_n);
        check(l, "dw", dw, want_dw, l->w_floats);
        check(l, "db", db, want_db, l->c_out);
    }
    free(x), free(w), free(bias), free(dy), free(y), free(dx), free(dw), free(db);
    free(want);
}

static void test_kernels_are_accurate_at_real_sizes(void **state)
{
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        layer l = layer_of(layers[i].kind, &layers[i].s);

        check_layer(&l, pool);
    }
    pt_threads_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_accurate_at_real_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
