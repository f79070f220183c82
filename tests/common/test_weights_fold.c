/* Biases of convolutions before batch norm go into the running means. */
#include "common/weights/fold.h"
#include "tests/common/weights_tables.h"

enum { CHANNELS = 64 };

/* conv1 of ResNet-50 as Keras 2.2 has it: the bias i / 8 for channel i. */
static pt_status read_bias(const pt_table *t, const pt_table_entry *e, float *values)
{
    for (size_t i = 0; i < e->count; i++) values[i] = (float)i / 8;
    return PT_OK;
}

static pt_table *table_of(int64_t channels)
{
    static const pt_table_ops ops = {.read = read_bias};
    pt_table *t = NULL;

    assert_int_equal(pt_table_create("keras.h5", &ops, &t), PT_OK);
    assert_int_equal(pt_table_add(t, "conv1/bias", 10, 1, &channels, 0, NULL), PT_OK);
    assert_int_equal(pt_table_finish(t), PT_OK);
    return t;
}

static pt_graph *resnet50(void)
{
    const pt_graph_options opt = {.n_classes = 10};

    return make_graph("resnet50", &opt);
}

static void
test_a_bias_is_subtracted_from_the_mean_after_it_and_nothing_else(void **state)
{
    pt_graph *g = resnet50();
    float *flat = make_flat(g, 1), *before = make_flat(g, 1);
    int mean = pt_graph_find_tensor(g, "bn1.running_mean");
    pt_table *t = table_of(CHANNELS);

    assert_int_equal(
        pt_fold_conv_biases(t, rule_of("Keras", PT_FORMAT_KERAS, "resnet50"), g, flat),
        PT_OK);
    assert_int_equal(g->tensors[mean].count, CHANNELS);
    for (size_t i = 0; i < g->n_floats; i++) {
        size_t at = i - g->tensors[mean].offset;

        if (i >= g->tensors[mean].offset && at < CHANNELS)
            assert_true(flat[i] == before[i] - (float)at / 8);
        else
            assert_true(flat[i] == before[i]);
    }
    pt_table_destroy(&t);
    pt_graph_destroy(&g);
    free(flat);
    free(before);
}

static void test_a_bias_of_another_length_is_refused_with_both_numbers(void **state)
{
    pt_graph *g = resnet50();
    float *flat = make_flat(g, 1);
    pt_table *t = table_of(63);

    assert_int_equal(
        pt_fold_conv_biases(t, rule_of("Keras", PT_FORMAT_KERAS, "resnet50"), g, flat),
        PT_ERR_WEIGHTS);
    assert_says("keras.h5: conv1/bias has 63 values, the convolution has 64 channels");
    pt_table_destroy(&t);
    pt_graph_destroy(&g);
    free(flat);
}

static void test_torchvisions_networks_have_no_such_bias(void **state)
{
    pt_graph *g = resnet50();
    pt_table *t = table_of(CHANNELS);

    for (int i = 0; i < g->n_nodes; i++)
        assert_null(pt_names_find_bias(
            t, rule_of("torchvision", PT_FORMAT_TORCH, "resnet50"), g, &g->nodes[i]));
    pt_table_destroy(&t);
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_a_bias_is_subtracted_from_the_mean_after_it_and_nothing_else),
        cmocka_unit_test(test_a_bias_of_another_length_is_refused_with_both_numbers),
        cmocka_unit_test(test_torchvisions_networks_have_no_such_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
