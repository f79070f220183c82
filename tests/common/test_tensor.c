/* What lies in a network's flat array: layouts, seeded values, hash, frozen groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/rng.h"
#include "common/graph/graph.h"

static pt_graph *make(const char *network, int n_classes)
{
    const pt_graph_options opt = {.n_classes = n_classes, .dropout = 0.5f};
    pt_graph *g = NULL;

    assert_int_equal(pt_graph_create(network, &opt, &g), PT_OK);
    return g;
}

static float *values_of(const pt_graph *g)
{
    float *flat = pt_calloc(g->n_floats, sizeof *flat);

    assert_non_null(flat);
    return flat;
}

/* file 0, 1, 2 ... must arrive in memory as `want`, and come back. */
static void assert_order(const pt_tensor *t, const float *want)
{
    float file[32], memory[32], back[32];

    assert_true(t->count <= 32);
    for (size_t i = 0; i < t->count; i++) file[i] = (float)i;
    pt_tensor_to_memory(t, file, memory);
    assert_memory_equal(memory, want, t->count * sizeof *want);
    pt_tensor_to_file(t, memory, back);
    assert_memory_equal(back, file, t->count * sizeof *file);
}

static void test_convolutions_lie_as_kh_kw_in_out(void **state)
{
    /* O 2, I 3, H 1, W 2; file index = o * 6 + i * 2 + w */
    const pt_tensor t = {
        .kind = PT_TENSOR_CONV, .n_dims = 4, .dims = {2, 3, 1, 2}, .count = 12};
    const float want[12] = {0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11};

    assert_order(&t, want);
}

static void test_depthwise_filters_lie_as_kh_kw_c(void **state)
{
    /* O 3, 1, H 2, W 2; file index = o * 4 + h * 2 + w */
    const pt_tensor t = {
        .kind = PT_TENSOR_DEPTHWISE, .n_dims = 4, .dims = {3, 1, 2, 2}, .count = 12};
    const float want[12] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11};

    assert_order(&t, want);
}

static void test_linear_inputs_go_from_c_h_w_to_h_w_c(void **state)
{
    /* 2 outputs; inputs C 2, H 1, W 3; file index = o * 6 + c * 3 + w */
    const pt_tensor t = {.kind = PT_TENSOR_LINEAR,
                         .n_dims = 2,
                         .dims = {2, 6},
                         .flat_h = 1,
                         .flat_w = 3,
                         .flat_c = 2,
                         .count = 12};
    const float want[12] = {0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11};

    assert_order(&t, want);
}

static void test_vectors_lie_as_they_are(void **state)
{
    const pt_tensor t = {
        .kind = PT_TENSOR_VECTOR, .n_dims = 1, .dims = {19}, .count = 19};
    float want[19];

    for (int i = 0; i < 19; i++) want[i] = (float)i;
    assert_order(&t, want);
}

static void test_every_tensor_returns_from_memory_layout(void **state)
{
    static const char *const networks[] = {"mobilenet_v1", "squeezenet1_1",
                                           "resnet_small"};

    for (size_t k = 0; k < 3; k++) {
        pt_graph *g =
            make(networks[k], 37); /* not a multiple of the rows moved together */
        float *file = values_of(g), *memory = values_of(g), *back = values_of(g);

        for (size_t i = 0; i < g->n_floats; i++) file[i] = (float)i;
        for (int i = 0; i < g->n_tensors; i++) {
            const pt_tensor *t = &g->tensors[i];

            pt_tensor_to_memory(t, file + t->offset, memory + t->offset);
            pt_tensor_to_file(t, memory + t->offset, back + t->offset);
        }
        assert_memory_equal(file, back, g->n_floats * sizeof *file);
        free(file);
        free(memory);
        free(back);
        pt_graph_destroy(&g);
    }
}

static void fill_by_formula(const pt_graph *g, float *flat)
{
    for (int k = 0; k < g->n_tensors; k++) {
        const pt_tensor *t = &g->tensors[k];
        float *file = pt_calloc(t->count, sizeof *file);

        assert_non_null(file);
        for (size_t i = 0; i < t->count; i++) {
            uint64_t n = (i * 2654435761u + (uint64_t)k * 97) % 1000;

            file[i] = (float)((double)n / 1000 - 0.5);
        }
        pt_tensor_to_memory(t, file, flat + t->offset);
        free(file);
    }
}

