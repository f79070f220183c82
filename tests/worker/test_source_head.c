/* A graph with the pretrained network's own classifier beside the new head, against the
 * two graphs that have one head each: what either loss alone sends back to the trunk must
 * be theirs, and both together the sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/net/net.h"

enum { IMAGES = 6, CLASSES = 5, SOURCE = 7, SHARDS = 4 };

/* A network after one training pass. */
typedef struct {
    pt_graph *graph;
    float *flat;
    pt_threads *pool;
    pt_net *net;
} played;

static uint64_t salt_of(const char *name)
{
    uint64_t h = 5381;

    for (; *name; name++) h = h * 33 + (unsigned char)*name;
    return h % 100000;
}

/* The name under which a tensor of one graph has its values: the source head's are those
 * of the network's own classifier. */
static const char *value_name(const pt_tensor *t, bool own)
{
    bool bias = strstr(t->name, ".bias") != NULL;

    if (pt_tensor_is_source(t) || (own && t->head))
        return bias ? "source bias" : "source weight";
    return t->name;
}

static void fill(const pt_graph *g, bool own, float *flat)
{
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        float fan = (float)(t->n_dims > 1 ? t->count / (size_t)t->dims[0] : 1);
        float scale = t->n_dims > 1 ? 1.7f : 0.2f;
        bool var = strstr(t->name, "running_var") != NULL;
        bool gamma = t->n_dims == 1 && strstr(t->name, ".weight") != NULL;
        float *v = flat + t->offset;

        if (t->n_dims > 1)
            for (float root = 1; root * root < fan; root++) scale = 1.7f / root;
        pattern_fill(salt_of(value_name(t, own)), t->count, v);
        for (size_t k = 0; k < t->count; k++)
            v[k] = v[k] * scale + (var || gamma ? 1 : 0);
    }
}

/* target, source: gradients at the two logits, or NULL for a graph without that head;
 * own: the graph's head is the network's own classifier. */
static played play(const char *network, int side, bool with_source, bool own,
                   const float *target, const float *source)
{
    pt_graph_options o = {.side = side,
                          .n_classes = own ? SOURCE : CLASSES,
                          .n_source_classes = with_source ? SOURCE : 0,
                          .original_head = own};
    pt_span span = {SHARDS, 0, SHARDS, IMAGES, false};
    pt_net_options n = {.max_images = IMAGES,
                        .n_shards = SHARDS,
                        .hi = SHARDS,
                        .training = true,
                        .kernel = PT_DIRECT,
                        .seed = 1};
    size_t floats = (size_t)(IMAGES * side * side * 3);
    float *pixels = malloc(floats * sizeof *pixels);
    const float *drep;
    played p = {0};

    assert_non_null(pixels);
    pattern_fill(9, floats, pixels);
    if (pt_graph_create(network, &o, &p.graph) != PT_OK) fail_msg("%s", pt_fail_text());
    p.flat = pt_calloc(p.graph->n_floats, sizeof *p.flat);
    assert_non_null(p.flat);
    fill(p.graph, own, p.flat);
    assert_int_equal(pt_threads_create(2, &p.pool), PT_OK);
    n.graph = p.graph;
    n.pool = p.pool;
    n.weights = p.flat;
    if (pt_net_create(&n, &p.net) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(pt_net_forward(p.net, &span, pixels, 0), PT_OK);
    assert_int_equal(pt_net_backward_head(p.net, target, &drep), PT_OK);
    if (with_source) assert_int_equal(pt_net_set_source_gradient(p.net, source), PT_OK);
    if (pt_net_backward(p.net, drep) != PT_OK) fail_msg("%s", pt_fail_text());
    free(pixels);
    return p;
}

static void finish(played *p)
{
    pt_net_destroy(&p->net);
    pt_threads_destroy(&p->pool);
    pt_graph_destroy(&p->graph);
    free(p->flat);
}

/* The gradient of the tensor that has these values, or NULL. */
static const float *gradient_of(const played *p, bool own, const char *name)
{
    for (int i = 0; i < p->graph->n_params; i++)
        if (strcmp(value_name(&p->graph->tensors[i], own), name) == 0)
            return pt_net_gradient(p->net, i, 0);
    return NULL;
}

static void check(const char *network, int side)
{
    float a[IMAGES * CLASSES], b[IMAGES * SOURCE], zero[IMAGES * SOURCE] = {0};
    played plain, own, only_a, only_b, both;
    const char *what = network;

    pattern_fill(1, IMAGES * CLASSES, a);
    pattern_fill(2, IMAGES * SOURCE, b);
    plain = play(network, side, false, false, a, NULL);
    own = play(network, side, false, true, b, NULL);
    only_a = play(network, side, true, false, a, zero);
    only_b = play(network, side, true, false, zero, b);
    both = play(network, side, true, false, a, b);
    for (int i = 0; i < both.graph->n_params; i++) {
        const pt_tensor *t = &both.graph->tensors[i];
        const char *name = value_name(t, false);
        const float *of_a = gradient_of(&plain, false, name);
        const float *of_b = gradient_of(&own, true, name);
        const float *sum = pt_net_gradient(both.net, i, 0);
        float *expected = pt_calloc(t->count, sizeof *expected);

        assert_non_null(expected);
        for (size_t k = 0; k < t->count; k++)
            expected[k] = (of_a ? of_a[k] : 0) + (of_b ? of_b[k] : 0);
        if (of_a &&
            relative_distance(pt_net_gradient(only_a.net, i, 0), of_a, t->count) > 0)
            fail_msg("%s: %s is not the plain graph's", what, t->name);
        if (of_b &&
            relative_distance(pt_net_gradient(only_b.net, i, 0), of_b, t->count) > 1e-6)
            fail_msg("%s: %s is not the own classifier's", what, t->name);
        if (relative_distance(sum, expected, t->count) > 1e-4) /* batch norm cancels */
            fail_msg("%s: %s is not the sum", what, t->name);
        free(expected);
    }
    finish(&plain);
    finish(&own);
    finish(&only_a);
    finish(&only_b);
    finish(&both);
}

static void test_a_linear_source_head_at_the_representation(void **state)
{
    check("resnet_small", 16);
    check("cifar_resnet20", 32);
    check("mobilenet_v1", 64);
}

static void test_a_source_head_that_leaves_the_trunk_before_it(void **state)
{
    check("squeezenet1_1", 64);
}

static void test_a_source_head_needs_its_gradient(void **state)
{
    pt_graph_options o = {.side = 16, .n_classes = 2, .n_source_classes = 3};
    pt_graph *g;
    int i;

    assert_int_equal(pt_graph_create("resnet_small", &o, &g), PT_OK);
    i = pt_graph_find_tensor(g, "source_head.weight");
    assert_true(i >= 0 && g->tensors[i].dims[0] == 3 && !g->tensors[i].head);
    assert_true(g->source_logits > g->rep && g->source_logits < g->logits);
    assert_true(pt_tensor_frozen(&g->tensors[i], (char *[]){"trunk"}, 1));
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_linear_source_head_at_the_representation),
        cmocka_unit_test(test_a_source_head_that_leaves_the_trunk_before_it),
        cmocka_unit_test(test_a_source_head_needs_its_gradient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
