/* Graphs made after others (pt_graph_options.like), and graphs as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "common/graph/builder.h"
#include "common/graph/packed.h"

static pt_graph *make(const char *network, pt_graph_options opt)
{
    pt_graph *g = NULL;

    if (pt_graph_create(network, &opt, &g) != PT_OK) fail_msg("%s", pt_fail_text());
    return g;
}

static pt_graph *make_like(const pt_graph *like, pt_graph_options opt)
{
    opt.like = like;
    return make("", opt);
}

static void refuse_like(const pt_graph *like, pt_graph_options opt, const char *why)
{
    pt_graph *g = NULL;

    opt.like = like;
    assert_int_equal(pt_graph_create("", &opt, &g), PT_ERR_CONFIG);
    assert_null(g);
    if (!strstr(pt_fail_text(), why)) fail_msg("'%s' is not: %s", pt_fail_text(), why);
}

static void assert_same(const pt_graph *a, const pt_graph *b)
{
    assert_string_equal(a->network, b->network);
    assert_int_equal(a->n_nodes, b->n_nodes);
    assert_int_equal(a->n_tensors, b->n_tensors);
    assert_int_equal(a->n_params, b->n_params);
    assert_int_equal(a->n_floats, b->n_floats);
    assert_int_equal(a->rep, b->rep);
    assert_int_equal(a->n_classes, b->n_classes);
    for (int i = 0; i < a->n_nodes; i++) {
        const pt_node *x = &a->nodes[i], *y = &b->nodes[i];

        assert_string_equal(x->name, y->name);
        assert_int_equal(x->op, y->op);
        assert_memory_equal(x->in, y->in, sizeof x->in);
        assert_int_equal(x->h, y->h);
        assert_int_equal(x->c, y->c);
        assert_memory_equal(&x->window, &y->window, sizeof x->window);
        assert_float_equal(x->eps, y->eps, 0);
        assert_float_equal(x->dropout, y->dropout, 0);
        assert_int_equal(x->adds, y->adds);
        assert_int_equal(x->weight, y->weight);
        assert_int_equal(x->var, y->var);
    }
    for (int i = 0; i < a->n_tensors; i++) {
        const pt_tensor *x = &a->tensors[i], *y = &b->tensors[i];

        assert_string_equal(x->name, y->name);
        assert_int_equal(x->head, y->head);
        assert_int_equal(x->fixed, y->fixed);
        assert_int_equal(x->offset, y->offset);
        assert_int_equal(x->count, y->count);
        assert_memory_equal(x->dims, y->dims, sizeof x->dims);
    }
}

static void test_like_a_network_of_ours_is_that_network_with_other_classes(void **state)
{
    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph *of = make(*name, (pt_graph_options){.n_classes = 10, .dropout = 0.5f});
        pt_graph *want = make(*name, (pt_graph_options){.n_classes = 3, .dropout = 0.2f});
        pt_graph *got =
            make_like(of, (pt_graph_options){.n_classes = 3, .dropout = 0.2f});

        assert_same(got, want);
        pt_graph_destroy(&of);
        pt_graph_destroy(&want);
        pt_graph_destroy(&got);
    }
}

static void test_another_side_makes_other_maps_of_the_same_weights(void **state)
{
    pt_graph *of = make("resnet18", (pt_graph_options){.n_classes = 10});
    pt_graph *want = make("resnet18", (pt_graph_options){.n_classes = 10, .side = 97});
    pt_graph *got = make_like(of, (pt_graph_options){.n_classes = 10, .side = 97});
    pt_graph *vgg = make("vgg16", (pt_graph_options){.n_classes = 10});

    assert_same(got, want);
    refuse_like(
        vgg, (pt_graph_options){.n_classes = 10, .side = 256},
        "classifier.0.weight has 102760448 weights, of which an input side of 256 "
        "pixels would make 134217728: the network is for 224 (data.crop)");
    pt_graph_destroy(&of);
    pt_graph_destroy(&want);
    pt_graph_destroy(&got);
    pt_graph_destroy(&vgg);
}

static void test_a_head_on_a_map_becomes_a_mean_and_a_linear_layer(void **state)
{
    pt_graph *of =
        make("squeezenet1_1", (pt_graph_options){.n_classes = 10, .original_head = true});
    pt_graph *got = make_like(of, (pt_graph_options){.n_classes = 3, .dropout = 0.5f});
    pt_graph *kept = make_like(
        of, (pt_graph_options){.n_classes = 10, .dropout = 0.5f, .original_head = true});
    const pt_node *head = &got->nodes[got->logits];

    assert_string_equal(head->name, "classifier.1");
    assert_int_equal(head->op, PT_OP_LINEAR);
    assert_int_equal(got->nodes[head->in[0]].op, PT_OP_DROPOUT);
    assert_int_equal(got->nodes[got->rep].op, PT_OP_GLOBAL_AVG_POOL);
    assert_int_equal(got->nodes[got->rep].c, 512);
    assert_int_equal(kept->rep, of->rep);
    assert_int_equal(kept->n_floats, of->n_floats);
    refuse_like(of, (pt_graph_options){.n_classes = 3, .original_head = true},
                "its head has 10 classes, the data have 3");
    pt_graph_destroy(&of);
    pt_graph_destroy(&got);
    pt_graph_destroy(&kept);
}

static void test_the_source_head_is_the_own_one_as_a_branch(void **state)
{
    pt_graph *of =
        make("squeezenet1_1", (pt_graph_options){.n_classes = 10, .original_head = true});
    const pt_graph_options opt = {.n_classes = 3, .n_source_classes = 10};
    pt_graph *got = make_like(of, opt), *again;
    int weight = pt_graph_find_tensor(got, "source_head.weight");

    assert_int_equal(pt_graph_source_classes(got), 10);
    assert_true(weight >= 0);
    assert_int_equal(got->tensors[weight].n_dims, 4);
    assert_true(got->source_logits < got->rep); /* before the mean */
    assert_false(got->tensors[weight].head);
    again = make_like(got, (pt_graph_options){.n_classes = 3}); /* without the branch */
    assert_int_equal(pt_graph_find_tensor(again, "source_head.weight"), -1);
    assert_int_equal(again->source_logits, -1);
    pt_graph_destroy(&of);
    pt_graph_destroy(&got);
    pt_graph_destroy(&again);
}

