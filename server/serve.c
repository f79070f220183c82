#include "server/serve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/moments.h"
#include "server/gather.h"
#include "server/schedule.h"
#include "server/store.h"

struct pt_server {
    pt_run *run;
    pt_comm *comm;
    pt_test_sizes tests;
    pt_server_hooks hooks;
    pt_store *store;
    pt_gather *gather;
    pt_gate gate;
    pt_schedule schedule;
    uint64_t step;

    double **payload;      /* [n_workers]: rank 0 */
    size_t payload_len;    /* doubles, of the largest */
    pt_shard_sums *shards; /* [V] */
    double *terms, *times;
    pt_request *requests; /* [n_workers] payloads; also rows */
    uint8_t record_bytes[PT_RECORD_BYTES];
    pt_request *records; /* [n_servers + n_workers] */
    pt_request *pull;    /* [n_keys][n_workers] */
    double last_record_s, update_s;
    const Pt__Record__StepRecord *record; /* being obeyed */
};

/* ---- creation --------------------------------------------------------------------- */

void pt_server_destroy(pt_server **s)
{
    pt_server *p = s ? *s : NULL;

    if (!p) return;
    for (int w = 0; p->payload && w < p->run->n_workers; w++) free(p->payload[w]);
    pt_store_destroy(&p->store);
    pt_gather_destroy(&p->gather);
    free(p->payload);
    free(p->shards);
    free(p->terms);
    free(p->times);
    free(p->requests);
    free(p->records);
    free(p->pull);
    free(p);
    *s = NULL;
}

size_t pt_server_bytes(const pt_run *run, int rank)
{
    size_t n = pt_store_bytes(run, rank) + pt_gather_bytes(run);

    return rank == 0 ? n + pt_payload_bound(run) * sizeof(double) * (size_t)run->n_workers
                     : n;
}

static pt_status make_buffers(pt_server *s)
{
    const pt_run *r = s->run;
    size_t w = (size_t)r->n_workers, all = w + (size_t)r->n_servers;
    bool ok = true;

    s->payload_len = pt_payload_bound(r);
    s->payload = pt_calloc(w, sizeof *s->payload);
    s->shards = pt_calloc((size_t)r->plan->n_shards, sizeof *s->shards);
    s->terms = pt_calloc((size_t)r->plan->batch * PT_IMAGE_DOUBLES, sizeof *s->terms);
    s->times = pt_calloc(w * PT_PAYLOAD_TIMES, sizeof *s->times);
    s->requests = pt_calloc(w, sizeof *s->requests);
    s->records = pt_calloc(all, sizeof *s->records);
    s->pull = pt_calloc(pt_mul((size_t)r->keys->n, w), sizeof *s->pull);
    if (!s->payload || !s->shards || !s->terms || !s->times || !s->requests ||
        !s->records || !s->pull)
        return pt_fail(PT_ERR_NOMEM, "no memory for the server");
    for (size_t i = 0; i < w && s->comm->rank == 0 && ok; i++)
        ok = (s->payload[i] = pt_calloc(s->payload_len, sizeof **s->payload)) != NULL;
    return ok ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the workers' norms");
}

static pt_schedule schedule_of(const pt_config *c)
{
    const Pt__Config__Schedule *s = c->schedule;

    return (pt_schedule){.kind = (pt_schedule_kind)s->kind,
                         .at = s->at,
                         .n_at = s->n_at,
                         .factor = s->factor,
                         .warmup_steps = s->warmup_steps};
}

pt_status pt_server_create(pt_run *run, pt_comm *comm, const pt_test_sizes *tests,
                           const pt_server_hooks *hooks, pt_server **out)
{
    const Pt__Config__PseudoTask *c = run->config->pseudo_task;
    pt_server *s = pt_calloc(1, sizeof *s);
    pt_status st;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "no memory for the server");
    s->run = run;
    s->comm = comm;
    s->tests = *tests;
    if (hooks) s->hooks = *hooks;
    pt_gate_init(&s->gate, (pt_gate_kind)c->gate, c->gate_fraction, c->gate_decay,
                 c->gate_epoch, run->graph->n_classes);
    s->schedule = schedule_of(run->config);
    st = make_buffers(s);
    if (st == PT_OK) st = pt_store_create(run, comm->rank, &s->store);
    if (st == PT_OK) st = pt_gather_create(run, comm, &s->gather);
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_server_destroy(&s);
    return st;
}

