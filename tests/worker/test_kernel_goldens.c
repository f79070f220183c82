/* The heavy kernels against PyTorch: values made by tests/oracle/layers_conv.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/gemm/gemm_path.h"
#include "tests/support/golden.h"
#include "tests/support/layers.h"
#include "tests/support/pattern.h"
#include "worker/engine/gemm/gemm_blas.h"

/* The same table is in tests/oracle/layers_conv.py. */
static const struct {
    const char *name;
    layer_kind kind;
    int n;
    pt_conv_shape s;
} goldens[] = {
    {"same", LAYER_CONV, 3, {4, 5, 3, 4, 5, 4, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {"point", LAYER_CONV, 3, {3, 4, 5, 3, 4, 6, 1, 1, 1, 0, 0, PT_WINOGRAD}},
    {"stride", LAYER_CONV, 3, {5, 6, 3, 2, 3, 5, 3, 3, 2, 0, 0, PT_WINOGRAD}},
    {"first", LAYER_CONV, 1, {9, 8, 3, 5, 4, 5, 7, 7, 2, 3, 3, PT_WINOGRAD}},
    {"odd", LAYER_CONV, 3, {5, 4, 2, 5, 4, 3, 2, 3, 1, 1, 0, PT_WINOGRAD}},
    {"depth", LAYER_DEPTHWISE, 3, {4, 5, 6, 4, 5, 6, 3, 3, 1, 1, 1, PT_WINOGRAD}},
    {"depth2", LAYER_DEPTHWISE, 3, {5, 6, 5, 2, 3, 5, 3, 3, 2, 0, 1, PT_WINOGRAD}},
    {"linear", LAYER_LINEAR, 3, {1, 1, 19, 1, 1, 7, 1, 1, 1, 0, 0, PT_WINOGRAD}},
};

static float *pattern(uint64_t salt, size_t n)
{
    float *p = layer_nan(n);

    pattern_fill(salt, n, p);
    return p;
}

/* Short sums in float against double: a few 1e-7. */
static void check(const char *name, pt_kernel kernel, const char *what, const float *got,
                  size_t n)
{
    char key[64];

    snprintf(key, sizeof key, "%s_%s", name, what);
    float *want = golden_load(PT_TEST_DATA "/layers/conv.txt", key, n);
    double d = relative_distance(got, want, n);

    if (!(d < (kernel == PT_WINOGRAD ? 1e-5 : 2e-6)))
        fail_msg("%s by kernel %d is off by %g", key, (int)kernel, d);
    free(want);
}

static void test_kernels_compute_what_pytorch_does(void **state)
{
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        layer l = layer_of(goldens[i].kind, &goldens[i].s);
        pt_span span = {4, 0, 4, goldens[i].n, false};
        size_t x_n = (size_t)span.b * l.x_floats, y_n = (size_t)span.b * l.y_floats;
        float *x = pattern(1, x_n), *w = pattern(2, l.w_floats), *b = pattern(3, l.c_out);
        float *dy = pattern(4, y_n), *y = layer_nan(y_n), *dx = layer_nan(x_n);
        float *dw = layer_nan(l.w_floats), *db = layer_nan(l.c_out);

        for (int k = 0; k < 4; k++) { /* by our product, by the library's */
            pt_kernel how = l.s.kernel = k % 2 ? PT_DIRECT : PT_WINOGRAD;

            pt_gemm_use(k < 2 ? NULL : &pt_gemm_blas);
            layer_forward(&l, pool, &span, x, w, b, y);
            layer_backward_data(&l, pool, &span, dy, w, false, dx);
            layer_backward_weights(&l, pool, &span, x, dy, &dw, &db);
            check(goldens[i].name, how, "y", y, y_n);
            check(goldens[i].name, how, "dx", dx, x_n);
            check(goldens[i].name, how, "dw", dw, l.w_floats);
            check(goldens[i].name, how, "db", db, l.c_out);
        }
        free(x), free(w), free(b), free(dy), free(y), free(dx), free(dw), free(db);
    }
    pt_gemm_use(NULL);
    pt_threads_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_compute_what_pytorch_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
