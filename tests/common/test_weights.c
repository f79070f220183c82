/* From tables to a network: names, shapes, layouts, misfits. */
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"
#include "tests/support/temp_dir.h"

#include "common/data/h5file.h"
#include "common/weights/names.h"

/* ---- names and layouts of others -------------------------------------------------- */

static void check_names(const char *network, const char *title, pt_format format,
                        bool original_head, const char *const (*pairs)[2])
{
    const pt_naming *rule = rule_of(title, format, network);
    const pt_graph_options opt = {
        .n_classes = 10, .dropout = 0.5f, .original_head = original_head};
    pt_graph *g = make_graph(network, &opt);
    pt_table empty = {.path = (char *)"empty"};

    for (; (*pairs)[0]; pairs++) {
        int i = pt_graph_find_tensor(g, (*pairs)[0]);
        char name[PT_NAMES_MAX];

        assert_true(i >= 0);
        assert_null(pt_names_find(&empty, rule, g, &g->tensors[i], name));
        assert_string_equal(name, (*pairs)[1]);
    }
    pt_graph_destroy(&g);
}

static void test_names_of_squeezenet_are_those_of_caffe(void **state)
{
    static const char *const onnx[][2] = {
        {"features.0.weight", "conv1_w_0"},
        {"features.3.squeeze.weight", "fire2/squeeze1x1_w_0"},
        {"features.4.expand1x1.bias", "fire3/expand1x1_b_0"},
        {"features.6.expand3x3.weight", "fire4/expand3x3_w_0"},
        {"features.7.squeeze.bias", "fire5/squeeze1x1_b_0"},
        {"features.9.squeeze.weight", "fire6/squeeze1x1_w_0"},
        {"features.10.squeeze.weight", "fire7/squeeze1x1_w_0"},
        {"features.11.squeeze.weight", "fire8/squeeze1x1_w_0"},
        {"features.12.expand3x3.bias", "fire9/expand3x3_b_0"},
        {"classifier.1.weight", "conv10_w_0"},
        {NULL, NULL}};
    static const char *const keras[][2] = {
        {"features.0.bias", "conv1/bias"},
        {"features.12.squeeze.weight", "fire9/squeeze1x1/kernel"},
        {"classifier.1.bias", "conv10/bias"},
        {NULL, NULL}};

    check_names("squeezenet1_1", "Caffe", PT_FORMAT_ONNX, true, onnx);
    check_names("squeezenet1_1", "Caffe", PT_FORMAT_KERAS, true, keras);
}

static void test_names_of_mobilenet_are_those_of_keras(void **state)
{
    static const char *const names[][2] = {
        {"conv1.weight", "conv1/kernel"},
        {"conv1_bn.weight", "conv1_bn/gamma"},
        {"conv_dw_13.weight", "conv_dw_13/depthwise_kernel"},
        {"conv_dw_13_bn.bias", "conv_dw_13_bn/beta"},
        {"conv_pw_7.weight", "conv_pw_7/kernel"},
        {"conv_pw_7_bn.running_mean", "conv_pw_7_bn/moving_mean"},
        {"conv_pw_7_bn.running_var", "conv_pw_7_bn/moving_variance"},
        {NULL, NULL}};

    check_names("mobilenet_v1", "Keras", PT_FORMAT_TFJS, false, names);
    check_names("mobilenet_v1", "Keras", PT_FORMAT_KERAS, false, names);
}

/* The value of tensor t at its place in PyTorch's layout. */
static float value_at(int t, size_t o, size_t i, size_t h, size_t w)
{
    return (float)(t * 31 + (int)(o * 7 + i * 5 + h * 3 + w) % 4093);
}