/* ---- rank 0: from payloads to the record ------------------------------------------ */

static pt_status take_payloads(pt_server *s)
{
    for (int w = 0; w < s->run->n_workers; w++) {
        pt_payload p = pt_payload_layout(s->run, w, s->step);
        pt_status st;

        PT_CHECK(p.total <= s->payload_len, "payload of %zu doubles", p.total);
        st = pt_comm_recv(s->comm, s->run->n_servers + w, PT_MSG_PAYLOAD, 0,
                          s->payload[w], p.total * sizeof(double), &s->requests[w]);
        if (st != PT_OK) return st;
    }
    return pt_comm_wait(s->comm, s->requests, (size_t)s->run->n_workers);
}

/* Workers own shards and images from left to right: their parts lie one after another. */
static void read_payloads(pt_server *s)
{
    _Static_assert(sizeof(pt_shard_sums) == PT_SHARD_DOUBLES * sizeof(double), "layout");
    pt_shard_sums *shards = s->shards;
    double *terms = s->terms;

    for (int w = 0; w < s->run->n_workers; w++) {
        pt_payload p = pt_payload_layout(s->run, w, s->step);
        size_t n_terms = (size_t)p.n_images * PT_IMAGE_DOUBLES;

        memcpy(s->times + w * PT_PAYLOAD_TIMES, s->payload[w],
               PT_PAYLOAD_TIMES * sizeof(double));
        memcpy(shards, s->payload[w] + p.shards, (size_t)p.n_shards * sizeof *shards);
        memcpy(terms, s->payload[w] + p.images, n_terms * sizeof *terms);
        shards += p.n_shards;
        terms += n_terms;
    }
}

static void decide(pt_server *s, const pt_batch_means *m, Pt__Record__StepRecord *r)
{
    const pt_config *c = s->run->config;
    const pt_plan *plan = s->run->plan;
    double factor = pt_schedule_factor(&s->schedule, s->step, plan->total_steps);
    bool regress = c->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE;
    uint64_t every = c->evaluation->every_epochs * plan->steps_per_epoch;
    uint64_t probe = c->run->gradient_ratio_every;
    int last_trunk = pt_run_last_trunk_tensor(s->run);

    r->step = s->step;
    r->verdict = m->bad ? PT__RECORD__VERDICT__STOP : PT__RECORD__VERDICT__APPLY;
    if (!m->bad)
        r->gate =
            pt_gate_step(&s->gate, m->ce, pt_plan_progress(plan, s->step)) && regress;
    r->w = pt_pseudo_task_weight(r->gate, m->g_ce, m->g_ptr, c->pseudo_task->ratio);
    r->lr = (float)(c->optimizer->lr * factor);
    r->head_lr =
        c->optimizer->has_head_lr ? (float)(c->optimizer->head_lr * factor) : r->lr;
    r->last = s->step + 1 == plan->total_steps;
    r->has_last = r->has_evaluate = r->has_probe = 1;
    r->evaluate = r->last || (every > 0 && (s->step + 1) % every == 0);
    r->probe = r->w > 0 && probe > 0 && s->step % probe == 0 && last_trunk >= 0 &&
               s->run->trained[last_trunk];
}

/* The samples whose numbers are not finite, for the message. */
static pt_status not_finite(const pt_server *s, int bad)
{
    int b = pt_plan_batch_size(s->run->plan, s->step);
    char list[128] = "";
    size_t at = 0;

    for (int i = 0; i < b && at + 12 < sizeof list; i++) {
        const double *t = s->terms + (size_t)i * PT_IMAGE_DOUBLES;
        uint32_t image;

        if (isfinite(t[0]) && isfinite(t[1])) continue;
        pt_plan_images(s->run->plan, s->step, i, 1, &image);
        at +=
            (size_t)snprintf(list + at, sizeof list - at, "%s%u", at ? ", " : "", image);
    }
    return pt_fail(
        PT_ERR_NUMERIC,
        "step %llu: loss or gradient norms of %d images are not finite (images %s)",
        (unsigned long long)s->step, bad, list);
}

