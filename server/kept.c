#include "server/kept.h"

#include <stdlib.h>
#include <string.h>

pt_status pt_kept_init(const pt_run *run, pt_kept *out)
{
    const pt_graph *g = run->graph;
    bool second = run->asks & PT_ASKS_SECOND;

    *out = (pt_kept){0};
    if (!pt_run_may_end_early(run)) return PT_OK;
    out->flat = pt_calloc(g->n_floats, sizeof *out->flat);
    if (second) out->second = pt_calloc(g->n_param_floats, sizeof *out->second);
    if (out->flat && (out->second || !second)) return PT_OK;
    pt_kept_fini(out);
    return pt_fail(PT_ERR_NOMEM, "no memory for the best weights (%zu bytes)",
                   pt_kept_floats(run) * sizeof(float));
}

void pt_kept_fini(pt_kept *k)
{
    if (!k->flat_lent) free(k->flat);
    free(k->second);
    *k = (pt_kept){0};
}

size_t pt_kept_floats(const pt_run *run)
{
    const pt_graph *g = run->graph;

    if (!pt_run_may_end_early(run)) return 0;
    return g->n_floats + (run->asks & PT_ASKS_SECOND ? g->n_param_floats : 0);
}

static void copy_keys(const pt_run *run, const int *keys, int n, const float *from,
                      float *to)
{
    for (int i = 0; i < n; i++) {
        const pt_key *k = &run->keys->keys[keys[i]];

        memcpy(to + k->offset, from + k->offset, k->count * sizeof *to);
    }
}

static void copy(const pt_run *run, const int *keys, int n, const pt_kept *from,
                 pt_kept *to)
{
    size_t params = run->graph->n_param_floats, all = run->graph->n_floats;

    copy_keys(run, keys, n, from->flat, to->flat);
    memcpy(to->flat + params, from->flat + params, (all - params) * sizeof(float));
    if (from->second) copy_keys(run, keys, n, from->second, to->second);
}

void pt_kept_take(pt_kept *k, const pt_run *run, const float *second, const int *keys,
                  int n)
{
    copy(run, keys, n, &(pt_kept){.flat = run->flat, .second = (float *)second}, k);
}

void pt_kept_copy(const pt_kept *k, const pt_run *run, const int *keys, int n,
                  pt_kept *to)
{
    if (k->flat) copy(run, keys, n, k, to);
}

void pt_kept_swap(pt_kept *k, pt_run *run, float *second)
{
    float *flat = run->flat;
    bool lent = run->flat_lent;

    run->flat = k->flat;
    run->flat_lent = k->flat_lent;
    k->flat = flat;
    k->flat_lent = lent;
    for (size_t i = 0; second && i < run->graph->n_param_floats; i++) {
        float x = second[i];

        second[i] = k->second[i];
        k->second[i] = x;
    }
}
