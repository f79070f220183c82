#include "common/run/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bf16.h"
#include "common/run/sum.h"
#include "common/run/wire.h"

pt_status pt_tiles_init(pt_tiles *p, const pt_run *run, const pt_sender *senders, int n)
{
    size_t max = 0;

    *p = (pt_tiles){.run = run, .n_senders = n};
    p->senders = pt_calloc((size_t)n, sizeof *p->senders);
    if (!p->senders) return pt_fail(PT_ERR_NOMEM, "no memory for %d senders", n);
    memcpy(p->senders, senders, (size_t)n * sizeof *senders);
    for (int s = 0; s < n; s++) max += (size_t)pt_sender_parts(run, &senders[s]);
    p->max = (int)max;
    p->trees = pt_calloc(max, sizeof *p->trees);
    p->sender = pt_calloc(max, sizeof *p->sender);
    p->index = pt_calloc(max, sizeof *p->index);
    p->full = pt_calloc(max, sizeof *p->full);
    p->values = pt_calloc(max, sizeof *p->values);
    if (p->trees && p->sender && p->index && p->full && p->values) return PT_OK;
    pt_tiles_fini(p);
    return pt_fail(PT_ERR_NOMEM, "no memory for %zu parts of a sum", max);
}

pt_status pt_tiles_init_each(pt_tiles *p, const pt_run *run, pt_sender s)
{
    pt_sender *each = pt_calloc((size_t)s.n, sizeof *each);
    pt_status st;

    *p = (pt_tiles){0};
    if (!each) return pt_fail(PT_ERR_NOMEM, "no memory for %d senders", s.n);
    for (int i = 0; i < s.n; i++) each[i] = (pt_sender){.first = s.first + i, .n = 1};
    st = pt_tiles_init(p, run, each, s.n);
    free(each);
    return st;
}

void pt_tiles_fini(pt_tiles *p)
{
    free(p->senders);
    free(p->trees);
    free(p->sender);
    free(p->index);
    free(p->full);
    free(p->values);
    *p = (pt_tiles){0};
}

void pt_tiles_enter(pt_tiles *p, uint64_t step)
{
    p->n = 0;
    for (int s = 0; s < p->n_senders; s++) {
        pt_span span = pt_sender_span(p->run, &p->senders[s], step);
        pt_subtree cover[PT_MAX_COVER];
        int n = pt_tree_cover(span.lo, span.hi, span.n_shards, cover);

        for (int i = 0; i < n; i++, p->n++) {
            p->trees[p->n] = cover[i];
            p->sender[p->n] = s;
            p->index[p->n] = i;
            p->full[p->n] = pt_node_size(&span, cover[i].level, cover[i].index) > 0;
        }
    }
}

static void add_floats(void *count, void *into, const void *from)
{
    pt_sum_add(into, from, *(const size_t *)count);
}

static void add_bf16(void *count, void *into, const void *from)
{
    pt_bf16_add(into, from, *(const size_t *)count);
}

int pt_tiles_merge(const pt_tiles *p, size_t count, void *out[PT_MAX_COVER])
{
    int lo = pt_sender_span(p->run, &p->senders[0], 0).lo,
        hi = pt_sender_span(p->run, &p->senders[p->n_senders - 1], 0).hi;

    return pt_tree_merge(lo, hi, p->run->plan->n_shards, p->trees, p->values, p->n,
                         pt_run_wire_bf16(p->run) ? add_bf16 : add_floats, &count, out);
}