/* A tensor as Keras has it: [h][w][in][out], depthwise [h][w][c][1], vectors [n]. */
static void write_keras_layout(FILE *json, FILE *shard, const pt_graph *g, int index)
{
    const pt_tensor *t = &g->tensors[index];
    const bool depthwise = t->kind == PT_TENSOR_DEPTHWISE;
    size_t d[4] = {1, 1, 1, 1};
    const pt_naming *rule = rule_of("Keras", PT_FORMAT_TFJS, "mobilenet_v1");
    pt_table empty = {.path = (char *)"empty"};
    char name[PT_NAMES_MAX];

    for (int k = 0; k < t->n_dims; k++) d[k] = (size_t)t->dims[k];
    assert_null(pt_names_find(&empty, rule, g, t, name));
    fprintf(json, "%s{\"name\":\"%s\",\"dtype\":\"float32\",\"shape\":", index ? "," : "",
            name);
    if (t->n_dims == 1)
        fprintf(json, "[%zu]}", d[0]);
    else
        fprintf(json, "[%zu,%zu,%zu,%zu]}", d[2], d[3], depthwise ? d[0] : d[1],
                depthwise ? 1 : d[0]);
    for (size_t h = 0; h < d[2]; h++)
        for (size_t w = 0; w < d[3]; w++)
            for (size_t i = 0; i < d[1]; i++)
                for (size_t o = 0; o < d[0]; o++) {
                    float v = value_at(index, o, i, h, w);

                    assert_int_equal(fwrite(&v, sizeof v, 1, shard), 1);
                }
}

