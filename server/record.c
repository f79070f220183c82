#include "server/serve_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/run/moments.h"
#include "common/comm/stop.h"

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
    pt_shard_sums *shards = s->shards;
    pt_image_norms *images = s->images;
    double *vectors = s->vectors, *rows = s->rows;

    for (int w = 0; w < s->run->n_workers; w++) {
        pt_payload p = pt_payload_layout(s->run, w, s->step);
        size_t n_vectors = p.images - p.vectors, n_rows = p.moments - p.rows;

        memcpy(s->times + w * PT_PAYLOAD_TIMES, s->payload[w],
               PT_PAYLOAD_TIMES * sizeof(double));
        s->stop_asked = s->stop_asked || s->payload[w][PT_PAYLOAD_STOP] != 0;
        memcpy(shards, s->payload[w] + p.shards, (size_t)p.n_shards * sizeof *shards);
        memcpy(images, s->payload[w] + p.images, (size_t)p.n_images * sizeof *images);
        memcpy(vectors, s->payload[w] + p.vectors, n_vectors * sizeof *vectors);
        memcpy(rows, s->payload[w] + p.rows, n_rows * sizeof *rows);
        shards += p.n_shards;
        images += p.n_images;
        vectors += n_vectors;
        rows += n_rows;
    }
}

/* The samples whose numbers are not finite, for the message. */
static void describe_bad(const pt_server *s, int bad, char *out, size_t room)
{
    int b = pt_plan_batch_size(s->run->plan, s->step);
    char list[128] = "";
    size_t at = 0;

    for (int i = 0; i < b && at + 12 < sizeof list; i++) {
        uint32_t image;

        if (s->images[i].bad == 0) continue;
        pt_plan_images(s->run->plan, s->step, i, 1, &image);
        at +=
            (size_t)snprintf(list + at, sizeof list - at, "%s%u", at ? ", " : "", image);
    }
    snprintf(out, room,
             "step %llu of %llu: logits, loss or gradient norms of %d image%s are not "
             "finite (image%s %s)",
             (unsigned long long)s->step + 1,
             (unsigned long long)s->run->plan->total_steps, bad, bad == 1 ? "" : "s",
             bad == 1 ? "" : "s", list);
}

pt_status pt_server_skip(pt_server *s, const char *why)
{
    const Pt__Config__Run *c = s->run->config->run;

    if (c->nonfinite == PT__CONFIG__NON_FINITE__STOP)
        return pt_fail(PT_ERR_NUMERIC, "%s", why);
    if (s->skipped_in_a_row == c->max_skips)
        return pt_fail(PT_ERR_NUMERIC, "%s; run.max_skips allows %u in a row", why,
                       c->max_skips);
    s->skipped++;
    s->skipped_in_a_row++;
    snprintf(s->skip_text, sizeof s->skip_text, "%s", why);
    return PT_OK;
}

/* Apply, skip or stop; the failure's text is of this thread. */
static pt_status judge(pt_server *s, const pt_batch_means *m, Pt__Record__StepRecord *r)
{
    char why[256];
    pt_status st = PT_OK;

    s->skip_text[0] = '\0';
    r->verdict = PT__RECORD__VERDICT__APPLY;
    if (m->bad == 0) return PT_OK;
    describe_bad(s, m->bad, why, sizeof why);
    st = pt_server_skip(s, why);
    r->verdict = st == PT_OK ? PT__RECORD__VERDICT__SKIP : PT__RECORD__VERDICT__STOP;
    return st;
}

/* w balances norms of one kind on both sides. */
static double weight_of(const pt_server *s, const pt_batch_means *m, bool gate)
{
    const Pt__Config__PseudoTask *c = s->run->config->pseudo_task;
    bool batch = c->norm == PT__CONFIG__PSEUDO_TASK__NORM__BATCH;

    return pt_pseudo_task_weight(gate, batch ? m->batch_ce : m->g_ce,
                                 batch ? m->batch_ptr : m->g_ptr, c->ratio);
}

/* The factor on both rates. */
static double rate_of(const pt_server *s)
{
    const pt_plan *plan = s->run->plan;
    const pt_config *c = s->run->config;
    const pt_plan_stage *stage = &plan->stages[s->run->stage];
    bool own = c->schedule->per_stage;
    double f = pt_schedule_factor(&s->schedule, s->step - (own ? stage->first : 0),
                                  own ? stage->end - stage->first : plan->total_steps);

    return c->n_stages > 0 ? f * c->stages[s->run->stage]->rate : f;
}

