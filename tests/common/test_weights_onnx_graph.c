/* Networks that are described by an ONNX model: what they become, and what is refused.
 * Their outputs are tested in tests/worker/test_onnx_graph.c. */
#include "common/weights/onnx_graph.h"
#include "tests/common/weights_tables.h"
#include "tests/support/temp_dir.h"

#include "proto/onnx.pb-c.h"

/* ---- what torch wrote ------------------------------------------------------------- */

typedef struct {
    pt_graph *g;
    float *flat;
} loaded;

static loaded load_fixture(const char *name)
{
    loaded n = {NULL, NULL};
    char path[256];

    snprintf(path, sizeof path, FIXTURES "%s", name);
    if (pt_onnx_graph_load(path, &n.g, &n.flat) != PT_OK) fail_msg("%s", pt_fail_text());
    return n;
}

static void destroy(loaded *n)
{
    pt_graph_destroy(&n->g);
    free(n->flat);
}

static void test_layers_are_called_after_their_weights(void **state)
{
    static const char *const tensors[] = {"stem.0.weight", "stem.1.running_var",
                                          "a.bias",        "depth.0.weight",
                                          "fc1.weight",    "fc2.bias"};
    loaded n = load_fixture("graph_kept.onnx");

    assert_string_equal(n.g->network, "onnx");
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (pt_graph_find_tensor(n.g, tensors[i]) < 0) fail_msg("no %s", tensors[i]);
    assert_int_equal(n.g->n_classes, 7);
    assert_int_equal(n.g->nodes[0].h, 16);
    destroy(&n);
}

static void test_the_last_layer_is_the_head_and_its_input_the_representation(void **state)
{
    loaded n = load_fixture("graph_folded.onnx");
    int heads = 0;

    assert_int_equal(n.g->nodes[n.g->rep].op, PT_OP_RELU);
    assert_int_equal(n.g->nodes[n.g->rep].c, 10);
    for (int i = 0; i < n.g->n_tensors; i++) {
        bool of_fc2 = strncmp(n.g->tensors[i].name, "fc2.", 4) == 0;

        assert_int_equal(n.g->tensors[i].head, of_fc2);
        heads += n.g->tensors[i].head;
    }
    assert_int_equal(heads, 2);
    destroy(&n);
}

static void test_a_classifier_may_be_a_convolution_below_the_mean(void **state)
{
    loaded n = load_fixture("graph_mean.onnx");

    assert_int_equal(n.g->n_classes, 5);
    assert_int_equal(n.g->nodes[n.g->rep].c, 6);
    assert_int_equal(n.g->nodes[n.g->rep].h, 14);
    assert_true(n.g->tensors[pt_graph_find_tensor(n.g, "last.weight")].head);
    destroy(&n);
}

/* ---- what is refused -------------------------------------------------------------- */

enum { NODES_MAX = 6 };

/* A node: operator, inputs and output, each a word, and a list of integers. */
typedef struct {
    const char *op, *in[3], *out;
    const char *attribute;
    int64_t ints[8];
    size_t n_ints;
} node;

static Pt__Onnx__ValueInfoProto *value(const char *name, int n, const int64_t *dims)
{
    Pt__Onnx__ValueInfoProto *v = test_malloc(sizeof *v);
    Pt__Onnx__TypeProto *type = test_malloc(sizeof *type);
    Pt__Onnx__TensorTypeProto *tensor = test_malloc(sizeof *tensor);
    Pt__Onnx__ShapeProto *shape = test_malloc(sizeof *shape);

    pt__onnx__value_info_proto__init(v);
    pt__onnx__type_proto__init(type);
    pt__onnx__tensor_type_proto__init(tensor);
    pt__onnx__shape_proto__init(shape);
    shape->dim = test_calloc((size_t)n, sizeof *shape->dim);
    for (int i = 0; i < n; i++) {
        Pt__Onnx__DimensionProto *d = shape->dim[i] = test_malloc(sizeof *d);

        pt__onnx__dimension_proto__init(d);
        d->has_dim_value = true;
        d->dim_value = dims[i];
    }
    shape->n_dim = (size_t)n;
    tensor->shape = shape;
    type->tensor_type = tensor;
    v->type = type;
    v->name = (char *)name;
    return v;
}

static void free_value(Pt__Onnx__ValueInfoProto *v)
{
    Pt__Onnx__ShapeProto *shape = v->type->tensor_type->shape;

    for (size_t i = 0; i < shape->n_dim; i++) test_free(shape->dim[i]);
    test_free(shape->dim);
    test_free(shape);
    test_free(v->type->tensor_type);
    test_free(v->type);
    test_free(v);
}