static void test_the_hash_is_the_one_that_python_computes(void **state)
{
    pt_graph *g = make("resnet_small", 10);
    float *flat = values_of(g);
    FILE *f = fopen(PT_TEST_DATA "/graph/resnet_small.sha256", "r");
    char want[80], hex[65];

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%79s", want), 1);
    fclose(f);
    fill_by_formula(g, flat);
    assert_int_equal(pt_graph_hash(g, flat, hex), PT_OK);
    assert_string_equal(hex, want);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_any_changed_value_changes_the_hash(void **state)
{
    pt_graph *g = make("resnet_small", 10);
    float *flat = values_of(g);
    char before[65], after[65];
    const size_t places[] = {0, g->n_param_floats - 1, g->n_param_floats,
                             g->n_floats - 1};

    fill_by_formula(g, flat);
    assert_int_equal(pt_graph_hash(g, flat, before), PT_OK);
    for (size_t i = 0; i < 4; i++) {
        float kept = flat[places[i]];

        flat[places[i]] = nextafterf(kept, 1.0f);
        assert_int_equal(pt_graph_hash(g, flat, after), PT_OK);
        assert_string_not_equal(before, after);
        flat[places[i]] = kept;
    }
    assert_int_equal(pt_graph_hash(g, flat, after), PT_OK);
    assert_string_equal(before, after);
    free(flat);
    pt_graph_destroy(&g);
}

/* Mean within 5 standard errors of 0, deviation within 5 of `std`. */
static void assert_normal(const pt_graph *g, const float *flat, const char *name,
                          double std)
{
    const pt_tensor *t = &g->tensors[pt_graph_find_tensor(g, name)];
    double sum = 0, squares = 0, n = (double)t->count, sd;

    for (size_t i = 0; i < t->count; i++) {
        double v = flat[t->offset + i];

        sum += v;
        squares += v * v;
    }
    sd = sqrt(squares / n);
    if (fabs(sum / n) > 5 * std / sqrt(n) || fabs(sd - std) > 5 * std / sqrt(2 * n))
        fail_msg("%s: mean %g, deviation %g, expected 0 and %g", name, sum / n, sd, std);
}

static void assert_filled(const pt_graph *g, const float *flat, const char *name,
                          float want)
{
    const pt_tensor *t = &g->tensors[pt_graph_find_tensor(g, name)];

    for (size_t i = 0; i < t->count; i++) assert_true(flat[t->offset + i] == want);
}

static void test_initial_values_have_the_stated_distributions(void **state)
{
    pt_graph *g = make("resnet_small", 200);
    float *flat = values_of(g);

    pt_graph_init(g, 1, 0.03f, false, flat);
    assert_normal(g, flat, "conv1.weight", sqrt(2.0 / (16 * 9)));
    assert_normal(g, flat, "layer3.0.conv2.weight", sqrt(2.0 / (64 * 9)));
    assert_normal(g, flat, "layer3.0.downsample.0.weight", sqrt(2.0 / 64));
    assert_normal(g, flat, "fc.weight", 0.03);
    assert_filled(g, flat, "fc.bias", 0);
    assert_filled(g, flat, "bn1.weight", 1);
    assert_filled(g, flat, "bn1.bias", 0);
    assert_filled(g, flat, "bn1.running_mean", 0);
    assert_filled(g, flat, "bn1.running_var", 1);
    free(flat);
    pt_graph_destroy(&g);

    g = make("mobilenet_v1", 5);
    flat = values_of(g);
    pt_graph_init(g, 1, 0, false, flat);
    assert_normal(g, flat, "conv_dw_13.weight", sqrt(2.0 / 9));
    assert_filled(g, flat, "head.weight", 0);
    free(flat);
    pt_graph_destroy(&g);
}

static void test_the_same_seed_gives_the_same_bits_and_another_does_not(void **state)
{
    pt_graph *g = make("resnet_small", 10);
    float *a = values_of(g), *b = values_of(g);

    pt_graph_init(g, 7, 0.01f, false, a);
    pt_graph_init(g, 7, 0.01f, false, b);
    assert_memory_equal(a, b, g->n_floats * sizeof *a);
    pt_graph_init(g, 8, 0.01f, false, b);
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (t->kind != PT_TENSOR_VECTOR)
            assert_memory_not_equal(a + t->offset, b + t->offset, t->count * sizeof *a);
    }
    free(a);
    free(b);
    pt_graph_destroy(&g);
}

static void test_tensors_of_one_shape_differ(void **state)
{
    pt_graph *g = make("cifar_resnet20", 10);
    float *flat = values_of(g);
    const pt_tensor *a = &g->tensors[pt_graph_find_tensor(g, "layer1.0.conv1.weight")];
    const pt_tensor *b = &g->tensors[pt_graph_find_tensor(g, "layer1.0.conv2.weight")];

    pt_graph_init(g, 1, 0.01f, false, flat);
    assert_int_equal(a->count, b->count);
    assert_memory_not_equal(flat + a->offset, flat + b->offset, a->count * sizeof *flat);
    free(flat);
    pt_graph_destroy(&g);
}