static pt_status decide(pt_server *s, const pt_batch_means *m, Pt__Record__StepRecord *r)
{
    const pt_config *c = s->run->config;
    const pt_plan *plan = s->run->plan;
    double factor = rate_of(s);
    bool regress = c->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE;
    uint64_t every = c->evaluation->every_epochs * plan->steps_per_epoch;
    uint64_t probe = c->run->gradient_ratio_every;
    int last_trunk = pt_run_last_trunk_tensor(s->run);
    pt_status st = judge(s, m, r);

    r->step = s->step;
    if (!m->bad)
        r->gate =
            pt_gate_step(&s->gate, m->ce, pt_plan_progress(plan, s->step)) && regress;
    r->w = weight_of(s, m, r->gate);
    r->lr = (float)(c->optimizer->lr * factor);
    r->head_lr =
        c->optimizer->has_head_lr ? (float)(c->optimizer->head_lr * factor) : r->lr;
    r->last = s->step + 1 == plan->total_steps;
    r->has_last = r->has_evaluate = r->has_probe = r->has_checkpoint = r->has_stop = 1;
    r->evaluate = r->last || (every > 0 && (s->step + 1) % every == 0);
    r->probe = r->w > 0 && probe > 0 && s->step % probe == 0 && last_trunk >= 0 &&
               s->run->trained[last_trunk];
    r->stop = s->saver && !r->last && (s->stop_asked || pt_stop_asked());
    r->checkpoint = r->stop || (!r->last && pt_server_save_due(s));
    return st;
}

static void merge_moments(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, *(const size_t *)context);
}

void pt_server_update_running(pt_server *s)
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

pt_status pt_server_send_all(pt_server *s, pt_msg_kind kind, const float *data, size_t n)
{
    int workers = s->run->n_workers;
    pt_status st = pt_comm_send_all(s->comm, s->run->n_servers, workers, kind, 0, data,
                                    n * sizeof *data, s->requests);

    return st == PT_OK ? pt_comm_wait(s->comm, s->requests, (size_t)workers) : st;
}

pt_status pt_server_send_running(pt_server *s)
{
    size_t first = s->run->graph->n_param_floats, n = s->run->graph->n_floats - first;

    return n > 0 ? pt_server_send_all(s, PT_MSG_RUNNING, s->run->flat + first, n) : PT_OK;
}

pt_status pt_server_take_record(pt_server *s, Pt__Record__StepRecord *r)
{
    pt_request q = {0};
    pt_status st =
        pt_comm_recv(s->comm, 0, PT_MSG_RECORD, 0, s->record_bytes, PT_RECORD_BYTES, &q);

    if (st == PT_OK) st = pt_comm_wait(s->comm, &q, 1);
    return st == PT_OK ? pt_record_unpack(s->record_bytes, r) : st;
}

/* What couples the images of the batch: the penalty, and each worker's terms. */
static pt_status couple(pt_server *s, pt_batch_means *m)
{
    double penalty;
    pt_status st = pt_coupler_take(s->coupler, s->step, s->rows,
                                   pt_plan_batch_size(s->run->plan, s->step), &penalty);

    if (st == PT_OK)
        st = pt_comm_wait(s->comm, s->coupled_sent, (size_t)s->run->n_workers);
    m->penalty += st == PT_OK ? penalty : 0;
    for (int w = 0; w < s->run->n_workers && st == PT_OK; w++) {
        pt_span span = pt_run_span(s->run, w, s->step);
        int n = pt_span_images(&span);

        if (n == 0) continue;
        pt_coupler_terms(s->coupler, pt_span_first(&span), n, s->coupled[w]);
        st = pt_comm_send(s->comm, s->run->n_servers + w, PT_MSG_TERMS, 0, s->coupled[w],
                          pt_terms_doubles(s->run, n) * sizeof(double),
                          &s->coupled_sent[w]);
    }
    return st;
}

pt_status pt_server_make_record(pt_server *s, Pt__Record__StepRecord *r,
                                pt_step_report *report)
{
    double now;
    pt_status decided, st = take_payloads(s);

    if (st != PT_OK) return st;
    read_payloads(s);
    pt_norms_combine(s->shards, s->run->plan->n_shards, &report->means);
    if (s->mean_room)
        pt_norms_of_means(s->shards, s->run->plan->n_shards, s->vectors,
                          pt_run_rep_size(s->run), s->mean_room, &report->means);
    decided = decide(s, &report->means, r);
    st = send_record(s, r);
    if (st == PT_OK && s->coupler && r->verdict == PT__RECORD__VERDICT__APPLY)
        st = couple(s, &report->means);
    now = pt_clock();
    report->seconds = s->last_record_s > 0 ? now - s->last_record_s : 0;
    s->last_record_s = now;
    return st == PT_OK ? decided : st;
}
