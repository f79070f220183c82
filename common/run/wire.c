#include "common/run/wire.h"

#include <string.h>

#include "common/comm/comm.h"
#include "common/run/coupling.h"
#include "common/run/moments.h"

_Static_assert((int)PT_MSG_COVERS >= (int)PT_MAX_COVER,
               "a number for each sub-tree of a cover");

int pt_span_cover(const pt_span *p, pt_subtree out[PT_MAX_COVER], int *n_full)
{
    int n = pt_tree_cover(p->lo, p->hi, p->n_shards, out);

    *n_full = 0;
    for (int t = 0; t < n; t++)
        *n_full += pt_node_size(p, out[t].level, out[t].index) > 0;
    return n;
}

double pt_times_waited(const double times[PT_PAYLOAD_TIMES])
{
    return times[PT_TIME_WEIGHTS] + times[PT_TIME_SUMS] + times[PT_TIME_RECORD];
}

size_t pt_exchange_len(int channels, bool backward)
{
    return backward ? 2 * (size_t)channels : pt_moments_len((size_t)channels);
}

size_t pt_payload_vector(const pt_run *r)
{
    return r->asks & PT_SENDS_SUMS ? 2 * (size_t)pt_run_rep_size(r) : 0;
}

pt_payload pt_payload_layout(const pt_run *r, int worker, uint64_t step)
{
    pt_span span = pt_run_span(r, worker, step);
    pt_subtree cover[PT_MAX_COVER];
    pt_payload p = {.n_shards = span.hi - span.lo, .n_images = pt_span_images(&span)};

    pt_span_cover(&span, cover, &p.n_trees);
    p.shards = PT_PAYLOAD_HEAD;
    p.vectors = p.shards + (size_t)p.n_shards * PT_SHARD_DOUBLES;
    p.images = p.vectors + (size_t)p.n_shards * pt_payload_vector(r);
    p.rows = p.images + (size_t)p.n_images * PT_IMAGE_DOUBLES;
    p.moments = p.rows + (size_t)p.n_images * pt_row_layout(r).total;
    p.total = p.moments;
    for (int i = 0; i < r->graph->n_nodes; i++)
        if (pt_run_has_moments(r, i))
            p.total += (size_t)p.n_trees * pt_moments_len((size_t)r->graph->nodes[i].c);
    return p;
}

size_t pt_payload_bound(const pt_run *r)
{
    size_t n = PT_PAYLOAD_HEAD +
               (size_t)r->plan->n_shards * (PT_SHARD_DOUBLES + pt_payload_vector(r)) +
               (size_t)r->plan->batch * (PT_IMAGE_DOUBLES + pt_row_layout(r).total);

    for (int i = 0; i < r->graph->n_nodes; i++)
        if (r->graph->nodes[i].op == PT_OP_BATCH_NORM)
            n += PT_MAX_COVER * pt_moments_len((size_t)r->graph->nodes[i].c);
    return n;
}

void pt_record_pack(const Pt__Record__StepRecord *rec, uint8_t out[PT_RECORD_BYTES])
{
    size_t n = pt__record__step_record__get_packed_size(rec);

    PT_CHECK(n < PT_RECORD_BYTES, "step record of %zu bytes", n);
    memset(out, 0, PT_RECORD_BYTES);
    out[0] = (uint8_t)n;
    pt__record__step_record__pack(rec, out + 1);
}

pt_status pt_record_unpack(const uint8_t in[PT_RECORD_BYTES], Pt__Record__StepRecord *rec)
{
    Pt__Record__StepRecord *got;
    pt_status s = PT_OK;

    if (in[0] >= PT_RECORD_BYTES)
        return pt_fail(PT_ERR_COMM, "step record of %d bytes", in[0]);
    got = pt__record__step_record__unpack(NULL, in[0], in + 1);
    if (!got) return pt_fail(PT_ERR_COMM, "step record is damaged");
    if (got->base.n_unknown_fields > 0 || got->verdict < PT__RECORD__VERDICT__APPLY ||
        got->verdict > PT__RECORD__VERDICT__STOP)
        s = pt_fail(PT_ERR_COMM, "step record is of another version");
    else
        *rec = *got; /* plain numbers only: nothing points into *got */
    pt__record__step_record__free_unpacked(got, NULL);
    return s;
}

size_t pt_push_bytes(const pt_run *r, size_t count)
{
    return count * (pt_run_wire_bf16(r) ? sizeof(uint16_t) : sizeof(float));
}

uint64_t pt_exchange_doubles(const pt_run *r, uint64_t *exchanges)
{
    uint64_t n = 0;

    *exchanges = 0;
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const pt_node *node = &r->graph->nodes[i];

        if (!pt_run_has_moments(r, i)) continue;
        n += pt_exchange_len(node->c, false);
        ++*exchanges;
        if (!r->wanted[node->in[0]]) continue;
        n += pt_exchange_len(node->c, true);
        ++*exchanges;
    }
    return n;
}

uint64_t pt_traffic_of_running(const pt_run *r)
{
    uint64_t n = r->graph->n_floats - r->graph->n_param_floats;

    return n > 0 ? n * sizeof(float) + PT_MSG_CHECK_BYTES : 0;
}

/* Every key, trained or not, as a copy. */
static uint64_t all_weights(const pt_run *r)
{
    return r->graph->n_param_floats * sizeof(float) +
           (uint64_t)r->keys->n * PT_MSG_CHECK_BYTES;
}

uint64_t pt_traffic_of_second(const pt_run *r)
{
    return r->asks & PT_ASKS_SECOND ? 2 * all_weights(r) : 0;
}

uint64_t pt_traffic_of_decision(const pt_run *r)
{
    return pt_run_may_end_early(r) ? PT_RECORD_BYTES + PT_MSG_CHECK_BYTES : 0;
}

uint64_t pt_traffic_of_handing_on(const pt_run *r)
{
    return pt_run_may_end_early(r) ? all_weights(r) : 0;
}

uint64_t pt_traffic_of_rows(const pt_run *r, int worker, size_t n, int dims)
{
    uint64_t bytes = 0;

    for (size_t first = 0, block = 0; first < n; first += PT_EVAL_BLOCK, block++) {
        uint64_t rows = n - first < PT_EVAL_BLOCK ? n - first : PT_EVAL_BLOCK;

        if (block % (size_t)r->n_workers == (size_t)worker)
            bytes += rows * (uint64_t)dims * sizeof(float) + PT_MSG_CHECK_BYTES;
    }
    return bytes;
}
