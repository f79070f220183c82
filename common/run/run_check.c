#include "common/run/run_check.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS_LISTED = 8 };

/* The last step of the epoch that `step` is in. */
static uint64_t epochs_last(const pt_plan *p, uint64_t step)
{
    return step + (p->steps_per_epoch - 1 - step % p->steps_per_epoch);
}

/* The fewest images that are normalized together. A batch of b in V shards has one with
 * b / V images, rounded down; empty ones are no shards. */
static int fewest_images(const pt_run *r, int b)
{
    int of_shard = b / r->plan->n_shards;

    if (r->config->network->batch_norm != PT__CONFIG__BATCH_NORM__SHARD) return b;
    return of_shard > 1 ? of_shard : 1;
}

/* Has batch norm node d statistics of its own in stage i? */
static bool measures(const pt_run *r, const pt_node *d, size_t i)
{
    const pt_config *c = r->config;

    return d->op == PT_OP_BATCH_NORM &&
           c->network->batch_norm != PT__CONFIG__BATCH_NORM__FROZEN &&
           (c->n_stages == 0 ||
            !pt_tensor_frozen(&r->graph->tensors[d->weight], c->stages[i]->frozen,
                              c->stages[i]->n_frozen));
}

static pt_status check_step(const pt_run *r, size_t stage, uint64_t step)
{
    bool shard = r->config->network->batch_norm == PT__CONFIG__BATCH_NORM__SHARD;

    if (fewest_images(r, pt_plan_batch_size(r->plan, step)) > 1) return PT_OK;
    for (int k = 0; k < r->graph->n_nodes; k++) {
        const pt_node *d = &r->graph->nodes[k];

        if (!measures(r, d, stage) || d->h * d->w > 1) continue;
        return pt_fail(
            PT_ERR_CONFIG,
            "batch norm %s would normalize one value per channel in step %llu "
            "(a %s of 1 image, 1 x 1 pixels there), which has no variance: use "
            "another data.batch%s, a larger data.crop or network.batch_norm: "
            "frozen",
            d->name, (unsigned long long)step + 1, shard ? "shard" : "batch",
            shard ? ", fewer shards" : "");
    }
    return PT_OK;
}

static pt_status check_class_weights(const pt_run *r)
{
    size_t n = r->config->cross_entropy->n_class_weights;

    if (n == 0 || n == (size_t)r->graph->n_classes) return PT_OK;
    return pt_fail(PT_ERR_CONFIG,
                   "cross_entropy.class_weights has %zu numbers, the data set has %d "
                   "classes",
                   n, r->graph->n_classes);
}

/* "conv1, bn1, layer1, ...": with what the parameters' names begin, up to a dot. */
static void list_groups(const pt_graph *g, char *text, size_t n)
{
    const char *last = "";
    size_t length = 0, at = 0;

    for (int i = 0, listed = 0; i < g->n_params && at + 1 < n; i++) {
        const char *name = g->tensors[i].name;
        size_t own = strcspn(name, ".");

        if (own == length && strncmp(name, last, own) == 0) continue;
        if (listed++ == GROUPS_LISTED) own = 0;
        at += (size_t)snprintf(text + at, n - at, "%s%.*s%s", listed > 1 ? ", " : "",
                               (int)own, name, own ? "" : "...");
        if (!own) return;
        last = name;
        length = own;
    }
}

static bool freezes_any(const pt_graph *g, char *entry)
{
    for (int i = 0; i < g->n_params; i++)
        if (!g->tensors[i].fixed && pt_tensor_frozen(&g->tensors[i], &entry, 1))
            return true;
    return false;
}

static pt_status check_frozen(const pt_run *r)
{
    char groups[512] = "";
    pt_status s = PT_OK;

    for (size_t i = 0; i < r->config->n_stages; i++) {
        const Pt__Config__Stage *stage = r->config->stages[i];

        for (size_t k = 0; k < stage->n_frozen; k++) {
            if (freezes_any(r->graph, stage->frozen[k])) continue;
            list_groups(r->graph, groups, sizeof groups);
            pt_fail_more(&s, PT_ERR_CONFIG,
                         "stages.%zu.frozen: no parameter's name begins with '%.60s'; "
                         "they begin with %s (trunk: all but the head)",
                         i, stage->frozen[k], groups);
        }
    }
    return s;
}

/* Only the last batch of an epoch is smaller than the others. */
pt_status pt_run_check(const pt_run *r)
{
    const pt_plan *p = r->plan;
    pt_status s = check_class_weights(r);

    if (s == PT_OK) s = check_frozen(r);
    for (size_t i = 0; i < p->n_stages && s == PT_OK; i++) {
        uint64_t last = epochs_last(p, p->stages[i].first);

        s = check_step(r, i, p->stages[i].first);
        if (s == PT_OK && last < p->stages[i].end) s = check_step(r, i, last);
    }
    return s;
}

/* ---- doubts ------------------------------------------------------------------------ */

static bool tests_on_training(const pt_run *r, char *line, size_t n)
{
    const Pt__Config__Data *d = r->config->data;

    if (strcmp(d->test_split, d->train_split) != 0) return false;
    snprintf(
        line, n,
        "data.test_split is the training split, '%.60s': the test accuracy is that of "
        "images that were trained on",
        d->train_split);
    return true;
}

static bool trains_nothing(const pt_run *r, char *line, size_t n)
{
    const pt_config *c = r->config;

    for (size_t i = 0; i < c->n_stages; i++) {
        int k = 0;

        while (k < r->graph->n_params &&
               pt_tensor_frozen(&r->graph->tensors[k], c->stages[i]->frozen,
                                c->stages[i]->n_frozen))
            k++;
        if (k < r->graph->n_params) continue;
        snprintf(line, n, "stages.%zu freezes every parameter: nothing is trained in it",
                 i);
        return true;
    }
    return false;
}

/* The rate rises to 1 in step warmup + 1, counted from 1. */
static bool warms_up_throughout(const pt_run *r, char *line, size_t n)
{
    const Pt__Config__Schedule *c = r->config->schedule;
    const pt_plan *p = r->plan;
    size_t parts = c->per_stage ? p->n_stages : 1;

    for (size_t i = 0; i < parts; i++) {
        uint64_t steps =
            c->per_stage ? p->stages[i].end - p->stages[i].first : p->total_steps;
        char what[32] = "the run";

        if (c->warmup_steps < steps) continue;
        if (c->per_stage) snprintf(what, sizeof what, "stages.%zu", i);
        snprintf(line, n,
                 "schedule.warmup_steps is %u, but %s has %llu steps: the rate never "
                 "exceeds %.3g of its full value",
                 c->warmup_steps, what, (unsigned long long)steps,
                 (double)steps / ((double)c->warmup_steps + 1));
        return true;
    }
    return false;
}

bool pt_run_doubt(const pt_run *r, int k, char *line, size_t n)
{
    bool (*const doubts[])(const pt_run *, char *, size_t) = {
        tests_on_training, trains_nothing, warms_up_throughout};

    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++)
        if (doubts[i](r, line, n) && k-- == 0) return true;
    return false;
}
