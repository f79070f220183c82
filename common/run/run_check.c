#include "common/run/run_check.h"

#include <stdio.h>

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

/* Only the last batch of an epoch is smaller than the others. */
pt_status pt_run_check(const pt_run *r)
{
    const pt_plan *p = r->plan;
    pt_status s = check_class_weights(r);

    for (size_t i = 0; i < p->n_stages && s == PT_OK; i++) {
        uint64_t last = epochs_last(p, p->stages[i].first);

        s = check_step(r, i, p->stages[i].first);
        if (s == PT_OK && last < p->stages[i].end) s = check_step(r, i, last);
    }
    return s;
}

/* The rate rises to 1 in step warmup + 1, counted from 1. */
bool pt_run_doubt(const pt_run *r, char *line, size_t n)
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
