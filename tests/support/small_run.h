/* A run of the smallest network on 8 images, for tests that need arrays and no training.
 * Include cmocka's headers first. */
#ifndef PT_TESTS_SMALL_RUN_H
#define PT_TESTS_SMALL_RUN_H

#include <stdlib.h>

#include "common/run/run.h"

static inline pt_run *make_small_run(int n_servers)
{
    static const char *const sets[] = {"data.crop=8"};
    const pt_graph_options options = {.side = 8, .n_classes = 5};
    pt_config *c = NULL;
    pt_graph *g = NULL;
    pt_plan *plan = NULL;
    pt_run *r = NULL;
    uint32_t *images = calloc(8, sizeof *images);

    assert_int_equal(pt_config_load(PT_TEST_DATA "/run/base.yaml", sets, 1, &c), PT_OK);
    assert_int_equal(pt_graph_create(c->network->name, &options, &g), PT_OK);
    assert_int_equal(pt_plan_create(c, images, 8, &plan), PT_OK);
    assert_int_equal(pt_run_create(c, g, plan, n_servers, 1, &r), PT_OK);
    return r;
}

#endif
