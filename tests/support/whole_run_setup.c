/* What every rank of a whole run knows alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/method.h"
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

/* Files of methods; the configuration has their paths. */
static void read_files(pt_run *run)
{
    for (int m = 0; m < PT_N_METHODS; m++) {
        const pt_run_method *hooks = pt_run_methods[m];
        const char *file =
            hooks && pt_methods[m].is_on(run->config) ? hooks->path(run->config) : NULL;

        if (file && hooks->read(file, run) != PT_OK) fail_msg("%s", pt_fail_text());
    }
}

/* Source images i % 3 + 1 of them go with target image i: 5 i + 2 j modulo their number.
 */
static void add_source(const pt_config *c, pt_plan *plan, const whole_run_options *o)
{
    enum { MAX_IMAGES = 32 };
    static uint32_t target[MAX_IMAGES], image[3 * MAX_IMAGES];
    static uint64_t begin[MAX_IMAGES + 1];
    size_t n = (size_t)o->n_train, before = n + (size_t)o->n_test;
    uint32_t *all;

    if (c->source->draw != PT__CONFIG__SOURCE_DRAW__NEIGHBOURS) {
        all = whole_run_numbers(before, WHOLE_RUN_SOURCE_IMAGES);
        assert_int_equal(pt_plan_add_source(plan, all, WHOLE_RUN_SOURCE_IMAGES), PT_OK);
        return;
    }
    assert_true(n <= MAX_IMAGES);
    for (size_t i = 0; i < n; i++) {
        target[i] = (uint32_t)i;
        begin[i + 1] = begin[i] + i % 3 + 1;
        for (uint64_t j = 0; j < i % 3 + 1; j++)
            image[begin[i] + j] = (uint32_t)((5 * i + 2 * j) % WHOLE_RUN_SOURCE_IMAGES);
    }

    pt_pairs pairs = {"", target, n, begin, image};

    assert_int_equal(pt_plan_add_pairs(plan, &pairs, (uint32_t)before), PT_OK);
}

static void place(pt_run *run, const whole_run_options *o)
{
    size_t n = (size_t)(run->n_servers + run->n_workers);

    if (o->n_hosts == 0 && !o->hosts) return;
    run->host = pt_calloc(n, sizeof *run->host);
    assert_non_null(run->host);
    for (int w = 0; w < run->n_workers; w++)
        run->host[run->n_servers + w] = w * o->n_hosts / run->n_workers;
    if (o->hosts) memcpy(run->host, o->hosts, n * sizeof *run->host);
}

/* Cuts the head's weights anew, into keys of `floats`, which go round the servers. */
static void cut_head(pt_run *run, size_t floats)
{
    int head = run->graph->nodes[run->graph->logits].weight, n = 0;
    const pt_tensor *t = &run->graph->tensors[head];
    pt_keys *k = run->keys;
    pt_key *keys = calloc((size_t)k->n + t->count / floats, sizeof *keys);

    assert_non_null(keys);
    for (int i = 0; i < k->n; i++) {
        if (k->keys[i].tensor == head) {
            for (size_t at = 0; at < t->count; at += floats, n++)
                keys[n] = (pt_key){head, t->offset + at,
                                   t->count - at < floats ? t->count - at : floats,
                                   n % k->n_servers};
            continue;
        }
        keys[n++] = k->keys[i];
    }
    free(k->keys);
    k->keys = keys;
    for (int i = head + 1; i <= run->graph->n_params; i++)
        k->first_of_tensor[i] += n - k->n;
    k->n = n;
}

static void add_labels(const pt_config *c, pt_plan *plan, const whole_run_options *o)
{
    int32_t *labels = calloc((size_t)o->n_train, sizeof *labels);

    assert_non_null(labels);
    for (int i = 0; i < o->n_train; i++) labels[i] = whole_run_label(o, i);
    assert_int_equal(pt_plan_add_labels(plan, c, labels, WHOLE_RUN_CLASSES), PT_OK);
    free(labels);
}

pt_run *whole_run_make(const whole_run_options *o)
{
    pt_config *c = load_config(o);
    unsigned asks = pt_methods_ask(c);
    const pt_graph_options options = {
        .side = (int)c->data->crop,
        .n_classes = WHOLE_RUN_CLASSES,
        .n_source_classes = asks & (PT_ASKS_ANSWERS | PT_ASKS_RELATION | PT_ASKS_SOURCE)
                                ? WHOLE_RUN_SOURCE_CLASSES
                                : 0,
        .dropout = c->network->dropout};
    pt_graph *graph = NULL;
    pt_plan *plan = NULL;
    pt_run *run = NULL;
    size_t n = (size_t)o->n_train;

    assert_int_equal(pt_graph_create(c->network->name, &options, &graph), PT_OK);
    assert_int_equal(pt_plan_create(c, whole_run_numbers(0, n), n, &plan), PT_OK);
    add_labels(c, plan, o);
    if (asks & PT_ASKS_SOURCE) add_source(c, plan, o);
    assert_int_equal(pt_run_create(c, graph, plan, o->n_servers, o->n_workers, &run),
                     PT_OK);
    if (o->head_floats > 0) cut_head(run, o->head_floats);
    place(run, o);
    for (size_t i = 0; i < n && run->given.labels; i++)
        run->given.labels[i] = whole_run_label(o, (int)i);
    read_files(run);
    whole_run_start(run->graph, run->flat);
    pt_run_keep_start(run);
    return run;
}
