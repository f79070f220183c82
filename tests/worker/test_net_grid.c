/* A small network that averages its map to a grid, as VGG-16 does at other sizes than
 * 224, and over windows of that: its gradients against differences of its outputs, its
 * bits on threads and workers. No layer of it has a kink, so differences along one tensor
 * are exact but for rounding.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/graph/builder.h"
#include "tests/support/pattern.h"
#include "worker/engine/net/net.h"

enum { SIDE = 10, GRID = 4, IMAGES = 5, CLASSES = 3, SHARDS = 4, MAX_FLOATS = 2000 };

static pt_graph *graph;
static float flat[MAX_FLOATS], pixels[IMAGES * SIDE * SIDE * 3];
static float dlogits[IMAGES * CLASSES];

static int make(void **state)
{
    const pt_graph_options opt = {.side = SIDE, .n_classes = CLASSES, .bn_eps = 1e-5f};
    pt_window window = pt_window_square(3, 1, 1);
    pt_builder b;
    int x;

    pt_builder_init(&b, "grid", &opt);
    x = pt_build_conv(&b, 0, pt_named("conv"), 4, pt_window_square(3, 1, 1), true);
    x = pt_build_adaptive_avg_pool(&b, x, pt_named("avgpool"), GRID);
    window.count_pad = true;
    x = pt_build_avg_pool(&b, x, pt_named("means"), window);
    b.g->rep = x = pt_build_linear(&b, x, pt_named("fc"), 6);
    b.in_head = true;
    pt_build_linear(&b, x, pt_named("head"), CLASSES);
    if (pt_builder_finish(&b, &graph) != PT_OK || graph->n_floats > MAX_FLOATS) return -1;
    pattern_fill(1, graph->n_floats, flat);
    pattern_fill(2, sizeof pixels / sizeof *pixels, pixels);
    pattern_fill(3, IMAGES * CLASSES, dlogits);
    return 0;
}

static int destroy(void **state)
{
    pt_graph_destroy(&graph);
    return 0;
}

/* A net with shards lo..hi-1 after its forward pass; span: out. */
static pt_net *forward(pt_threads *pool, int lo, int hi, pt_span *span)
{
    const pt_net_options opt = {.graph = graph,
                                .pool = pool,
                                .weights = flat,
                                .max_images = IMAGES,
                                .n_shards = SHARDS,
                                .lo = lo,
                                .hi = hi,
                                .training = true};
    pt_net *net;

    *span = (pt_span){SHARDS, lo, hi, IMAGES, false};
    if (pt_net_create(&opt, &net) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(
        pt_net_forward(net, span, pixels + pt_span_first(span) * SIDE * SIDE * 3, 0),
        PT_OK);
    return net;
}

/* Sum of dlogits times logits. */
static double loss(pt_threads *pool)
{
    pt_span span;
    pt_net *net = forward(pool, 0, SHARDS, &span);
    const float *logits = pt_net_output(net, graph->logits);
    double sum = 0;

    for (int i = 0; i < IMAGES * CLASSES; i++)
        sum += (double)dlogits[i] * (double)logits[i];
    pt_net_destroy(&net);
    return sum;
}

static pt_net *both_ways(pt_threads *pool)
{
    const float *drep;
    pt_span span;
    pt_net *net = forward(pool, 0, SHARDS, &span);

    assert_int_equal(pt_net_backward_head(net, dlogits, &drep), PT_OK);
    assert_int_equal(pt_net_backward(net, drep), PT_OK);
    return net;
}

/* The loss where tensor t has moved by `by` along the pattern. */
static double loss_at(pt_threads *pool, const pt_tensor *t, const float *along, float by)
{
    float *v = flat + t->offset, *keep = malloc(t->count * sizeof *keep);
    double y;

    assert_non_null(keep);
    memcpy(keep, v, t->count * sizeof *v);
    for (size_t k = 0; k < t->count; k++) v[k] += by * along[k];
    y = loss(pool);
    memcpy(v, keep, t->count * sizeof *v);
    free(keep);
    return y;
}

static void test_gradients_are_those_of_the_outputs(void **state)
{
    static float along[MAX_FLOATS];
    pt_threads *pool = NULL;
    pt_net *net;

    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    net = both_ways(pool);
    for (int i = 0; i < graph->n_params; i++) {
        const pt_tensor *t = &graph->tensors[i];
        const float *g = pt_net_gradient(net, i, 0);
        double slope = 0, difference;

        pattern_fill(10 + (uint64_t)i, t->count, along);
        for (size_t k = 0; k < t->count; k++) slope += (double)g[k] * (double)along[k];
        difference = loss_at(pool, t, along, 0.5f) - loss_at(pool, t, along, -0.5f);
        if (!(fabs(difference - slope) < 1e-4 * fabs(slope) + 1e-5))
            fail_msg("%s: slope %g, difference %g", t->name, slope, difference);
    }
    pt_net_destroy(&net);
    pt_threads_destroy(&pool);
}

static void test_bits_do_not_depend_on_threads_and_workers(void **state)
{
    pt_threads *one = NULL, *three = NULL;
    pt_net *a, *b, *half;
    pt_span span;

    assert_int_equal(pt_threads_create(1, &one), PT_OK);
    assert_int_equal(pt_threads_create(3, &three), PT_OK);
    a = both_ways(one);
    b = both_ways(three);
    for (int i = 0; i < graph->n_params; i++)
        assert_memory_equal(pt_net_gradient(a, i, 0), pt_net_gradient(b, i, 0),
                            graph->tensors[i].count * sizeof(float));
    for (int lo = 0; lo < SHARDS; lo += 2) { /* two workers */
        half = forward(three, lo, lo + 2, &span);
        assert_memory_equal(pt_net_output(half, graph->logits),
                            pt_net_output(a, graph->logits) +
                                pt_span_first(&span) * CLASSES,
                            (size_t)(pt_span_images(&span) * CLASSES) * sizeof(float));
        pt_net_destroy(&half);
    }
    pt_net_destroy(&a);
    pt_net_destroy(&b);
    pt_threads_destroy(&one);
    pt_threads_destroy(&three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_are_those_of_the_outputs),
        cmocka_unit_test(test_bits_do_not_depend_on_threads_and_workers),
    };
    return cmocka_run_group_tests(tests, make, destroy);
}