/* Tensors of zeros: w [4][3][3][3], w4 [4][4][3][3], g [4][2][3][3], b [4], v [2][4]. */
static const struct {
    const char *name;
    int64_t dims[4];
    size_t n_dims;
} tensors[] = {{"w", {4, 3, 3, 3}, 4},
               {"w4", {4, 4, 3, 3}, 4},
               {"g", {4, 2, 3, 3}, 4},
               {"b", {4}, 1},
               {"v", {2, 4}, 2}};

enum { N_TENSORS = sizeof tensors / sizeof *tensors };

/* A model of the nodes, from x of `dims` to y, in dir. */
static const char *write_model(const node *nodes, size_t n, const int64_t dims[4])
{
    static float zeros[144];
    Pt__Onnx__GraphProto graph = PT__ONNX__GRAPH_PROTO__INIT;
    Pt__Onnx__ModelProto model = PT__ONNX__MODEL_PROTO__INIT;
    Pt__Onnx__TensorProto t[N_TENSORS], *t_refs[N_TENSORS];
    Pt__Onnx__NodeProto all[NODES_MAX], *refs[NODES_MAX];
    Pt__Onnx__AttributeProto attributes[NODES_MAX], *attribute_refs[NODES_MAX];
    Pt__Onnx__ValueInfoProto *in = value("x", 4, dims), *out = value("y", 0, NULL);
    uint8_t bytes[8192];

    for (size_t i = 0; i < N_TENSORS; i++) {
        pt__onnx__tensor_proto__init(t_refs[i] = &t[i]);
        t[i].name = (char *)tensors[i].name;
        t[i].dims = (int64_t *)tensors[i].dims;
        t[i].n_dims = tensors[i].n_dims;
        t[i].has_data_type = t[i].has_raw_data = true;
        t[i].data_type = 1;
        t[i].raw_data.len = sizeof *zeros;
        for (size_t d = 0; d < t[i].n_dims; d++)
            t[i].raw_data.len *= (size_t)t[i].dims[d];
        t[i].raw_data.data = (uint8_t *)zeros;
    }
    for (size_t i = 0; i < n; i++) {
        pt__onnx__node_proto__init(refs[i] = &all[i]);
        all[i].op_type = (char *)nodes[i].op;
        all[i].input = (char **)nodes[i].in;
        while (all[i].n_input < 3 && nodes[i].in[all[i].n_input]) all[i].n_input++;
        all[i].output = (char **)&nodes[i].out;
        all[i].n_output = 1;
        if (!nodes[i].attribute) continue;
        pt__onnx__attribute_proto__init(attribute_refs[i] = &attributes[i]);
        attributes[i].name = (char *)nodes[i].attribute;
        attributes[i].ints = (int64_t *)nodes[i].ints;
        attributes[i].n_ints = nodes[i].n_ints;
        attributes[i].has_i = nodes[i].n_ints == 1;
        attributes[i].i = nodes[i].ints[0];
        all[i].attribute = &attribute_refs[i];
        all[i].n_attribute = 1;
    }
    graph.node = refs;
    graph.n_node = n;
    graph.initializer = t_refs;
    graph.n_initializer = N_TENSORS;
    graph.input = &in;
    graph.output = &out;
    graph.n_input = graph.n_output = 1;
    model.has_ir_version = true;
    model.ir_version = 7;
    model.graph = &graph;
    assert_true(pt__onnx__model_proto__get_packed_size(&model) <= sizeof bytes);
    write_file(in_dir("g.onnx"), bytes, pt__onnx__model_proto__pack(&model, bytes));
    free_value(in);
    free_value(out);
    return in_dir("g.onnx");
}

static const int64_t fine[4] = {1, 3, 8, 8};

static void refuse(const node *nodes, size_t n, const int64_t dims[4], const char *words)
{
    pt_graph *g = NULL;
    float *flat = NULL;
    pt_status s = pt_onnx_graph_load(write_model(nodes, n, dims), &g, &flat);

    assert_true(s == PT_ERR_WEIGHTS || s == PT_ERR_DATA);
    assert_null(g);
    assert_null(flat);
    assert_says(words);
    assert_null(strchr(pt_fail_text(), '\n'));
    assert_int_equal(remove(in_dir("g.onnx")), 0);
}

