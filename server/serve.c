#include "server/serve_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

/* ---- creation --------------------------------------------------------------------- */

void pt_server_destroy(pt_server **s)
{
    pt_server *p = s ? *s : NULL;

    if (!p) return;
    for (int w = 0; p->payload && w < p->run->n_workers; w++) free(p->payload[w]);
    pt_store_destroy(&p->store);
    pt_gather_destroy(&p->gather);
    pt_saver_destroy(&p->saver);
    free(p->held);
    free(p->payload);
    free(p->shards);
    free(p->images);
    free(p->vectors);
    free(p->rows);
    free(p->mean_room);
    pt_coupler_destroy(&p->coupler);
    for (int w = 0; p->coupled && w < p->run->n_workers; w++) free(p->coupled[w]);
    free(p->coupled);
    free(p->coupled_sent);
    free(p->times);
    free(p->requests);
    free(p->records);
    free(p->pull);
    free(p);
    *s = NULL;
}

size_t pt_server_bytes(const pt_run *run, int rank)
{
    size_t n = pt_store_bytes(run, rank) + pt_gather_bytes(run) + pt_saver_bytes(run);

    if (run->asks & PT_ASKS_START) n += run->graph->n_param_floats * sizeof(float);
    if (run->config->run->nonfinite == PT__CONFIG__NON_FINITE__SKIP_ALL)
        n += run->graph->n_param_floats * sizeof(float);
    return rank == 0 ? n + pt_payload_bound(run) * sizeof(double) * (size_t)run->n_workers
                     : n;
}

static pt_status make_buffers(pt_server *s)
{
    const pt_run *r = s->run;
    size_t w = (size_t)r->n_workers, all = w + (size_t)r->n_servers;
    bool ok = true, hold = r->config->run->nonfinite == PT__CONFIG__NON_FINITE__SKIP_ALL;

    s->payload_len = pt_payload_bound(r);
    s->payload = pt_calloc(w, sizeof *s->payload);
    s->shards = pt_calloc((size_t)r->plan->n_shards, sizeof *s->shards);
    s->images = pt_calloc((size_t)r->plan->batch, sizeof *s->images);
    s->times = pt_calloc(w * PT_PAYLOAD_TIMES, sizeof *s->times);
    s->requests = pt_calloc(w, sizeof *s->requests);
    s->records = pt_calloc(all, sizeof *s->records);
    s->pull = pt_calloc(pt_mul((size_t)r->keys->n, w), sizeof *s->pull);
    if (hold) s->held = pt_calloc(r->graph->n_param_floats, sizeof *s->held);
    if (!s->payload || !s->shards || !s->images || !s->times || !s->requests ||
        !s->records || !s->pull || (hold && !s->held))
        return pt_fail(PT_ERR_NOMEM, "no memory for the server");
    for (size_t i = 0; i < w && s->comm->rank == 0 && ok; i++)
        ok = (s->payload[i] = pt_calloc(s->payload_len, sizeof **s->payload)) != NULL;
    return ok ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the workers' norms");
}

