/* Winograd's functions on lanes of sixteen, which a CPU without AVX-512 does not use,
 * give the bits of those on lanes of eight. Compiled here for any CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PT_WIDE_LANES
#define LANE_FUNCTION static
#include "worker/engine/conv/winograd_transform.h"

#include "tests/support/layers.h"

enum { SIDE = 6, MAX_CHANNELS = 48, PAD = 5 };
enum { MAP = SIDE * SIDE * MAX_CHANNELS, STEP = MAX_CHANNELS * PT_PANEL + PAD };

static const pt_winograd_lanes sixteen = PT_WINOGRAD_LANES;
static const size_t channels[] = {1, 7, 8, 9, 16, 20, 24, 31, 32, 48};
enum { N_CHANNELS = sizeof channels / sizeof *channels };

/* What both write: first the same, so that what is not written is equal too. */
typedef struct {
    float *eight, *sixteen;
    size_t n;
} outputs;

static outputs outputs_of(size_t n)
{
    return (outputs){layer_random(9, n), layer_random(9, n), n};
}

static void check(outputs *o, const char *what, size_t c)
{
    if (memcmp(o->eight, o->sixteen, o->n * sizeof *o->eight) != 0)
        fail_msg("%s of %zu channels differs", what, c);
    free(o->eight), free(o->sixteen);
}

static pt_conv_shape shape_of(size_t c)
{
    return (pt_conv_shape){SIDE, SIDE, (int)c, SIDE, SIDE, (int)c,
                           3,    3,    1,      1,    1,    PT_WINOGRAD};
}

static void test_filters_have_the_same_bits(void **state)
{
    float *taps = layer_random(1, 9 * MAX_CHANNELS * PT_PANEL);

    for (size_t n = 1; n <= PT_PANEL; n++) {
        outputs o = outputs_of(PT_POINTS * STEP);

        pt_winograd_eight.filter(taps, MAX_CHANNELS * n, n, n, 5, STEP, o.eight);
        sixteen.filter(taps, MAX_CHANNELS * n, n, n, 5, STEP, o.sixteen);
        check(&o, "filter", n);
    }
    free(taps);
}

static void test_inputs_have_the_same_bits(void **state)
{
    float *x = layer_random(1, MAP);

    for (int i = 0; i < N_CHANNELS; i++) {
        size_t c = channels[i];
        outputs o = outputs_of(PT_POINTS * STEP);
        pt_values pixel[PT_POINTS];

        for (size_t k = 0; k < PT_POINTS; k++)
            pixel[k] = pt_floats(k % 7 == 0 ? NULL : x + k * c);
        pt_winograd_eight.input(pixel, false, 0, c, STEP, o.eight);
        sixteen.input(pixel, false, 0, c, STEP, o.sixteen);
        check(&o, "input", c);
    }
    free(x);
}

static void test_outputs_have_the_same_bits(void **state)
{
    float *m = layer_random(1, PT_POINTS * STEP), *bias = layer_random(2, MAX_CHANNELS);
    float *mask = layer_random(3, MAP);

    for (int i = 0; i < N_CHANNELS; i++) {
        pt_conv_shape s = shape_of(channels[i]);
        outputs o = outputs_of(MAP);
        pt_winograd_output to = {&s,    bias, pt_floats(mask), pt_floats(o.eight),
                                 i % 2, i % 3};

        pt_winograd_eight.output(&to, 0, 4, 0, 0, channels[i], m, STEP);
        to.y = pt_floats(o.sixteen);
        sixteen.output(&to, 0, 4, 0, 0, channels[i], m, STEP);
        check(&o, "output", channels[i]);
    }
    free(m), free(bias), free(mask);
}

static void test_spread_gradients_have_the_same_bits(void **state)
{
    float *dy = layer_random(1, MAP);

    for (int i = 0; i < N_CHANNELS; i++) {
        pt_conv_shape s = shape_of(channels[i]);
        outputs o = outputs_of(PT_POINTS * STEP);

        pt_winograd_eight.spread(&s, pt_floats(dy), 4, 0, channels[i], 3 * PT_PANEL, STEP,
                                 o.eight);
        sixteen.spread(&s, pt_floats(dy), 4, 0, channels[i], 3 * PT_PANEL, STEP,
                       o.sixteen);
        check(&o, "spread", channels[i]);
    }
    free(dy);
}

static void test_gradients_of_filters_have_the_same_bits(void **state)
{
    float *u = layer_random(1, PT_POINTS * STEP);

    for (int i = 0; i < N_CHANNELS; i++) {
        size_t c = channels[i];
        outputs o = outputs_of(9 * 3 * c);

        pt_winograd_eight.gradient(u, STEP, 3, c, o.eight);
        sixteen.gradient(u, STEP, 3, c, o.sixteen);
        check(&o, "gradient", c);
    }
    free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_have_the_same_bits),
        cmocka_unit_test(test_inputs_have_the_same_bits),
        cmocka_unit_test(test_outputs_have_the_same_bits),
        cmocka_unit_test(test_spread_gradients_have_the_same_bits),
        cmocka_unit_test(test_gradients_of_filters_have_the_same_bits),
    };

    return cmocka_run_group_tests_name("winograd_lanes", tests, NULL, NULL);
}
