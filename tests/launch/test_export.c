/* Exported models, read back by our readers. Other programs read them in
 * tests/e2e/export_foreign.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/graph/builder.h"
#include "common/weights/weights.h"
#include "launch/export/export.h"
#include "proto/onnx.pb-c.h"

static char dir[] = "/tmp/ptrain-export-XXXXXX", path[64];

static int make_dir(void **state)
{
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/model", dir);
    return 0;
}

static int remove_dir(void **state)
{
    return rmdir(dir);
}

static const pt_geometry geometry = {PT_RESIZE_SHORT_SIDE, 40};

typedef struct {
    pt_graph *graph;
    float *flat;
    pt_export e;
} network;

static void make(network *n, const char *name, const pt_graph_options *opt)
{
    assert_int_equal(pt_graph_create(name, opt, &n->graph), PT_OK);
    n->flat = calloc(n->graph->n_floats, sizeof *n->flat);
    assert_non_null(n->flat);
    pt_graph_init(n->graph, 7, 0.1f, false, n->flat);
    for (size_t i = n->graph->n_param_floats; i < n->graph->n_floats; i++)
        n->flat[i] = (float)(i % 17); /* running statistics that are all different */
    n->e = (pt_export){.graph = n->graph,
                       .flat = n->flat,
                       .preprocess = &pt_preprocess_imagenet,
                       .geometry = &geometry};
}

static void end(network *n)
{
    pt_graph_destroy(&n->graph);
    free(n->flat);
    assert_int_equal(remove(path), 0);
}

typedef pt_status (*writer)(const pt_export *e, const char *path);

static const struct {
    writer write;
    pt_format format;
} formats[] = {{pt_export_onnx, PT_FORMAT_ONNX},
               {pt_export_safetensors, PT_FORMAT_SAFETENSORS},
               {pt_export_pth, PT_FORMAT_TORCH}};

enum { FORMATS = sizeof formats / sizeof *formats };

static void check(const char *name, int side, bool original_head)
{
    const pt_graph_options opt = {
        .n_classes = 5, .side = side, .original_head = original_head};
    network n;
    pt_weights_info info;
    float *back;

    make(&n, name, &opt);
    back = calloc(n.graph->n_floats, sizeof *back);
    for (int i = 0; i < FORMATS; i++) {
        assert_int_equal(formats[i].write(&n.e, path), PT_OK);
        memset(back, 0, n.graph->n_floats * sizeof *back);
        if (pt_weights_load(path, NULL, n.graph, true, back, &info) != PT_OK)
            fail_msg("%s: %s", name, pt_fail_text());
        assert_int_equal(info.format, formats[i].format);
        assert_int_equal(info.n_weights, n.graph->n_tensors);
        assert_memory_equal(back, n.flat, n.graph->n_floats * sizeof *back);
    }
    free(back);
    end(&n);
}

static void test_every_network_comes_back_with_the_same_bits(void **state)
{
    check("resnet_small", 32, false);
    check("cifar_resnet20", 0, false);
    check("squeezenet1_1", 64, false);
    check("squeezenet1_1", 64, true);
    check("mobilenet_v1", 64, false);
    check("resnet50", 64, false);
}

static void test_a_source_head_is_left_out(void **state)
{
    const pt_graph_options opt = {.n_classes = 5, .side = 32, .n_source_classes = 9},
                           plain = {.n_classes = 5, .side = 32};
    network n;
    pt_graph *g;
    pt_weights_info info;
    float *back;

    make(&n, "resnet_small", &opt);
    assert_int_equal(pt_graph_create("resnet_small", &plain, &g), PT_OK);
    back = calloc(g->n_floats, sizeof *back);
    for (int i = 0; i < FORMATS; i++) {
        assert_int_equal(formats[i].write(&n.e, path), PT_OK);
        assert_int_equal(pt_weights_load(path, NULL, g, true, back, &info), PT_OK);
        assert_int_equal(info.n_weights, g->n_tensors);
        assert_string_equal(info.left, "");
    }
    pt_graph_destroy(&g);
    free(back);
    end(&n);
}

/* A network that averages its map of `side` pixels to 5 x 5, as ONNX; free it by
 * pt__onnx__model_proto__free_unpacked. */
static Pt__Onnx__ModelProto *export_pool(int side)
{
    const pt_graph_options opt = {.side = side, .n_classes = 3, .bn_eps = 1e-5f};
    static uint8_t bytes[1 << 16];
    Pt__Onnx__ModelProto *m;
    pt_builder b;
    network n;
    size_t size;
    FILE *f;

    pt_builder_init(&b, "tiny", &opt);
    b.g->rep = pt_build_adaptive_avg_pool(&b, 0, pt_named("avgpool"), 5);
    pt_build_linear(&b, b.g->rep, pt_named("head"), 3);
    assert_int_equal(pt_builder_finish(&b, &n.graph), PT_OK);
    n.flat = calloc(n.graph->n_floats, sizeof *n.flat);
    n.e = (pt_export){.graph = n.graph,
                      .flat = n.flat,
                      .preprocess = &pt_preprocess_imagenet,
                      .geometry = &geometry};
    assert_int_equal(pt_export_onnx(&n.e, path), PT_OK);
    f = fopen(path, "rb");
    assert_non_null(f);
    size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    m = pt__onnx__model_proto__unpack(NULL, size, bytes);
    assert_non_null(m);
    end(&n);
    return m;
}

