/* Whose names a file has decides what pixels its network wants; what it holds beyond the
 * network decides whether it is that network's. The names under FIXTURES "names" are
 * torchvision's own (tests/oracle/weights_names.py). */
#include "common/weights/weights.h"
#include "tests/common/weights_tables.h"
#include "tests/support/temp_dir.h"

#include "common/weights/model.h"
#include "common/weights/names.h"
#include "common/weights/survey.h"
#include "proto/onnx.pb-c.h"

/* ---- files and tables by a list of names ------------------------------------------ */

enum { FLOAT32 = 1, INT64 = 7, TENSORS_MAX = 700 };

/* Tensors of zeros; an ONNX model as long as it is not written. */
typedef struct {
    Pt__Onnx__TensorProto tensors[TENSORS_MAX], *refs[TENSORS_MAX];
    size_t n;
} tensor_list;

static void add(tensor_list *l, const char *name, int type, int n_dims,
                const int64_t *dims)
{
    Pt__Onnx__TensorProto *p = &l->tensors[l->n];
    size_t bytes = type == FLOAT32 ? 4 : 8;

    assert_true(l->n < TENSORS_MAX);
    pt__onnx__tensor_proto__init(p);
    p->name = strdup(name);
    p->dims = test_calloc((size_t)n_dims + 1, sizeof *dims);
    p->n_dims = (size_t)n_dims;
    for (int i = 0; i < n_dims; i++) bytes *= (size_t)(p->dims[i] = dims[i]);
    p->has_data_type = true;
    p->data_type = type;
    p->has_raw_data = true;
    p->raw_data.len = bytes;
    l->refs[l->n++] = p;
}

/* A list of FIXTURES "names". */
static tensor_list *read_names(const char *file)
{
    tensor_list *l = test_calloc(1, sizeof *l);
    char path[256], line[256], name[128], type[16];
    FILE *f;

    snprintf(path, sizeof path, FIXTURES "names/%s.txt", file);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        int64_t dims[4] = {0};
        int at = 0, n = 0, used;
        long long d;

        assert_int_equal(sscanf(line, "%127s %15s%n", name, type, &at), 2);
        for (; n < 4 && sscanf(line + at, "%lld%n", &d, &used) == 1; at += used)
            dims[n++] = d;
        add(l, name, strcmp(type, "int64") == 0 ? INT64 : FLOAT32, n, dims);
    }
    assert_int_equal(fclose(f), 0);
    return l;
}

/* The tensors of g under the rule's names, in PyTorch's layout. */
static tensor_list *names_of(const pt_graph *g, const pt_naming *rule)
{
    const pt_table none = {.path = (char *)"none"};
    tensor_list *l = test_calloc(1, sizeof *l);
    char name[PT_NAMES_MAX];

    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        int64_t dims[4];

        for (int k = 0; k < t->n_dims; k++) dims[k] = t->dims[k];
        assert_null(pt_names_find(&none, rule, g, t, name));
        add(l, name, FLOAT32, t->n_dims, dims);
    }
    return l;
}

static void destroy(tensor_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->tensors[i].name);
        test_free(l->tensors[i].dims);
    }
    test_free(l);
}

static const char *write_onnx(tensor_list *l)
{
    Pt__Onnx__GraphProto graph = PT__ONNX__GRAPH_PROTO__INIT;
    Pt__Onnx__ModelProto model = PT__ONNX__MODEL_PROTO__INIT;
    size_t max = 0;
    uint8_t *zeros, *bytes;

    for (size_t i = 0; i < l->n; i++)
        if (l->tensors[i].raw_data.len > max) max = l->tensors[i].raw_data.len;
    zeros = test_calloc(max, 1);
    for (size_t i = 0; i < l->n; i++) l->tensors[i].raw_data.data = zeros;
    graph.n_initializer = l->n;
    graph.initializer = l->refs;
    model.has_ir_version = true;
    model.ir_version = 7;
    model.graph = &graph;
    bytes = test_malloc(pt__onnx__model_proto__get_packed_size(&model));
    write_file(in_dir("names.onnx"), bytes, pt__onnx__model_proto__pack(&model, bytes));
    test_free(bytes);
    test_free(zeros);
    return in_dir("names.onnx");
}

/* Writes l, loads it into g, ends l. */
static pt_status load(tensor_list *l, const pt_graph *g, bool with_head,
                      pt_weights_info *info)
{
    const char *path = write_onnx(l);
    float *flat = make_flat(g, 1);
    pt_status s = pt_weights_load(path, NULL, g, with_head, flat, info);

    assert_int_equal(remove(path), 0);
    free(flat);
    destroy(l);
    return s;
}