static void merge_moments(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, *(const size_t *)context);
}

/* Finishes each batch norm node's tree and moves its running statistics. */
static void update_running(pt_server *s)
{
    const pt_graph *g = s->run->graph;
    float momentum = s->run->config->network->bn_momentum;
    size_t at = 0; /* doubles per sub-tree before this node */

    for (int d = 0; d < g->n_nodes; d++) {
        size_t c = (size_t)g->nodes[d].c, len = pt_moments_len(c);
        pt_subtree trees[PT_MAX_SHARDS];
        void *values[PT_MAX_SHARDS], *merged;
        int n = 0;

        if (!pt_run_has_moments(s->run, d)) continue;
        for (int w = 0; w < s->run->n_workers; w++) {
            pt_payload p = pt_payload_layout(s->run, w, s->step);
            pt_span span = pt_run_span(s->run, w, s->step);
            pt_subtree cover[PT_MAX_COVER];
            double *value = s->payload[w] + p.moments + at * (size_t)p.n_trees;
            int full, all = pt_span_cover(&span, cover, &full);

            for (int t = 0; t < all; t++, n++) {
                bool has = pt_node_size(&span, cover[t].level, cover[t].index) > 0;

                trees[n] = cover[t];
                values[n] = has ? value : NULL;
                if (has) value += len;
            }
        }
        merged =
            pt_tree_finish(s->run->plan->n_shards, trees, values, n, merge_moments, &c);
        pt_moments_update_running(merged, c, momentum,
                                  s->run->flat + g->tensors[g->nodes[d].mean].offset,
                                  s->run->flat + g->tensors[g->nodes[d].var].offset);
        at += len;
    }
}

static pt_status send_record(pt_server *s, const Pt__Record__StepRecord *r)
{
    int n = s->run->n_servers + s->run->n_workers;
    pt_status st = pt_comm_wait(s->comm, s->records, (size_t)n);

    if (st != PT_OK) return st;
    pt_record_pack(r, s->record_bytes);
    return pt_comm_send_all(s->comm, 1, n - 1, PT_MSG_RECORD, 0, s->record_bytes,
                            PT_RECORD_BYTES, s->records + 1);
}

static pt_status send_all(pt_server *s, pt_msg_kind kind, const float *data, size_t n)
{
    int workers = s->run->n_workers;
    pt_status st = pt_comm_send_all(s->comm, s->run->n_servers, workers, kind, 0, data,
                                    n * sizeof *data, s->requests);

    return st == PT_OK ? pt_comm_wait(s->comm, s->requests, (size_t)workers) : st;
}

/* The running statistics of this moment, where the network has any. */
static pt_status send_running(pt_server *s)
{
    size_t first = s->run->graph->n_param_floats, n = s->run->graph->n_floats - first;

    return n > 0 ? send_all(s, PT_MSG_RUNNING, s->run->flat + first, n) : PT_OK;
}

/* ---- one step --------------------------------------------------------------------- */

/* A key's tree is finished: move the weights and send them. */
static pt_status key_done(void *context, int key, const float *gradient)
{
    pt_server *s = context;
    const pt_key *k = &s->run->keys->keys[key];
    int w = s->run->n_workers;
    pt_request *r = s->pull + (size_t)key * (size_t)w;
    /* the weights of the step before have left */
    pt_status st = pt_comm_wait(s->comm, r, (size_t)w);
    double start = pt_cpu_clock();

    if (st == PT_OK) st = pt_store_update(s->store, key, gradient, s->record);
    s->update_s += pt_cpu_clock() - start;
    if (st != PT_OK) return st;
    return pt_comm_send_all(s->comm, s->run->n_servers, w, PT_MSG_PULL, key,
                            s->run->flat + k->offset, k->count * sizeof(float), r);
}