static const Pt__Onnx__TensorProto *constant(const Pt__Onnx__GraphProto *g,
                                             const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++)
        if (strcmp(g->initializer[i]->name, name) == 0) return g->initializer[i];
    fail_msg("no constant %s", name);
    return NULL;
}

static void test_averages_over_a_grid_are_two_products(void **state)
{
    static const int from[5] = {0, 2, 4, 7, 9}, to[5] = {3, 5, 8, 10, 12};
    Pt__Onnx__ModelProto *m = export_pool(12);
    const Pt__Onnx__GraphProto *g = m->graph;
    const Pt__Onnx__TensorProto *rows = constant(g, "avgpool.rows"),
                                *columns = constant(g, "avgpool.columns");

    assert_true(rows->dims[0] == 5 && rows->dims[1] == 12);
    assert_true(columns->dims[0] == 12 && columns->dims[1] == 5);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 12; k++) {
            float share = k >= from[i] && k < to[i] ? 1 / (float)(to[i] - from[i]) : 0;

            assert_true(rows->float_data[12 * i + k] == share);
            assert_true(columns->float_data[5 * k + i] == share);
        }
    for (int i = 0; i < 2; i++) assert_string_equal(g->node[i]->op_type, "MatMul");
    assert_string_equal(g->node[0]->input[0], "avgpool.rows");
    assert_string_equal(g->node[0]->input[1], "input");
    assert_string_equal(g->node[1]->input[0], g->node[0]->output[0]);
    assert_string_equal(g->node[1]->input[1], "avgpool.columns");
    assert_string_equal(g->node[1]->output[0], "avgpool");
    pt__onnx__model_proto__free_unpacked(m, NULL);
}