/* ---- whose names, which pixels ---------------------------------------------------- */

static void test_squeezenet_of_torchvision_in_onnx_gets_torchvisions_pixels(void **state)
{
    const pt_graph_options opt = {.n_classes = 1000, .original_head = true};
    pt_graph *g = make_graph("squeezenet1_1", &opt);
    pt_weights_info info;

    assert_int_equal(load(read_names("squeezenet1_1_onnx"), g, true, &info), PT_OK);
    assert_true(info.has_preprocess && info.has_geometry);
    assert_memory_equal(&info.preprocess, &pt_preprocess_imagenet,
                        sizeof info.preprocess);
    assert_int_equal(info.geometry.mode, PT_RESIZE_SHORT_SIDE);
    assert_string_equal(info.names, "torchvision");
    assert_int_equal(info.n_used, 52);
    assert_int_equal(info.n_weights, 52);
    pt_graph_destroy(&g);
}

static void test_squeezenet_of_caffe_in_onnx_gets_caffes_pixels(void **state)
{
    const pt_graph_options opt = {.n_classes = 1000, .original_head = true};
    pt_graph *g = make_graph("squeezenet1_1", &opt);
    const pt_naming *caffe = rule_of("Caffe", PT_FORMAT_ONNX, "squeezenet1_1");
    pt_weights_info info;

    assert_int_equal(load(names_of(g, caffe), g, true, &info), PT_OK);
    assert_true(info.preprocess.bgr && info.preprocess.mean[0] == 104);
    assert_int_equal(info.geometry.mode, PT_RESIZE_SQUARE);
    assert_string_equal(info.names, "Caffe");
    pt_graph_destroy(&g);
}

/* A file that states nothing about itself, with names that only we give. */
static void test_names_of_nobody_bring_no_pixels(void **state)
{
    const pt_graph_options opt = {.side = 32, .n_classes = 10};
    pt_graph *g = make_graph("resnet_small", &opt);
    const pt_naming *ours = rule_of("ptrain", PT_FORMAT_ONNX, "resnet_small");
    pt_weights_info info;

    assert_int_equal(load(names_of(g, ours), g, true, &info), PT_OK);
    assert_false(info.has_preprocess || info.has_geometry);
    assert_string_equal(info.names, "ptrain");
    pt_graph_destroy(&g);
}

/* ---- what is left over ------------------------------------------------------------ */

static pt_status no_values(const pt_table *t, const pt_table_entry *e, float *values)
{
    return pt_fail(PT_ERR_DATA, "%s: no values", e->name);
}

/* The names and shapes of a list, without values. */
static pt_table *table_of(const char *list)
{
    static const pt_table_ops ops = {.read = no_values};
    tensor_list *l = read_names(list);
    pt_table *t = NULL;
    pt_table_entry *e;

    assert_int_equal(pt_table_create(list, &ops, &t), PT_OK);
    for (size_t i = 0; i < l->n; i++) {
        const Pt__Onnx__TensorProto *p = &l->tensors[i];

        assert_int_equal(
            pt_table_add(t, p->name, strlen(p->name), (int)p->n_dims, p->dims, i, &e),
            PT_OK);
        e->integers = p->data_type == INT64;
    }
    assert_int_equal(pt_table_finish(t), PT_OK);
    destroy(l);
    return t;
}

/* All of g against the names of a list, as loading without the head does. */
static pt_status account(const char *list, const char *network, pt_names_use *use)
{
    const pt_graph_options opt = {.n_classes = 1000};
    pt_graph *g = make_graph(network, &opt);
    const pt_naming *rule = rule_of("torchvision", PT_FORMAT_TORCH, network);
    const pt_table_entry **used = test_calloc((size_t)g->n_tensors, sizeof *used);
    pt_table *t = table_of(list);
    char name[PT_NAMES_MAX];
    pt_status s;

    assert_ptr_equal(pt_names_choose(t, PT_FORMAT_TORCH, g), rule);
    for (int i = 0; i < g->n_tensors; i++)
        if (!g->tensors[i].head)
            assert_non_null(used[i] = pt_names_find(t, rule, g, &g->tensors[i], name));
    s = pt_names_account(t, rule, g, used, use);
    pt_table_destroy(&t);
    pt_graph_destroy(&g);
    test_free(used);
    return s;
}