/* input -> depthwise -> its bias -> mean -> head */
static pt_graph *make_with_added_bias(void)
{
    const pt_graph_options opt = {.side = 8, .n_classes = 2, .bn_eps = 1e-5f};
    pt_graph *g = NULL;
    pt_builder b;
    int x;

    pt_builder_init(&b, PT_NETWORK_OF_FILE, &opt);
    x = pt_build_depthwise(&b, 0, pt_named("dw"), pt_window_square(3, 1, 1));
    x = pt_build_added_bias(&b, x, pt_named("bias"));
    x = pt_build_global_avg_pool(&b, x, pt_named("mean"));
    b.g->rep = x;
    b.in_head = true;
    pt_build_linear(&b, x, pt_named("fc"), 2);
    assert_int_equal(pt_builder_finish(&b, &g), PT_OK);
    return g;
}

static void test_of_an_added_bias_only_the_bias_is_trained(void **state)
{
    pt_graph *of = make_with_added_bias();
    pt_graph *g = make_like(of, (pt_graph_options){.n_classes = 5, .bn_eps = 0.1f});
    const pt_node *n = &g->nodes[2];

    assert_true(n->adds);
    assert_float_equal(n->eps, 1e-5f, 0); /* its variance is 1 - eps */
    assert_true(pt_tensor_frozen(&g->tensors[n->weight], NULL, 0));
    assert_false(pt_tensor_frozen(&g->tensors[n->bias], NULL, 0));
    pt_graph_destroy(&of);
    pt_graph_destroy(&g);
}

static void unpack_again(const pt_graph *g)
{
    uint8_t *bytes = NULL, *more = NULL;
    size_t n = 0, n_more = 0;
    pt_graph *got = NULL;

    assert_int_equal(pt_graph_pack(g, &bytes, &n), PT_OK);
    if (pt_graph_unpack(bytes, n, "bytes", &got) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(got->n_floats, g->n_floats);
    assert_int_equal(got->n_classes, g->n_classes);
    assert_int_equal(pt_graph_pack(got, &more, &n_more), PT_OK);
    assert_int_equal(n_more, n);
    assert_memory_equal(bytes, more, n);
    free(bytes);
    free(more);
    pt_graph_destroy(&got);
}

static void test_every_network_survives_packing(void **state)
{
    pt_graph *bias = make_with_added_bias();

    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph *g = make(
            *name,
            (pt_graph_options){.n_classes = 10, .dropout = 0.5f, .original_head = true});

        unpack_again(g);
        pt_graph_destroy(&g);
    }
    unpack_again(bias);
    pt_graph_destroy(&bias);
}

static void test_the_digest_is_of_the_layers(void **state)
{
    char a[65], b[65], c[65];
    pt_graph *g = make("resnet50", (pt_graph_options){.n_classes = 10}), *same, *other;

    same = make("resnet50", (pt_graph_options){.n_classes = 10, .n_source_classes = 3});
    other = make("resnet50",
                 (pt_graph_options){.n_classes = 10, .stride_at = PT_STRIDE_CONV1});
    assert_int_equal(pt_graph_digest(g, a), PT_OK);
    assert_int_equal(pt_graph_digest(same, b), PT_OK);
    assert_int_equal(pt_graph_digest(other, c), PT_OK);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    pt_graph_destroy(&g);
    pt_graph_destroy(&same);
    pt_graph_destroy(&other);
}

/* Any bytes are a graph or PT_ERR_DATA. */
static void try_bytes(const uint8_t *bytes, size_t n)
{
    pt_graph *g = NULL;
    pt_status s = pt_graph_unpack(bytes, n, "bytes", &g);

    assert_true(s == PT_OK || s == PT_ERR_DATA);
    assert_true((s == PT_OK) == (g != NULL));
    pt_graph_destroy(&g);
}

static void test_damaged_bytes_are_refused_or_another_graph(void **state)
{
    static const uint8_t masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
    pt_graph *g = make("resnet_small", (pt_graph_options){.n_classes = 10});
    uint8_t *bytes = NULL;
    size_t n = 0;

    assert_int_equal(pt_graph_pack(g, &bytes, &n), PT_OK);
    for (size_t i = 0; i < n; i++) try_bytes(bytes, i);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof masks; k++) {
            bytes[i] ^= masks[k];
            try_bytes(bytes, n);
            bytes[i] ^= masks[k];
        }
    free(bytes);
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_network_of_ours_is_that_network_with_other_classes),
        cmocka_unit_test(test_another_side_makes_other_maps_of_the_same_weights),
        cmocka_unit_test(test_a_head_on_a_map_becomes_a_mean_and_a_linear_layer),
        cmocka_unit_test(test_the_source_head_is_the_own_one_as_a_branch),
        cmocka_unit_test(test_of_an_added_bias_only_the_bias_is_trained),
        cmocka_unit_test(test_every_network_survives_packing),
        cmocka_unit_test(test_the_digest_is_of_the_layers),
        cmocka_unit_test(test_damaged_bytes_are_refused_or_another_graph),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