static void test_averages_of_whole_windows_are_onnxs_own(void **state)
{
    Pt__Onnx__ModelProto *m = export_pool(15);
    const Pt__Onnx__NodeProto *node = m->graph->node[0];

    assert_string_equal(node->op_type, "AveragePool");
    assert_int_equal(node->n_attribute, 2); /* kernel_shape, strides */
    for (int i = 0; i < 2; i++)
        assert_true(node->attribute[i]->ints[0] == 3 && node->attribute[i]->ints[1] == 3);
    pt__onnx__model_proto__free_unpacked(m, NULL);
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void test_a_file_says_what_it_is_and_which_pixels_it_wants(void **state)
{
    static const char *const classes[] = {"a", "b \"quoted\"", "c", "d", "\303\251"};
    const pt_graph_options opt = {.n_classes = 5, .side = 32};
    network n;
    json_t *o, *names;
    char hash[65];

    make(&n, "resnet_small", &opt);
    n.e.classes = classes;
    o = pt_export_metadata(&n.e);
    assert_string_equal(text_of(o, "network"), "resnet_small");
    assert_int_equal(pt_graph_hash(n.graph, n.flat, hash), PT_OK);
    assert_string_equal(text_of(o, "weight_hash"), hash);
    assert_string_equal(text_of(o, "preprocess_order"), "rgb");
    assert_string_equal(text_of(o, "preprocess_mean"),
                        "[0.485000014, 0.456, 0.405999988]");
    assert_string_equal(text_of(o, "resize_mode"), "short_side");
    assert_string_equal(text_of(o, "resize"), "40");
    assert_string_equal(text_of(o, "crop"), "32");
    names = json_loads(text_of(o, "classes"), 0, NULL);
    assert_int_equal(json_array_size(names), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(json_string_value(json_array_get(names, i)), classes[i]);
    json_decref(names);
    json_decref(o);
    assert_int_equal(pt_export_pth(&n.e, path), PT_OK);
    end(&n);
}

static void test_pixels_and_classes_of_an_onnx_file_are_read_back(void **state)
{
    static const pt_geometry shapes[] = {
        {PT_RESIZE_SQUARE, 48}, {PT_RESIZE_SHORT_SIDE, 40}, {PT_RESIZE_NONE, 0}};
    static const char *const classes[] = {"a", "b c", "\xc3\xa9\"", "", "e"};
    static const pt_preprocess pre = {
        true, 1 / 3.0f, {104.007f, 1e-7f, -122.67891f}, {1, 0.1f, 1e9f}};
    const pt_graph_options opt = {.n_classes = 5, .side = 32};
    network n;

    make(&n, "resnet_small", &opt);
    n.e.preprocess = &pre;
    n.e.classes = classes;
    for (int i = 0; i < 3; i++) {
        pt_weights_info info;
        char **names;
        size_t n_names;

        n.e.geometry = &shapes[i];
        assert_int_equal(pt_export_onnx(&n.e, path), PT_OK);
        assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_OK);
        assert_true(info.has_preprocess && info.has_geometry);
        assert_true(info.preprocess.bgr);
        assert_memory_equal(&info.preprocess.scale, &pre.scale, 7 * sizeof(float));
        assert_int_equal(info.geometry.mode, shapes[i].mode);
        assert_int_equal(info.geometry.resize, shapes[i].resize);
        assert_int_equal(pt_weights_class_names(path, info.format, &names, &n_names),
                         PT_OK);
        assert_int_equal(n_names, 5);
        for (int c = 0; c < 5; c++) assert_string_equal(names[c], classes[c]);
        assert_null(names[5]);
        free(names);
        /* What it says goes before what is known of files with these names. */
        assert_int_equal(pt_weights_load(path, NULL, n.graph, true, n.flat, &info),
                         PT_OK);
        assert_true(info.has_preprocess && info.preprocess.bgr);
    }
    end(&n);
}

/* Replaces the bytes of `from` in the file by as many of `to`. */
static void replace(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *f = fopen(path, "r+b");
    char *at;
    size_t size;

    assert_non_null(f);
    size = fread(bytes, 1, sizeof bytes, f);
    at = memmem(bytes, size, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(fseek(f, (long)(at - bytes), SEEK_SET), 0);
    assert_int_equal(fwrite(to, 1, strlen(to), f), strlen(to));
    assert_int_equal(fclose(f), 0);
}

static void test_metadata_that_we_never_write_is_refused(void **state)
{
    static const char *const changes[][3] = {
        {"\x03rgb", "\x03rgx", "preprocess_order is 'rgx'"},
        {"short_side", "short_sidy", "resize_mode is 'short_sidy'"},
        {"[0.485", "[0,485", "preprocess_mean is '[0,485"},
        {"[0.229", "[-.229", "preprocess_std is '[-.229"},
        {"[\"a\"", "[ 12", "classes is '[ 12"}};
    static const char *const classes[] = {"a", "b", "c", "d", "e"};
    const pt_graph_options opt = {.n_classes = 5, .side = 32};
    network n;

    make(&n, "resnet_small", &opt);
    n.e.classes = classes;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        pt_weights_info info;
        char **names = NULL;
        size_t n_names;
        pt_status s;

        assert_int_equal(pt_export_onnx(&n.e, path), PT_OK);
        replace(changes[i][0], changes[i][1]);
        s = pt_weights_inspect(path, NULL, &info);
        if (s == PT_OK) s = pt_weights_class_names(path, info.format, &names, &n_names);
        assert_int_equal(s, PT_ERR_DATA);
        assert_null(names);
        if (!strstr(pt_fail_text(), changes[i][2])) fail_msg("%s", pt_fail_text());
    }
    end(&n);
}

static void test_metadata_of_another_program_says_nothing(void **state)
{
    const pt_graph_options opt = {.n_classes = 5, .side = 32};
    network n;
    pt_weights_info info;

    make(&n, "resnet_small", &opt);
    assert_int_equal(pt_export_onnx(&n.e, path), PT_OK);
    replace("ptrain ", "others ");
    replace("\x03rgb", "\x03rgx");
    assert_int_equal(pt_weights_inspect(path, NULL, &info), PT_OK);
    assert_false(info.has_preprocess);
    end(&n);
}

static void test_a_file_that_cannot_be_written_is_one_failure(void **state)
{
    const pt_graph_options opt = {.n_classes = 5, .side = 32};
    network n;

    make(&n, "resnet_small", &opt);
    for (int i = 0; i < FORMATS; i++)
        assert_int_equal(formats[i].write(&n.e, "/no/such/dir/model"), PT_ERR_IO);
    assert_int_equal(pt_export_pth(&n.e, path), PT_OK);
    end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_network_comes_back_with_the_same_bits),
        cmocka_unit_test(test_a_source_head_is_left_out),
        cmocka_unit_test(test_averages_over_a_grid_are_two_products),
        cmocka_unit_test(test_averages_of_whole_windows_are_onnxs_own),
        cmocka_unit_test(test_a_file_says_what_it_is_and_which_pixels_it_wants),
        cmocka_unit_test(test_pixels_and_classes_of_an_onnx_file_are_read_back),
        cmocka_unit_test(test_metadata_that_we_never_write_is_refused),
        cmocka_unit_test(test_metadata_of_another_program_says_nothing),
        cmocka_unit_test(test_a_file_that_cannot_be_written_is_one_failure),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