static void test_all_of_torchvisions_files_is_accounted_for(void **state)
{
    pt_names_use use;

    assert_int_equal(account("resnet50", "resnet50", &use), PT_OK);
    assert_int_equal(use.n_weights, 267); /* 320 with num_batches_tracked */
    assert_int_equal(use.n_used, 265);
    assert_true(use.head_left);
    assert_string_equal(use.left, "");
    assert_int_equal(account("resnet101", "resnet101", &use), PT_OK);
    assert_int_equal(account("resnet18", "resnet18", &use), PT_OK);
    assert_int_equal(use.n_used, 100);
    assert_int_equal(account("resnet34", "resnet34", &use), PT_OK);
    assert_int_equal(use.n_used, 180);
    assert_int_equal(account("vgg16", "vgg16", &use), PT_OK);
    assert_int_equal(use.n_weights, 32);
    assert_int_equal(use.n_used, 30);
}

static void test_a_resnet34_is_no_resnet18(void **state)
{
    pt_names_use use;

    assert_int_equal(account("resnet34", "resnet18", &use), PT_ERR_WEIGHTS);
    assert_says("resnet34: holds 80 tensors that resnet18 does not have: "
                "layer1.2.bn1.bias");
}

static void test_a_resnet101_is_no_resnet50(void **state)
{
    pt_names_use use;

    assert_int_equal(account("resnet101", "resnet50", &use), PT_ERR_WEIGHTS);
    assert_says("resnet101: holds 255 tensors that resnet50 does not have: "
                "layer3.10.bn1.bias, layer3.10.bn1.running_mean, "
                "layer3.10.bn1.running_var, layer3.10.bn1.weight, layer3.10.bn2.bias "
                "...; is it");
}

static void test_weights_of_a_deeper_network_are_refused_on_loading(void **state)
{
    const pt_graph_options opt = {.n_classes = 10};
    pt_graph *deep = make_graph("cifar_resnet56", &opt);
    pt_graph *g = make_graph("cifar_resnet20", &opt);
    const pt_naming *rule =
        rule_of("pytorch_resnet_cifar10", PT_FORMAT_ONNX, "cifar_resnet56");
    pt_weights_info info;

    assert_int_equal(load(names_of(deep, rule), deep, true, &info), PT_OK);
    assert_int_equal(load(names_of(deep, rule), g, true, &info), PT_ERR_WEIGHTS);
    assert_says("names.onnx: holds 180 tensors that cifar_resnet20 does not have: "
                "layer1.3.bn1.bias");
    assert_null(strchr(pt_fail_text(), '\n'));
    pt_graph_destroy(&deep);
    pt_graph_destroy(&g);
}

static void test_one_tensor_too_many_is_refused_by_its_name(void **state)
{
    const pt_graph_options opt = {.n_classes = 10};
    pt_graph *g = make_graph("cifar_resnet20", &opt);
    tensor_list *l =
        names_of(g, rule_of("pytorch_resnet_cifar10", PT_FORMAT_ONNX, g->network));
    pt_weights_info info;

    add(l, "layer1.0.se.weight", FLOAT32, 2, (const int64_t[]){16, 4});
    assert_int_equal(load(l, g, false, &info), PT_ERR_WEIGHTS);
    assert_says("holds 1 tensor that cifar_resnet20 does not have: layer1.0.se.weight; ");
    pt_graph_destroy(&g);
}

static void test_integers_scalars_and_counts_are_no_weights(void **state)
{
    const pt_graph_options opt = {.n_classes = 10};
    pt_graph *g = make_graph("cifar_resnet20", &opt);
    tensor_list *l =
        names_of(g, rule_of("pytorch_resnet_cifar10", PT_FORMAT_ONNX, g->network));
    pt_weights_info info;

    add(l, "reshape_attr_tensor421", INT64, 1, (const int64_t[]){2});
    add(l, "clip_max", FLOAT32, 0, NULL);
    add(l, "bn1.num_batches_tracked", FLOAT32, 1, (const int64_t[]){1});
    assert_int_equal(load(l, g, false, &info), PT_OK);
    assert_int_equal(info.n_weights, (size_t)g->n_tensors);
    assert_int_equal(info.n_used, (size_t)g->n_tensors - 2);
    assert_true(info.head_left);
    pt_graph_destroy(&g);
}