#define TAIL                                                                             \
    {.op = "GlobalAveragePool", .in = {"t"}, .out = "m"},                                \
        {.op = "Flatten", .in = {"m"}, .out = "f"},                                      \
    {                                                                                    \
        .op = "Gemm", .in = {"f", "v"}, .out = "y", .attribute = "transB", .ints = {1},  \
        .n_ints = 1                                                                      \
    }

static void test_the_tail_that_the_refused_have_is_fine(void **state)
{
    const node nodes[] = {{.op = "Conv", .in = {"x", "w", "b"}, .out = "t"}, TAIL};
    loaded n = {NULL, NULL};

    if (pt_onnx_graph_load(write_model(nodes, 4, fine), &n.g, &n.flat) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_int_equal(n.g->n_classes, 2);
    destroy(&n);
    assert_int_equal(remove(in_dir("g.onnx")), 0);
}

static void test_an_operator_that_the_engine_has_not_is_named(void **state)
{
    const node nodes[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                          {.op = "HardSwish", .in = {"c"}, .out = "t"},
                          TAIL};

    refuse(nodes, 5, fine,
           "g.onnx: HardSwish 't': the engine has no such operator; it has Conv");
}

static void test_cycles_and_inputs_from_nowhere_are_named(void **state)
{
    const node cycle[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                          {.op = "Add", .in = {"c", "r"}, .out = "t"},
                          {.op = "Relu", .in = {"t"}, .out = "r"},
                          TAIL};
    const node lost[] = {{.op = "Conv", .in = {"nowhere", "w"}, .out = "t"}, TAIL};
    const node no_end[] = {{.op = "Conv", .in = {"x", "w"}, .out = "t"}};
    const node twice[] = {{.op = "Conv", .in = {"x", "w"}, .out = "t"},
                          {.op = "Relu", .in = {"t"}, .out = "t"},
                          TAIL};

    refuse(cycle, 6, fine, "Add 't': reads 'r', which nothing before it makes");
    refuse(lost, 4, fine, "Conv 't': reads 'nowhere', which nothing before it makes");
    refuse(no_end, 1, fine, "nothing makes its output 'y'");
    refuse(twice, 5, fine, "Relu 't': its output has no name, or one that is taken");
}

static void test_shapes_that_cannot_be_are_named(void **state)
{
    const node four[] = {{.op = "Conv", .in = {"x", "w4"}, .out = "t"}, TAIL};
    const node bias[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                         {.op = "Add", .in = {"c", "x"}, .out = "t"},
                         TAIL};
    const node wide[] = {{.op = "Gemm", .in = {"x", "v"}, .out = "y"}};
    const node map[] = {{.op = "Conv", .in = {"x", "w"}, .out = "t"},
                        {.op = "Conv", .in = {"t", "w4"}, .out = "y"}};
    const node one[] = {{.op = "Conv", .in = {"x", "w"}, .out = "t"}, TAIL};

    refuse(four, 4, fine, "Conv 't': its input has 3 channels, its filter 4 of 4");
    refuse(bias, 5, fine, "Add 't': adds 4 x 6 x 6 to 3 x 8 x 8");
    refuse(wide, 1, fine, "Gemm 'y': its input 0 is a map, not a vector");
    refuse(map, 2, fine, "its output 'y' is N x 4 x 4 x 4, must be N x classes");
    refuse(one, 4, (int64_t[]){1, 3, 2, 2},
           "Conv 't': its window of 3 x 3 sees 2 x 2 pixels");
    refuse(one, 4, (int64_t[]){1, 3, 8, 9}, "its input 'x' is 8 x 9 pixels");
    refuse(one, 4, (int64_t[]){1, 3, 1 << 20, 1 << 20}, "must be square and 1 to 4096");
    refuse(one, 4, (int64_t[]){1, 1, 8, 8}, "has not the shape N x 3 x height x width");
}

static void test_what_the_engines_layers_cannot_be_is_named(void **state)
{
    const node groups[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                           {.op = "Conv",
                            .in = {"c", "g"},
                            .out = "t",
                            .attribute = "group",
                            .ints = {2},
                            .n_ints = 1},
                           TAIL};
    const node dilated[] = {{.op = "Conv",
                             .in = {"x", "w"},
                             .out = "t",
                             .attribute = "dilations",
                             .ints = {2, 2},
                             .n_ints = 2},
                            TAIL};
    const node strides[] = {{.op = "Conv",
                             .in = {"x", "w"},
                             .out = "t",
                             .attribute = "strides",
                             .ints = {1, 2},
                             .n_ints = 2},
                            TAIL};
    const node pads[] = {{.op = "Conv",
                          .in = {"x", "w"},
                          .out = "t",
                          .attribute = "pads",
                          .ints = {3, 3, 3, 3},
                          .n_ints = 4},
                         TAIL};
    refuse(groups, 5, fine, "Conv 't': 2 groups of 4 channels: the engine has 1, or one");
    refuse(dilated, 4, fine, "Conv 't': dilations has 2, must be 1 to 1");
    refuse(strides, 4, fine, "Conv 't': its strides are 1 and 2: must be one");
    refuse(pads, 4, fine, "Conv 't': its padding is as wide as its window of 3 x 3");
}

#define PAD(...)                                                                         \
    {                                                                                    \
        .op = "Pad", .in = {"c"}, .out = "p", .attribute = "pads", .ints = __VA_ARGS__,  \
        .n_ints = 8                                                                      \
    }
#define AVERAGE(of)                                                                      \
    {                                                                                    \
        .op = "AveragePool", .in = {of}, .out = "t", .attribute = "kernel_shape",        \
        .ints = {3, 3}, .n_ints = 2                                                      \
    }

static void test_padding_before_an_average_is_a_part_of_it(void **state)
{
    const node nodes[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                          PAD({0, 0, 1, 2, 0, 0, 1, 0}),
                          AVERAGE("p"),
                          TAIL};
    const node none[] = {
        {.op = "Conv", .in = {"x", "w"}, .out = "c"}, PAD({0}), AVERAGE("p"), TAIL};
    const pt_node *pool;
    loaded n = {NULL, NULL};

    if (pt_onnx_graph_load(write_model(nodes, 6, fine), &n.g, &n.flat) != PT_OK)
        fail_msg("%s", pt_fail_text());
    pool = &n.g->nodes[2];
    assert_int_equal(pool->op, PT_OP_AVG_POOL);
    assert_true(pool->window.count_pad && pool->window.pad_top == 1 &&
                pool->window.pad_left == 2 && pool->window.pad_bottom == 1 &&
                pool->window.pad_right == 0);
    assert_true(pool->h == 6 && pool->w == 6);
    destroy(&n);
    if (pt_onnx_graph_load(write_model(none, 6, fine), &n.g, &n.flat) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_false(n.g->nodes[2].window.count_pad);
    assert_int_equal(n.g->nodes[2].h, 4);
    destroy(&n);
    assert_int_equal(remove(in_dir("g.onnx")), 0);
}

static void test_padding_of_anything_else_is_named(void **state)
{
    const node conv[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                         PAD({0, 0, 1, 1, 0, 0, 1, 1}),
                         {.op = "Conv", .in = {"p", "w4"}, .out = "t"},
                         TAIL};
    const node channels[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                             PAD({0, 1, 0, 0, 0, 0, 0, 0}),
                             AVERAGE("p"),
                             TAIL};
    const node wide[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                         PAD({0, 0, 3, 3, 0, 0, 3, 3}),
                         AVERAGE("p"),
                         TAIL};
    const node cut[] = {{.op = "Conv", .in = {"x", "w"}, .out = "c"},
                        PAD({0, 0, -1, 0, 0, 0, 0, 0}),
                        AVERAGE("p"),
                        TAIL};

    refuse(conv, 6, fine,
           "Conv 't': its input 0 is what a Pad made: only AveragePool reads that");
    refuse(channels, 6, fine, "Pad 'p': pads otherwise than with zeros around the map");
    refuse(wide, 6, fine,
           "AveragePool 't': the Pad before it is as wide as its window of 3 x 3");
    refuse(cut, 6, fine, "Pad 'p': pads by -1 pixels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_are_called_after_their_weights),
        cmocka_unit_test(
            test_the_last_layer_is_the_head_and_its_input_the_representation),
        cmocka_unit_test(test_a_classifier_may_be_a_convolution_below_the_mean),
        cmocka_unit_test(test_the_tail_that_the_refused_have_is_fine),
        cmocka_unit_test(test_an_operator_that_the_engine_has_not_is_named),
        cmocka_unit_test(test_cycles_and_inputs_from_nowhere_are_named),
        cmocka_unit_test(test_shapes_that_cannot_be_are_named),
        cmocka_unit_test(test_padding_before_an_average_is_a_part_of_it),
        cmocka_unit_test(test_padding_of_anything_else_is_named),
        cmocka_unit_test(test_what_the_engines_layers_cannot_be_is_named),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
