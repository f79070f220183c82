/* pt_net_evaluate_without against the plain way to the same numbers: a whole pass with
 * the channel's filter and bias at zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/net_case.h"

enum { IMAGES = 3, ROOM = 5, CHANNELS = 3 };

typedef struct {
    net_case c;
    pt_threads *pool;
    pt_net *plain, *net;
    int *maps, n_maps; /* every step-th convolution of the trunk */
} without_case;

static bool is_conv(const pt_graph *g, int i)
{
    return i < g->rep &&
           (g->nodes[i].op == PT_OP_CONV || g->nodes[i].op == PT_OP_DEPTHWISE);
}

static void open_case(without_case *w, const char *network, int side, int step)
{
    *w = (without_case){0};
    net_case_init(&w->c, network, side, 0.5F, IMAGES, 7);

    const pt_graph *g = w->c.graph;
    int found = 0;

    w->maps = calloc((size_t)g->n_nodes, sizeof *w->maps);
    assert_non_null(w->maps);
    for (int i = 0; i < g->n_nodes; i++)
        if (is_conv(g, i) && found++ % step == 0) w->maps[w->n_maps++] = i;
    assert_int_equal(pt_threads_create(2, &w->pool), PT_OK);

    pt_net_options o = {.graph = g,
                        .pool = w->pool,
                        .weights = w->c.weights,
                        .max_images = ROOM,
                        .n_shards = 1,
                        .hi = 1};

    assert_int_equal(pt_net_create(&o, &w->plain), PT_OK);
    o.maps = w->maps;
    o.n_maps = w->n_maps;
    o.repeats = true;
    assert_int_equal(pt_net_create(&o, &w->net), PT_OK);
}

static void close_case(without_case *w)
{
    pt_net_destroy(&w->net);
    pt_net_destroy(&w->plain);
    pt_threads_destroy(&w->pool);
    net_case_fini(&w->c);
    free(w->maps);
}

/* A filter's weights in the layout of the network's kernel, or its bias; gone: set to
 * zero, else brought back from kept [count]. */
static void set_filter(without_case *w, int tensor, int channel, bool gone, float *kept)
{
    const pt_tensor *t = tensor < 0 ? NULL : &w->c.graph->tensors[tensor];
    float *v = t ? w->c.weights + t->offset : NULL, *file;
    size_t per;

    if (!t) return;
    if (!gone) {
        memcpy(v, kept, t->count * sizeof *v);
        return;
    }
    memcpy(kept, v, t->count * sizeof *v);
    file = malloc(t->count * sizeof *file);
    assert_non_null(file);
    pt_tensor_to_file(t, v, file); /* filters first */
    per = t->count / (size_t)t->dims[0];
    memset(file + (size_t)channel * per, 0, per * sizeof *file);
    pt_tensor_to_memory(t, file, v);
    free(file);
}

static void compare(without_case *w, int k, int channel)
{
    const pt_graph *g = w->c.graph;
    const pt_node *node = &g->nodes[w->maps[k]];
    size_t bytes = IMAGES * NET_CASE_CLASSES * sizeof(float);
    float *kept[2] = {malloc(g->n_floats * sizeof(float)),
                      malloc(g->n_floats * sizeof(float))};

    assert_true(kept[0] && kept[1]);
    set_filter(w, node->weight, channel, true, kept[0]);
    set_filter(w, node->bias, channel, true, kept[1]);
    assert_int_equal(pt_net_evaluate(w->plain, IMAGES, net_case_input(&w->c, 0)), PT_OK);
    set_filter(w, node->weight, channel, false, kept[0]);
    set_filter(w, node->bias, channel, false, kept[1]);
    assert_int_equal(pt_net_evaluate_without(w->net, k, channel), PT_OK);
    if (memcmp(pt_net_output(w->net, g->logits), pt_net_output(w->plain, g->logits),
               bytes) != 0)
        fail_msg("%s without channel %d of %s", g->network, channel, node->name);
    free(kept[0]);
    free(kept[1]);
}

/* Maps from the top down, twice: what one leaves may not hurt the next. */
static void check(const char *network, int side, int step)
{
    without_case w;

    open_case(&w, network, side, step);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(pt_net_evaluate(w.net, IMAGES, net_case_input(&w.c, 0)), PT_OK);
        for (int k = w.n_maps - 1; k >= 0; k--) {
            unsigned c = (unsigned)w.c.graph->nodes[w.maps[k]].c;

            for (int j = 0; j < CHANNELS; j++)
                compare(&w, k, (int)((unsigned)(k * 31 + j * 17 + round) % c));
        }
    }
    print_message("%s: %d maps\n", network, w.n_maps);
    close_case(&w);
}

static void test_it_is_a_pass_without_the_filter(void **state)
{
    check("cifar_resnet20", 32, 1);
    check("squeezenet1_1", 64, 2);
    check("mobilenet_v1", 64, 3);
    check("resnet50", 32, 7);
}

static void test_what_cannot_be_repeated_is_refused(void **state)
{
    without_case w;

    open_case(&w, "cifar_resnet20", 32, 5);
    assert_int_equal(pt_net_evaluate_without(w.net, 0, 0), PT_ERR_BUG); /* no pass yet */
    assert_int_equal(pt_net_evaluate(w.net, IMAGES, net_case_input(&w.c, 0)), PT_OK);
    assert_int_equal(pt_net_evaluate_without(w.net, w.n_maps, 0), PT_ERR_BUG);
    assert_int_equal(pt_net_evaluate_without(w.net, 0, 1000), PT_ERR_BUG);
    assert_int_equal(pt_net_evaluate_without(w.net, 1, 0), PT_OK);
    assert_int_equal(pt_net_evaluate_without(w.net, 2, 0), PT_ERR_BUG); /* above it */
    assert_int_equal(pt_net_evaluate_without(w.net, 0, 0), PT_OK);
    assert_int_equal(pt_net_evaluate(w.plain, IMAGES, net_case_input(&w.c, 0)), PT_OK);
    assert_int_equal(pt_net_evaluate_without(w.plain, 0, 0), PT_ERR_BUG);
    close_case(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_a_pass_without_the_filter),
        cmocka_unit_test(test_what_cannot_be_repeated_is_refused),
    };

    return cmocka_run_group_tests_name("worker.net_without", tests, NULL, NULL);
}