static void test_the_second_head_of_a_run_is_left_out_with_a_reason(void **state)
{
    pt_graph_options opt = {.side = 32, .n_classes = 10, .n_source_classes = 12};
    pt_graph *both = make_graph("resnet_small", &opt), *g;
    const char *path = in_dir("two_heads.h5");
    float *flat = make_flat(both, 1);
    pt_weights_info info = {.options = opt};

    assert_int_equal(pt_model_save(path, both, &info, flat, NULL), PT_OK);
    opt.n_source_classes = 0;
    g = make_graph("resnet_small", &opt);
    assert_int_equal(pt_weights_load(path, NULL, g, true, flat, &info), PT_OK);
    assert_string_equal(info.left, "2 tensors are not used (source_head.bias ...): the "
                                   "run that wrote the file had a second head");
    assert_int_equal(remove(path), 0);
    free(flat);
    pt_graph_destroy(&both);
    pt_graph_destroy(&g);
}

/* ---- what a file is of ------------------------------------------------------------- */

static void test_a_survey_finds_the_network_the_classes_and_the_parameters(void **state)
{
    static const struct {
        const char *list, *network;
        pt_format format;
        size_t n_values;
    } files[] = {{"resnet18", "resnet18", PT_FORMAT_TORCH, 11689512 + 2 * 4800},
                 {"resnet34", "resnet34", PT_FORMAT_TORCH, 21797672 + 2 * 8512},
                 {"resnet50", "resnet50", PT_FORMAT_TORCH, 25557032 + 2 * 26560},
                 {"vgg16", "vgg16", PT_FORMAT_TORCH, 138357544},
                 {"squeezenet1_1_onnx", "squeezenet1_1", PT_FORMAT_ONNX, 1235496}};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        pt_table *t = table_of(files[i].list);
        pt_survey v;

        assert_int_equal(pt_survey_table(t, files[i].format, &v), PT_OK);
        assert_non_null(v.network);
        assert_string_equal(v.network, files[i].network);
        assert_string_equal(v.rule->title, "torchvision");
        assert_int_equal(v.n_classes, 1000);
        assert_int_equal(v.n_values, files[i].n_values);
        pt_table_destroy(&t);
    }
}

/* Of each format, against each network, of most of which no program of the format is
 * known. */
static void test_a_file_of_no_network_of_ours_is_told_so_in_every_format(void **state)
{
    for (int format = 0; format <= (int)PT_FORMAT_CAFFE; format++) {
        static const pt_table_ops ops = {.read = no_values};
        const int64_t dims[2] = {3, 2};
        pt_table *t = NULL;
        pt_survey v;

        assert_int_equal(pt_table_create("other", &ops, &t), PT_OK);
        assert_int_equal(pt_table_add(t, "w", 1, 2, dims, 0, NULL), PT_OK);
        assert_int_equal(pt_table_finish(t), PT_OK);
        assert_int_equal(pt_survey_table(t, (pt_format)format, &v), PT_OK);
        assert_null(v.network);
        assert_int_equal(v.n_values, 6);
        pt_table_destroy(&t);
    }
}

/* What identifies it are the layers below the head. */
static void test_a_file_of_another_network_says_in_a_line_which(void **state)
{
    const pt_graph_options opt = {.n_classes = 1000};
    pt_graph *mobilenet = make_graph("mobilenet_v1", &opt);

    assert_int_equal(load(read_names("squeezenet1_1_onnx"), mobilenet, false, NULL),
                     PT_ERR_WEIGHTS);
    assert_says(
        "names.onnx: holds a squeezenet1_1 (torchvision names), but the network is "
        "mobilenet_v1 (network.name), of whose 130 tensors 130 are missing and 0 "
        "have other shapes");
    assert_null(strchr(pt_fail_text(), '\n'));
    pt_graph_destroy(&mobilenet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squeezenet_of_torchvision_in_onnx_gets_torchvisions_pixels),
        cmocka_unit_test(test_squeezenet_of_caffe_in_onnx_gets_caffes_pixels),
        cmocka_unit_test(test_a_file_of_another_network_says_in_a_line_which),
        cmocka_unit_test(test_names_of_nobody_bring_no_pixels),
        cmocka_unit_test(test_all_of_torchvisions_files_is_accounted_for),
        cmocka_unit_test(test_a_resnet34_is_no_resnet18),
        cmocka_unit_test(test_a_resnet101_is_no_resnet50),
        cmocka_unit_test(test_weights_of_a_deeper_network_are_refused_on_loading),
        cmocka_unit_test(test_one_tensor_too_many_is_refused_by_its_name),
        cmocka_unit_test(test_integers_scalars_and_counts_are_no_weights),
        cmocka_unit_test(test_a_survey_finds_the_network_the_classes_and_the_parameters),
        cmocka_unit_test(test_a_file_of_no_network_of_ours_is_told_so_in_every_format),
        cmocka_unit_test(test_the_second_head_of_a_run_is_left_out_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