/* What methods need that couple images or balance norms of the whole batch. */
static pt_status make_coupling(pt_server *s)
{
    const pt_run *r = s->run;
    size_t w = (size_t)r->n_workers, dims = (size_t)pt_run_rep_size(r);
    size_t v = r->asks & PT_SENDS_SUMS ? 2 * dims : 0;
    size_t rows = pt_mul((size_t)r->plan->batch, pt_row_layout(r).total);
    bool ok = true;
    pt_status st = pt_coupler_create(r, &s->coupler);

    if (st != PT_OK) return st;
    s->vectors = pt_calloc(pt_mul(v, (size_t)r->plan->n_shards) + 1, sizeof *s->vectors);
    s->rows = pt_calloc(rows + 1, sizeof *s->rows);
    if (v > 0) s->mean_room = pt_calloc(v, sizeof *s->mean_room);
    s->coupled = pt_calloc(w, sizeof *s->coupled);
    s->coupled_sent = pt_calloc(w, sizeof *s->coupled_sent);
    ok = s->vectors && s->rows && s->coupled && s->coupled_sent &&
         (v == 0 || s->mean_room);
    for (size_t i = 0; i < w && s->coupler && ok; i++) {
        size_t n = pt_terms_doubles(r, r->plan->batch);

        ok = (s->coupled[i] = pt_calloc(n, sizeof **s->coupled)) != NULL;
    }
    return ok ? PT_OK
              : pt_fail(PT_ERR_NOMEM, "no memory for the terms of coupled images");
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
                           const pt_server_hooks *hooks, const pt_save_options *save,
                           pt_server **out)
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
    if (st == PT_OK && comm->rank == 0) st = make_coupling(s);
    if (st == PT_OK) st = pt_store_create(run, comm->rank, &s->store);
    if (st == PT_OK) st = pt_gather_create(run, comm, &s->gather);
    if (st == PT_OK && save) st = pt_saver_create(run, comm->rank, save, &s->saver);
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_server_destroy(&s);
    return st;
}

void pt_server_restore(pt_server *s, const pt_state *state, const pt_progress *p)
{
    size_t n;
    float *own = pt_coupler_state(s->coupler, &n);

    pt_store_restore(s->store, state->velocity);
    if (own) memcpy(own, state->method, n * sizeof *own);
    s->gate.ema = p->ema;
    s->gate.started = p->gate_started;
    s->gate.open = p->gate_open;
    s->skipped = p->skipped;
    s->skipped_in_a_row = p->skipped_in_a_row;
}

/* ---- one step --------------------------------------------------------------------- */

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
    report->norms = s->images;
    report->times = s->times;
    report->skipped = s->skip_text[0] ? s->skip_text : NULL;
    report->costs = s->costs;
    report->costs.tree_s = pt_gather_seconds(s->gather);
    return s->hooks.on_step ? s->hooks.on_step(s->hooks.context, report) : PT_OK;
}

static pt_status probe(pt_server *s, pt_step_report *report)
{
    int tensor = pt_run_last_trunk_tensor(s->run);
    pt_status st = pt_gather_probe(s->gather, s->step, tensor, 0, &report->probe_ce);

    report->probed = true;
    if (st == PT_OK)
        st = pt_gather_probe(s->gather, s->step, tensor, 1, &report->probe_ptr);
    return st;
}

static pt_status one_step(pt_server *s, Pt__Record__StepRecord *r)
{
    bool first = pt_server_first(s);
    pt_step_report report = {0};
    pt_gate before = s->gate;
    pt_status st = PT_OK;

    pt_comm_at(s->comm, s->step, "serving");
    pt_run_enter_step(s->run, s->step);
    if (first && pt_run_sends_running(s->run, s->step)) st = pt_server_send_running(s);
    if (st == PT_OK)
        st = first ? pt_server_make_record(s, r, &report) : pt_server_take_record(s, r);
    if (st != PT_OK) return st;
    if (r->verdict == PT__RECORD__VERDICT__STOP) return PT_ERR_NUMERIC; /* rank 0 said */
    s->record = r;
    if (first && r->probe) st = probe(s, &report);
    if (st == PT_OK && r->verdict == PT__RECORD__VERDICT__APPLY)
        st = pt_server_update_keys(s, &before);
    if (st == PT_OK && s->coupler && !s->skip_text[0]) pt_coupler_moved(s->coupler);
    if (st == PT_OK && first) st = report_step(s, r, &report);
    return st;
}

/* ---- the run ---------------------------------------------------------------------- */

/* A checkpoint that cannot begin ends the run only where it should have been the last. */
static pt_status save(pt_server *s, const Pt__Record__StepRecord *r, bool owed)
{
    pt_status st = pt_server_save(s, s->step + 1, owed);

    if (st != PT_ERR_IO || r->stop) return st;
    pt_log_warn("no checkpoint was written: %s; training continues", pt_fail_text());
    s->costs.missed++;
    return PT_OK;
}