static void test_kernels_in_the_layout_of_keras_end_up_in_that_of_pytorch(void **state)
{
    const pt_graph_options opt = {.n_classes = 2, .dropout = 0.5f};
    pt_graph *g = make_graph("mobilenet_v1", &opt);
    float *flat = make_flat(g, 1);
    FILE *json = fopen(in_dir("model.json"), "w");
    FILE *shard = fopen(in_dir("shard"), "w");
    pt_weights_info info;

    assert_true(json && shard);
    fprintf(json, "{\"weightsManifest\":[{\"paths\":[\"shard\"],\"weights\":[");
    for (int i = 0; i < g->n_tensors; i++)
        if (!g->tensors[i].head) write_keras_layout(json, shard, g, i);
    fprintf(json, "]},{\"paths\":[\"gone\"],\"weights\":[{\"name\":\"conv_pw_13/kernel\","
                  "\"dtype\":\"float32\",\"shape\":[1,1,1024,1024]}]}]}");
    assert_int_equal(fclose(json), 0);
    assert_int_equal(fclose(shard), 0);
    if (pt_weights_load(dir, "model.json", g, false, flat, &info) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_string_equal(info.left,
                        "1 tensor is not used (conv_pw_13/kernel): the network "
                        "ends at conv_dw_13");
    assert_true(!info.preprocess.bgr && info.preprocess.scale * 255 == 2);
    for (int k = 0; k < g->n_tensors; k++) {
        const pt_tensor *t = &g->tensors[k];
        float *file = test_malloc(t->count * sizeof *file), *v = file;
        size_t d[4] = {1, 1, 1, 1};

        for (int i = 0; i < t->n_dims; i++) d[i] = (size_t)t->dims[i];
        pt_tensor_to_file(t, flat + t->offset, file);
        for (size_t o = 0; o < d[0] && !t->head; o++)
            for (size_t i = 0; i < d[1]; i++)
                for (size_t h = 0; h < d[2]; h++)
                    for (size_t w = 0; w < d[3]; w++, v++)
                        if (*v != value_at(k, o, i, h, w))
                            fail_msg("%s: %g at %zu", t->name, (double)*v,
                                     (size_t)(v - file));
        test_free(file);
    }
    assert_int_equal(remove(in_dir("model.json")), 0);
    assert_int_equal(remove(in_dir("shard")), 0);
    free(flat);
    pt_graph_destroy(&g);
}

/* ---- misfits ---------------------------------------------------------------------- */

static void test_a_file_of_something_else_gets_one_line(void **state)
{
    const pt_graph_options opt = {.n_classes = 10};
    pt_graph *g = make_graph("squeezenet1_1", &opt);
    float *flat = make_flat(g, 1);

    assert_int_equal(pt_weights_load(FIXTURES "tiny.onnx", NULL, g, true, flat, NULL),
                     PT_ERR_WEIGHTS);
    assert_says(
        "tiny.onnx: holds none of the 52 tensors of squeezenet1_1; the first of its 6 "
        "is half_listed");
    assert_null(strchr(pt_fail_text(), '\n'));
    free(flat);
    pt_graph_destroy(&g);
}

/* Tensors of a Keras file by hand: a wrong kernel, one of integers, the rest missing. */
static void test_all_misfits_are_listed_in_the_layout_of_pytorch(void **state)
{
    const pt_graph_options opt = {.n_classes = 10, .dropout = 0.5f};
    const uint64_t kernel[4] = {7, 7, 3, 64}, bias[1] = {64}, squeeze[4] = {1, 1, 64, 16};
    float *zeros = calloc(7 * 7 * 3 * 64, sizeof *zeros);
    int32_t *numbers = calloc(64 * 16, sizeof *numbers);
    const char *path = in_dir("misfit.h5");
    pt_graph *g = make_graph("squeezenet1_1", &opt);
    float *flat = make_flat(g, 1);
    pt_h5file *f = NULL;
    pt_status s = pt_h5file_create(path, &f);
    const char *text;

    if (s == PT_OK) s = pt_h5file_write_f32(f, "conv1/w", 4, kernel, zeros);
    if (s == PT_OK) s = pt_h5file_write_f32(f, "conv1/b", 1, bias, zeros);
    if (s == PT_OK) s = pt_h5file_write_i32(f, "fire2/squeeze1x1/w", 4, squeeze, numbers);
    if (s == PT_OK)
        s = pt_h5file_set_strings(f, "/", "layer_names",
                                  (const char *[]){"conv1", "fire2/squeeze1x1"}, 2);
    if (s == PT_OK)
        s = pt_h5file_set_strings(f, "conv1", "weight_names", (const char *[]){"w", "b"},
                                  2);
    if (s == PT_OK)
        s = pt_h5file_set_strings(f, "fire2/squeeze1x1", "weight_names",
                                  (const char *[]){"w"}, 1);
    if (s == PT_OK) s = pt_h5file_commit(&f);
    if (s != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(pt_weights_load(path, NULL, g, false, flat, NULL), PT_ERR_WEIGHTS);
    text = pt_fail_text();
    assert_says("features.0.weight: the file has 64x3x7x7, the network needs 64x3x3x3\n");
    assert_says("fire2/squeeze1x1/kernel: the data set /fire2/squeeze1x1/w does not hold "
                "floating point numbers\n");
    assert_says(
        "features.3.squeeze.bias: the file has no fire2/squeeze1x1/bias, the network "
        "needs 16\n");
    assert_null(strstr(text, "features.0.bias"));
    size_t lines = 1;
    for (; *text; text++) lines += *text == '\n';
    assert_says(
        "misfit.h5: the file lacks 47 of the 50 tensors of squeezenet1_1, the first "
        "3 of which are named here");
    /* Two that misfit, three that are missing and how many there are: a line for each of
     * 47 missing tensors hid the two. */
    assert_int_equal(lines, 6);
    assert_int_equal(remove(path), 0);
    free(zeros);
    free(numbers);
    free(flat);
    pt_graph_destroy(&g);
}

/* One shard less than the real model lacks already, as a manifest of one tensor. */
static void test_a_missing_shard_that_is_needed_names_file_and_tensor(void **state)
{
    static const char json[] =
        "{\"weightsManifest\":[{\"paths\":[\"group1-shard1of1\"],\"weights\":[{\"name\":"
        "\"conv1/kernel\",\"shape\":[3,3,3,32],\"dtype\":\"float32\"}]}]}";
    const pt_graph_options opt = {.n_classes = 10, .dropout = 0.5f};
    pt_graph *g = make_graph("mobilenet_v1", &opt);
    float *flat = make_flat(g, 1);
    char expected[256];

    write_file(in_dir("model.json"), json, sizeof json - 1);
    assert_int_equal(pt_weights_load(dir, NULL, g, false, flat, NULL), PT_ERR_WEIGHTS);
    snprintf(expected, sizeof expected,
             "%s/group1-shard1of1: cannot be opened for conv1/kernel: No such file", dir);
    assert_says(expected);
    assert_says(
        "conv_dw_1.weight: the file has no conv_dw_1/depthwise_kernel, the network "
        "needs 32x1x3x3");
    assert_says("model.json: the file lacks 129 of the 130 tensors of mobilenet_v1");
    assert_int_equal(remove(in_dir("model.json")), 0);
    free(flat);
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_squeezenet_are_those_of_caffe),
        cmocka_unit_test(test_names_of_mobilenet_are_those_of_keras),
        cmocka_unit_test(test_kernels_in_the_layout_of_keras_end_up_in_that_of_pytorch),
        cmocka_unit_test(test_a_file_of_something_else_gets_one_line),
        cmocka_unit_test(test_all_misfits_are_listed_in_the_layout_of_pytorch),
        cmocka_unit_test(test_a_missing_shard_that_is_needed_names_file_and_tensor),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
