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

#include "common/weights/weights.h"
#include "launch/export/export.h"

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
        cmocka_unit_test(test_a_file_says_what_it_is_and_which_pixels_it_wants),
        cmocka_unit_test(test_a_file_that_cannot_be_written_is_one_failure),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
