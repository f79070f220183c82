/* What every rank of a whole run knows alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

int whole_run_label(const whole_run_options *o, int image)
{
    if (image < o->n_train + o->n_test) return image * image % WHOLE_RUN_CLASSES;
    return WHOLE_RUN_CLASSES + image * image % WHOLE_RUN_SOURCE_CLASSES;
}

static pt_config *load_config(const whole_run_options *o)
{
    pt_config *c = NULL;
    size_t n = 0;

    while (n < WHOLE_RUN_MAX_SETS && o->sets[n]) n++;
    if (pt_config_load(o->config, o->sets, n, &c) != PT_OK)
        fail_msg("%s", pt_fail_text());
    return c;
}

uint32_t *whole_run_numbers(size_t first, size_t n)
{
    uint32_t *x = malloc((n + 1) * sizeof *x);

    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (uint32_t)(first + i);
    return x;
}

/* The file beside the configurations. */
static void read_attention(pt_run *run)
{
    const char *file = run->config->regularizers->delta->attention;
    pt_delta_maps maps = pt_run_maps(run);
    char path[256];

    if (!file) return;
    run->attention = pt_calloc(pt_delta_channels(&maps), sizeof *run->attention);
    assert_non_null(run->attention);
    snprintf(path, sizeof path, "%s/methods/%s", PT_TEST_DATA, file);
    if (pt_delta_read_attention(path, &maps, run->attention) != PT_OK)
        fail_msg("%s", pt_fail_text());
}

/* Source images i % 3 + 1 of them go with target image i: 5 i + 2 j modulo their number.
 */
static void add_source(const pt_config *c, pt_plan *plan, const whole_run_options *o)
{
    enum { MOST = 32 };
    static uint32_t target[MOST], image[3 * MOST];
    static uint64_t begin[MOST + 1];
    size_t n = (size_t)o->n_train, before = n + (size_t)o->n_test;
    uint32_t *all;

    if (c->source->draw != PT__CONFIG__SOURCE_DRAW__NEIGHBOURS) {
        all = whole_run_numbers(before, WHOLE_RUN_SOURCE_IMAGES);
        assert_int_equal(pt_plan_add_source(plan, all, WHOLE_RUN_SOURCE_IMAGES), PT_OK);
        return;
    }
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        target[i] = (uint32_t)i;
        begin[i + 1] = begin[i] + i % 3 + 1;
        for (uint64_t j = 0; j < i % 3 + 1; j++)
            image[begin[i] + j] = (uint32_t)((5 * i + 2 * j) % WHOLE_RUN_SOURCE_IMAGES);
    }

    pt_pairs pairs = {"", target, n, begin, image};

    assert_int_equal(pt_plan_add_pairs(plan, &pairs, (uint32_t)before), PT_OK);
}

pt_run *whole_run_make(const whole_run_options *o)
{
    pt_config *c = load_config(o);
    bool joint = c->regularizers->joint->weight > 0;
    const pt_graph_options options = {
        .side = (int)c->data->crop,
        .n_classes = WHOLE_RUN_CLASSES,
        .n_source_classes = c->regularizers->lwf->weight > 0 ||
                                    c->regularizers->co_tuning->weight > 0 || joint
                                ? WHOLE_RUN_SOURCE_CLASSES
                                : 0,
        .dropout = c->network->dropout};
    pt_graph *graph = NULL;
    pt_plan *plan = NULL;
    pt_run *run = NULL;
    size_t n = (size_t)o->n_train, dims;

    assert_int_equal(pt_graph_create(c->network->name, &options, &graph), PT_OK);
    assert_int_equal(pt_plan_create(c, whole_run_numbers(0, n), n, &plan), PT_OK);
    if (joint) add_source(c, plan, o);
    assert_int_equal(pt_run_create(c, graph, plan, o->n_servers, o->n_workers, &run),
                     PT_OK);
    if (c->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE &&
        c->pseudo_task->target == PT__CONFIG__TARGET__MATCHED) {
        dims = (size_t)pt_run_rep_size(run);
        run->feature_mean = pt_calloc(dims, sizeof(float));
        run->feature_std = pt_calloc(dims, sizeof(float));
        assert_true(run->feature_mean && run->feature_std);
    }
    if (c->regularizers->adarand->weight > 0 || c->regularizers->co_tuning->weight > 0) {
        run->labels = pt_calloc(n, sizeof *run->labels);
        assert_non_null(run->labels);
        for (size_t i = 0; i < n; i++) run->labels[i] = whole_run_label(o, (int)i);
    }
    if (pt_run_response_floats(run) > 0) {
        run->responses = pt_calloc(pt_run_response_floats(run), sizeof(float));
        assert_non_null(run->responses);
    }
    read_attention(run);
    whole_run_start(run->graph, run->flat);
    assert_int_equal(pt_run_keep_start(run), PT_OK);
    return run;
}
