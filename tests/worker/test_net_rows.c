/* A linear layer of which somebody takes only some rows of its gradient, because its
 * factors are sent in the place of the others (common/run/factors.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/net_case.h"

enum { N_SHARDS = 8, IMAGES = 9, SIDE = 16, MAX_REP = 64 };

static const pt_span span = {.n_shards = N_SHARDS, .hi = N_SHARDS, .b = IMAGES};

typedef struct {
    net_case c;
    pt_threads *pool;
    pt_net *net;
    int tensor; /* weights of the head: [rows][NET_CASE_CLASSES] */
    size_t count;
} rows_case;

static void init(rows_case *r)
{
    net_case_init(&r->c, "resnet_small", SIDE, 0, IMAGES, 9);
    assert_int_equal(pt_threads_create(1, &r->pool), PT_OK);

    pt_net_options o = {.graph = r->c.graph,
                        .pool = r->pool,
                        .weights = r->c.weights,
                        .max_images = IMAGES,
                        .n_shards = N_SHARDS,
                        .hi = N_SHARDS,
                        .training = true,
                        .bn_mode = PT_BN_FROZEN};

    assert_int_equal(pt_net_create(&o, &r->net), PT_OK);
    r->tensor = r->c.graph->nodes[r->c.graph->logits].weight;
    r->count = r->c.graph->tensors[r->tensor].count;
}

static void fini(rows_case *r)
{
    pt_net_destroy(&r->net);
    pt_threads_destroy(&r->pool);
    net_case_fini(&r->c);
}

static float *gradient(const rows_case *r)
{
    return pt_net_gradient(r->net, r->tensor, 0);
}

/* The head's gradient in a step that forms all of it. malloc'd. */
static float *whole(const rows_case *r)
{
    float *g = malloc(r->count * sizeof *g);

    assert_non_null(g);
    assert_int_equal(net_case_step(&r->c, r->net, &span, 0, 0, NULL), PT_OK);
    memcpy(g, gradient(r), r->count * sizeof *g);
    return g;
}

static void forget(const rows_case *r)
{
    for (size_t i = 0; i < r->count; i++) gradient(r)[i] = -1;
}

/* Rows are formed some at a time, so a pass may form a few more. */
static void test_rows_that_nobody_wants_may_be_left_out(void **state)
{
    rows_case r;
    bool rows[MAX_REP] = {[MAX_REP - 1] = true};
    size_t last;
    float *all;

    init(&r);
    all = whole(&r);
    forget(&r);
    pt_net_want_rows(r.net, r.tensor, rows);
    assert_int_equal(net_case_step(&r.c, r.net, &span, 0, 0, NULL), PT_OK);
    last = r.count - NET_CASE_CLASSES;
    assert_memory_equal(gradient(&r) + last, all + last, NET_CASE_CLASSES * sizeof *all);
    assert_true(gradient(&r)[0] == -1);
    free(all);
    fini(&r);
}

static void test_a_diagnostic_pass_forms_rows_that_nobody_wants(void **state)
{
    rows_case r;
    bool rows[MAX_REP] = {false};
    float dlogits[IMAGES * NET_CASE_CLASSES], drep[IMAGES * MAX_REP] = {0}, *all;
    const float *view;

    init(&r);
    all = whole(&r);
    forget(&r);
    pt_net_want_rows(r.net, r.tensor, rows);
    assert_int_equal(pt_net_forward(r.net, &span, net_case_input(&r.c, 0), 0), PT_OK);
    net_case_loss(&r.c, pt_net_output(r.net, r.c.graph->logits), 0, IMAGES, dlogits);
    assert_int_equal(pt_net_backward_head(r.net, dlogits, &view), PT_OK);
    assert_int_equal(pt_net_backward_probe(r.net, drep, r.tensor), PT_OK);
    assert_memory_equal(gradient(&r), all, r.count * sizeof *all);
    free(all);
    fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_that_nobody_wants_may_be_left_out),
        cmocka_unit_test(test_a_diagnostic_pass_forms_rows_that_nobody_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