static pt_status update_keys(pt_server *s)
{
    int n, n_trained = 0;
    const int *keys = pt_store_keys(s->store, &n);
    int *trained = malloc((size_t)n * sizeof *trained + 1);
    pt_status st;

    if (!trained) return pt_fail(PT_ERR_NOMEM, "no memory for the list of keys");
    for (int i = 0; i < n; i++)
        if (s->run->trained[s->run->keys->keys[keys[i]].tensor])
            trained[n_trained++] = keys[i];
    st = pt_gather_keys(s->gather, s->step, trained, n_trained, key_done, s);
    free(trained);
    return st;
}

static pt_status take_record(pt_server *s, Pt__Record__StepRecord *r)
{
    pt_request q = {0};
    pt_status st =
        pt_comm_recv(s->comm, 0, PT_MSG_RECORD, 0, s->record_bytes, PT_RECORD_BYTES, &q);

    if (st == PT_OK) st = pt_comm_wait(s->comm, &q, 1);
    return st == PT_OK ? pt_record_unpack(s->record_bytes, r) : st;
}

static pt_status make_record(pt_server *s, Pt__Record__StepRecord *r,
                             pt_step_report *report)
{
    double now;
    pt_status st = take_payloads(s);

    if (st != PT_OK) return st;
    read_payloads(s);
    pt_norms_combine(s->shards, s->run->plan->n_shards, &report->means);
    decide(s, &report->means, r);
    st = send_record(s, r);
    now = pt_clock();
    report->seconds = s->last_record_s > 0 ? now - s->last_record_s : 0;
    s->last_record_s = now;
    if (st == PT_OK && r->verdict == PT__RECORD__VERDICT__APPLY) update_running(s);
    return st;
}

static pt_status report_step(pt_server *s, const Pt__Record__StepRecord *r,
                             pt_step_report *report)
{
    report->step = s->step;
    report->epoch = pt_plan_progress(s->run->plan, s->step);
    report->stage = s->run->stage;
    report->images = pt_plan_batch_size(s->run->plan, s->step);
    report->ema = s->gate.ema;
    report->w = r->w;
    report->gate = r->gate;
    report->lr = r->lr;
    report->head_lr = r->head_lr;
    report->terms = s->terms;
    report->times = s->times;
    report->costs = (pt_server_costs){pt_gather_seconds(s->gather), s->update_s};
    return s->hooks.on_step ? s->hooks.on_step(s->hooks.context, report) : PT_OK;
}

static pt_status one_step(pt_server *s, Pt__Record__StepRecord *r)
{
    bool first = s->comm->rank == 0, enters = pt_run_enter_step(s->run, s->step);
    pt_step_report report = {0};
    pt_status st = PT_OK;

    pt_comm_at(s->comm, s->step, "serving");
    if (first && enters && s->step > 0) st = send_running(s); /* a stage may use them */
    if (st == PT_OK) st = first ? make_record(s, r, &report) : take_record(s, r);
    if (st != PT_OK) return st;
    if (r->verdict == PT__RECORD__VERDICT__STOP)
        return first ? not_finite(s, report.means.bad) : PT_ERR_NUMERIC;
    s->record = r;
    for (int which = 0; which < 2 && first && r->probe && st == PT_OK; which++)
        st = pt_gather_probe(s->gather, s->step, pt_run_last_trunk_tensor(s->run), which,
                             which == 0 ? &report.probe_ce : &report.probe_ptr);
    report.probed = r->probe;
    if (st == PT_OK && r->verdict == PT__RECORD__VERDICT__APPLY) st = update_keys(s);
    if (st == PT_OK && first) st = report_step(s, r, &report);
    return st;
}

/* ---- testing, features ------------------------------------------------------------- */