/* The last checkpoint failed: what is lost by it. */
static pt_status no_checkpoint(const pt_server *s, pt_status why)
{
    char text[1024];

    if (why != PT_ERR_IO) return why;
    snprintf(text, sizeof text, "%s", pt_fail_text());
    return pt_fail(why, "stopped after step %llu, and no checkpoint was written: %s",
                   (unsigned long long)s->step + 1, text);
}

pt_status pt_server_keep_end(pt_server *s, pt_status why)
{
    char text[1024];

    if (why != PT_ERR_IO || !s->saver || s->hangs || s->run->n_servers > 1) return why;
    snprintf(text, sizeof text, "%s", pt_fail_text());
    if (pt_server_save(s, s->run->plan->total_steps, true) != PT_OK ||
        pt_server_saved(s) != PT_OK)
        return pt_fail(why, "%s", text);
    return pt_fail(why,
                   "%s; a checkpoint after the last step is written: the same "
                   "command writes the results",
                   text);
}

/* What the record says to do after its step. *ends: the run stops here. */
static pt_status after_step(pt_server *s, const Pt__Record__StepRecord *r, bool *ends)
{
    bool owed = r->stop && r->evaluate; /* a stop has no time for a test */
    pt_status st;

    if (r->last) pt_server_end_saves(s);
    st = r->evaluate && !owed ? pt_server_evaluate(s, r->last) : PT_OK;
    if (r->last) st = pt_server_keep_end(s, st);
    *ends = r->last;
    if (st == PT_OK && r->checkpoint) st = save(s, r, owed);
    if (!r->stop) return st;
    *ends = true;
    if (st == PT_OK) st = pt_server_saved(s);
    return st == PT_OK ? PT_STOPPED : no_checkpoint(s, st);
}

/* Messages that are still under way at the end. */
static pt_status settle(pt_server *s)
{
    size_t n = (size_t)s->run->keys->n * (size_t)s->run->n_workers;
    pt_status st = pt_comm_wait(s->comm, s->records,
                                (size_t)(s->run->n_servers + s->run->n_workers));

    if (st == PT_OK && s->coupler)
        st = pt_comm_wait(s->comm, s->coupled_sent, (size_t)s->run->n_workers);
    return st == PT_OK ? pt_comm_wait(s->comm, s->pull, n) : st;
}

/* Before the first step: what a fresh run measures, what a resumed one still owes. */
static pt_status before_steps(pt_server *s)
{
    bool fresh = s->run->first_step == 0;
    bool features = s->run->asks & (PT_ASKS_FEATURES | PT_ASKS_MOMENTS);
    pt_status st = fresh && features ? pt_server_measure_features(s) : PT_OK;

    if (st == PT_OK) st = pt_server_measure_responses(s);
    if (st != PT_OK || fresh) return st;
    s->step = s->run->first_step - 1;
    return s->run->test_owed
               ? pt_server_evaluate(s, s->run->first_step == s->run->plan->total_steps)
               : PT_OK;
}

pt_status pt_server_run(pt_server *s, bool *agreed)
{
    pt_status st = before_steps(s), end;
    bool ends = false;

    *agreed = false;
    s->last_save_s = pt_clock();
    for (s->step = s->run->first_step;
         st == PT_OK && !ends && s->step < s->run->plan->total_steps; s->step++) {
        Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;

        st = one_step(s, &r);
        if (r.verdict == PT__RECORD__VERDICT__STOP) *agreed = true;
        if (st == PT_OK) {
            *agreed = r.stop;
            st = after_step(s, &r, &ends);
        }
    }
    if (st != PT_OK && !*agreed) return st;
    end = settle(s);
    pt_server_end_saves(s);
    return st == PT_OK ? end : st;
}

bool pt_server_hangs(const pt_server *s)
{
    return s->hangs;
}

const pt_server_costs *pt_server_costs_of(const pt_server *s)
{
    return &s->costs;
}