/* The key is FNV-1a of the name, folded to 40 bits, computed with Python's integers. */
static void test_values_are_drawn_in_file_order_from_the_stated_streams(void **state)
{
    static const char *const networks[] = {"resnet_small", "cifar_resnet20"};
    const char *name = "layer2.0.conv1.weight"; /* not at the same place in the two */
    const double std = sqrt(2.0 / (32 * 9));
    float draws[4608], file[4608];
    pt_rng first = pt_rng_stream(6, PT_RNG_INIT, 0x8f99b83950, 0);
    pt_rng second = pt_rng_stream(6, PT_RNG_INIT, 0x8f99b83950, 1);

    pt_rng_fill_normal(&first, draws, 4096);
    pt_rng_fill_normal(&second, draws + 4096, 512);
    for (int k = 0; k < 2; k++) {
        pt_graph *g = make(networks[k], 10);
        float *flat = values_of(g);
        const pt_tensor *t = &g->tensors[pt_graph_find_tensor(g, name)];

        assert_int_equal(t->count, 4608);
        pt_graph_init(g, 6, 0.01f, false, flat);
        pt_tensor_to_file(t, flat + t->offset, file);
        for (size_t i = 0; i < 4608; i++) assert_true(file[i] == (float)(draws[i] * std));
        free(flat);
        pt_graph_destroy(&g);
    }
}

static void test_a_new_head_leaves_the_trunk_alone(void **state)
{
    pt_graph *g = make("resnet_small", 10);
    float *flat = values_of(g), *full = values_of(g);

    for (size_t i = 0; i < g->n_floats; i++) flat[i] = 42;
    pt_graph_init(g, 3, 0.01f, true, flat);
    pt_graph_init(g, 3, 0.01f, false, full);
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (t->head)
            assert_memory_equal(flat + t->offset, full + t->offset,
                                t->count * sizeof *flat);
        else
            assert_filled(g, flat, t->name, 42);
    }
    free(flat);
    free(full);
    pt_graph_destroy(&g);
}

static void test_initial_trunks_do_not_depend_on_the_number_of_classes(void **state)
{
    pt_graph *few = make("squeezenet1_1", 3), *many = make("squeezenet1_1", 200);
    float *a = values_of(few), *b = values_of(many);

    pt_graph_init(few, 5, 0.01f, false, a);
    pt_graph_init(many, 5, 0.01f, false, b);
    for (int i = 0; i < few->n_tensors; i++) {
        const pt_tensor *t = &few->tensors[i];
        const pt_tensor *o = &many->tensors[pt_graph_find_tensor(many, t->name)];

        if (!t->head)
            assert_memory_equal(a + t->offset, b + o->offset, t->count * sizeof *a);
    }
    free(a);
    free(b);
    pt_graph_destroy(&few);
    pt_graph_destroy(&many);
}

static void test_frozen_groups_are_trunk_head_or_prefixes(void **state)
{
    const pt_tensor conv = {.name = "layer1.0.conv1.weight"};
    const pt_tensor fc = {.name = "fc.weight", .head = true};
    char trunk[] = "trunk", head[] = "head", prefix[] = "layer1.", other[] = "layer2.";
    char *const by_trunk[] = {trunk}, *const by_head[] = {other, head};
    char *const by_prefix[] = {other, prefix}, *const by_other[] = {other};

    assert_true(pt_tensor_frozen(&conv, by_trunk, 1));
    assert_false(pt_tensor_frozen(&fc, by_trunk, 1));
    assert_false(pt_tensor_frozen(&conv, by_head, 2));
    assert_true(pt_tensor_frozen(&fc, by_head, 2));
    assert_true(pt_tensor_frozen(&conv, by_prefix, 2));
    assert_false(pt_tensor_frozen(&fc, by_prefix, 2));
    assert_false(pt_tensor_frozen(&conv, by_other, 1));
    assert_false(pt_tensor_frozen(&conv, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions_lie_as_kh_kw_in_out),
        cmocka_unit_test(test_depthwise_filters_lie_as_kh_kw_c),
        cmocka_unit_test(test_linear_inputs_go_from_c_h_w_to_h_w_c),
        cmocka_unit_test(test_vectors_lie_as_they_are),
        cmocka_unit_test(test_every_tensor_returns_from_memory_layout),
        cmocka_unit_test(test_the_hash_is_the_one_that_python_computes),
        cmocka_unit_test(test_any_changed_value_changes_the_hash),
        cmocka_unit_test(test_initial_values_have_the_stated_distributions),
        cmocka_unit_test(test_the_same_seed_gives_the_same_bits_and_another_does_not),
        cmocka_unit_test(test_tensors_of_one_shape_differ),
        cmocka_unit_test(test_values_are_drawn_in_file_order_from_the_stated_streams),
        cmocka_unit_test(test_a_new_head_leaves_the_trunk_alone),
        cmocka_unit_test(test_initial_trunks_do_not_depend_on_the_number_of_classes),
        cmocka_unit_test(test_frozen_groups_are_trunk_head_or_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