/* Rows [n][dims] that workers compute block by block; *rows is malloc'd. */
static pt_status take_rows(pt_server *s, size_t n, size_t dims, float **rows)
{
    size_t blocks = (n + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    pt_request *r = pt_calloc(blocks, sizeof *r);
    pt_status st = PT_OK;

    *rows = pt_calloc(pt_mul(n, dims), sizeof **rows);
    if (!r || !*rows)
        st = pt_fail(PT_ERR_NOMEM, "no memory for the outputs of %zu images", n);
    for (size_t b = 0; b < blocks && st == PT_OK; b++) {
        size_t first = b * PT_EVAL_BLOCK;
        size_t some = n - first < PT_EVAL_BLOCK ? n - first : PT_EVAL_BLOCK;
        int peer = s->run->n_servers + (int)(b % (size_t)s->run->n_workers);

        st = pt_comm_recv(s->comm, peer, PT_MSG_ROWS, (int)b, *rows + first * dims,
                          some * dims * sizeof **rows, &r[b]);
    }
    if (st == PT_OK) st = pt_comm_wait(s->comm, r, blocks);
    free(r);
    if (st != PT_OK) {
        free(*rows);
        *rows = NULL;
    }
    return st;
}

static pt_status test_on(pt_server *s, pt_rows_of set, bool last, size_t n)
{
    float *rows;
    pt_status st = take_rows(s, n, (size_t)s->run->graph->n_classes, &rows);

    if (st == PT_OK && s->hooks.on_rows)
        st = s->hooks.on_rows(s->hooks.context, set, s->step, last, rows, n);
    free(rows);
    return st;
}

static pt_status evaluate(pt_server *s, bool last)
{
    pt_status st = s->comm->rank == 0 ? send_running(s) : PT_OK;

    if (s->comm->rank != 0) return PT_OK;
    if (st == PT_OK) st = test_on(s, PT_ROWS_TEST, last, s->tests.n_test);
    if (st == PT_OK && last && s->tests.n_train > 0)
        st = test_on(s, PT_ROWS_TRAIN, last, s->tests.n_train);
    s->last_record_s = 0; /* testing does not count as step time */
    return st;
}

/* Mean and deviation of every dimension of the pretrained features over the images used
 * for training, in image order, in double. */
static pt_status measure_features(pt_server *s)
{
    size_t dims = (size_t)pt_run_rep_size(s->run), n = s->run->plan->n_images;
    float *rows;
    pt_status st;

    if (s->comm->rank != 0) return PT_OK;
    st = take_rows(s, n, dims, &rows);
    for (size_t d = 0; d < dims && st == PT_OK; d++) {
        double mean = 0, m2 = 0;

        for (size_t i = 0; i < n; i++) mean += rows[i * dims + d];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) {
            double e = rows[i * dims + d] - mean;
            m2 += e * e;
        }
        s->run->feature_mean[d] = (float)mean;
        s->run->feature_std[d] = (float)sqrt(m2 / (double)n);
    }
    free(rows);
    if (st == PT_OK) st = send_all(s, PT_MSG_FEATURES, s->run->feature_mean, dims);
    return st == PT_OK ? send_all(s, PT_MSG_FEATURES, s->run->feature_std, dims) : st;
}

pt_status pt_server_run(pt_server *s, bool *agreed)
{
    pt_status st = s->run->feature_mean ? measure_features(s) : PT_OK;

    *agreed = false;
    for (s->step = 0; st == PT_OK && s->step < s->run->plan->total_steps; s->step++) {
        Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;

        st = one_step(s, &r);
        if (r.verdict == PT__RECORD__VERDICT__STOP) {
            *agreed = true;
            break;
        }
        if (st == PT_OK && r.evaluate) st = evaluate(s, r.last);
        if (r.last) break;
    }
    if (st == PT_OK || *agreed) {
        pt_status end = pt_comm_wait(s->comm, s->records,
                                     (size_t)(s->run->n_servers + s->run->n_workers));
        size_t n = (size_t)s->run->keys->n * (size_t)s->run->n_workers;

        if (end == PT_OK) end = pt_comm_wait(s->comm, s->pull, n);
        if (st == PT_OK) st = end;
    }
    return st;
}
