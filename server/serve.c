#include "server/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/comm/segments.h"
#include "common/run/trace.h"
#include "server/gather.h"
#include "server/given.h"
#include "server/methods/methods.h"
#include "server/probe.h"
#include "server/reports.h"
#include "server/running.h"
#include "server/saves.h"
#include "server/step_record.h"
#include "server/store.h"
#include "server/terms.h"
#include "server/testing.h"
#include "server/update.h"
#include "server/votes.h"
#include "server/workers.h"

struct pt_server {
    pt_run *run;
    pt_comm *comm;
    pt_server_hooks hooks;
    uint64_t step;
    uint64_t next; /* the step that a checkpoint of the end would begin with */

    pt_step_record *record;
    pt_store *store;
    pt_gather *gather;
    pt_update *update;
    pt_votes *votes; /* NULL: keys move as they come */
    pt_saves *saves;
    pt_reports *reports;
    pt_server_methods *methods;
    pt_testing testing;
    pt_server_costs before; /* it was created: CPU time of its thread as rest_s, bytes */

    /* rank 0 */
    pt_workers workers;
    pt_terms_out *terms; /* NULL: no images are coupled */
};

static bool is_first(const pt_server *s)
{
    return s->comm->rank == 0;
}

/* ---- life -------------------------------------------------------------------------- */

void pt_server_destroy(pt_server **s)
{
    pt_server *p = s ? *s : NULL;

    if (!p) return;
    pt_terms_out_destroy(&p->terms);
    pt_server_methods_destroy(&p->methods);
    pt_workers_fini(&p->workers);
    pt_step_record_destroy(&p->record);
    pt_reports_destroy(&p->reports);
    pt_update_destroy(&p->update);
    pt_votes_destroy(&p->votes);
    pt_gather_destroy(&p->gather);
    pt_saves_destroy(&p->saves);
    pt_store_destroy(&p->store);
    pt_testing_fini(&p->testing);
    free(p);
    *s = NULL;
}

size_t pt_server_bytes(const pt_run *run, int rank)
{
    size_t n = pt_store_bytes(run, rank) + pt_gather_bytes(run, rank) +
               pt_saver_bytes(run) + pt_votes_bytes(run) +
               pt_server_methods_bytes(run, rank) + pt_kept_floats(run) * sizeof(float);

    return rank == 0 ? n + pt_payloads_bytes(run) : n;
}

size_t pt_server_lent_bytes(const pt_run *run)
{
    return run->graph->n_floats * sizeof *run->flat;
}

static pt_status make_parts_of_first(pt_server *s, const pt_test_sizes *tests)
{
    pt_status st = pt_workers_init(&s->workers, s->run, s->comm);

    if (st == PT_OK) st = pt_terms_out_create(s->run, s->comm, s->methods, &s->terms);
    s->testing.evaluation =
        (pt_evaluation){.workers = &s->workers, .hooks = &s->hooks, .sizes = *tests};
    return st;
}

static pt_status make_parts(pt_server *s, const pt_save_options *save)
{
    pt_status st = pt_store_create(s->run, s->comm->rank, &s->store);

    if (st == PT_OK) st = pt_kept_init(s->run, &s->testing.kept);
    if (st == PT_OK) st = pt_gather_create(s->run, s->comm, &s->gather);
    if (st == PT_OK)
        st = pt_update_create(s->run, s->comm, s->store, s->gather, &s->update);
    if (st == PT_OK) st = pt_votes_create(s->run, s->comm, &s->votes);
    if (st == PT_OK)
        st = pt_saves_create(s->run, s->comm, save, &s->hooks,
                             (pt_saves_of){s->store, s->methods, &s->testing.kept},
                             &s->saves);
    if (st == PT_OK) st = pt_reports_create(s->run, s->comm, &s->reports);
    if (st == PT_OK)
        st = pt_step_record_create(s->run, s->comm, s->saves, s->reports, &s->record);
    s->testing.run = s->run;
    s->testing.comm = s->comm;
    s->testing.store = s->store;
    s->testing.update = s->update;
    s->testing.record = s->record;
    s->testing.methods = s->methods;
    s->testing.evaluation.saves = s->saves;
    return st;
}

pt_status pt_server_create(pt_run *run, pt_comm *comm, const pt_test_sizes *tests,
                           const pt_server_hooks *hooks, const pt_save_options *save,
                           pt_server **out)
{
    pt_server *s = pt_calloc(1, sizeof *s);
    pt_status st;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "no memory for the server");
    s->run = run;
    s->comm = comm;
    if (hooks) s->hooks = *hooks;
    s->before = (pt_server_costs){
        .rest_s = pt_cpu_clock(), .sent = comm->sent, .received = comm->received};
    if (run->lends)
        pt_run_move_flat(run,
                         pt_segments_take(comm->segments, pt_server_lent_bytes(run)));
    st = pt_server_methods_create(run, comm->rank, &s->methods);
    if (st == PT_OK && is_first(s)) st = make_parts_of_first(s, tests);
    if (st == PT_OK) st = make_parts(s, save);
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_server_destroy(&s);
    return st;
}

void pt_server_restore(pt_server *s, const pt_state *state, const pt_progress *p)
{
    float *second = pt_server_methods_second(s->methods);
    int n;
    const int *keys = pt_store_keys(s->store, &n);

    pt_store_restore(s->store, &state->optimizer);
    if (second)
        memcpy(second, state->second, s->run->graph->n_param_floats * sizeof *second);
    pt_kept_copy(&state->kept, s->run, keys, n, &s->testing.kept);
    if (is_first(s)) pt_server_methods_restore(s->methods, state->method);
    pt_step_record_restore(s->record, p);
}

/* ---- one step ---------------------------------------------------------------------- */

/* Each key moves as it comes, or, where servers vote, all of them after the vote; before
 * the first one leaves, the running statistics move. */
static pt_status update(pt_server *s, const Pt__Record__StepRecord *r, double *norm)
{
    pt_verdict v = {.bad = -1};
    pt_status st = s->votes ? pt_update_hold(s->update, s->step, s->votes, &v) : PT_OK;

    *norm = v.norm;
    if (st == PT_OK && v.bad >= 0)
        st = pt_step_record_take_back(s->record, s->step, v.bad);
    if (st != PT_OK) return st;
    if (is_first(s) && v.bad < 0)
        pt_running_update(s->run, s->step, pt_step_record_payloads(s->record)->payload);
    return s->votes ? pt_update_release(s->update, r, s->votes, v.bad < 0)
                    : pt_update_keys(s->update, r);
}

/* A step that counts, unless the vote decides otherwise. */
static pt_status apply(pt_server *s, const Pt__Record__StepRecord *r,
                       pt_step_report *report)
{
    pt_skips *skips = pt_step_record_skips(s->record);
    pt_status st = update(s, r, &report->gradient_norm);

    if (st != PT_OK || skips->why[0]) return st;
    skips->in_a_row = 0;
    pt_store_moved(s->store);
    pt_server_methods_moved(s->methods, s->step);
    return PT_OK;
}

static pt_status probe(pt_server *s, pt_step_report *report)
{
    int tensor = pt_run_last_trunk_tensor(s->run);
    pt_status st = pt_probe_take(s->run, s->comm, s->step, tensor, 0, &report->probe_ce);

    report->probed = true;
    if (st == PT_OK)
        st = pt_probe_take(s->run, s->comm, s->step, tensor, 1, &report->probe_ptr);
    return st;
}

static pt_status report_step(pt_server *s, pt_step_report *report)
{
    const pt_skips *skips = pt_step_record_skips(s->record);
    pt_progress p;

    pt_step_record_progress(s->record, &p);
    report->ema = p.ema;
    report->skipped = skips->why[0] ? skips->why : NULL;
    report->costs = pt_server_costs_of(s);
    report->servers = pt_reports_costs(s->reports, &report->costs);
    return s->hooks.on_step ? s->hooks.on_step(s->hooks.context, report) : PT_OK;
}

/* Rank 0: the record, and what workers get with it. */
static pt_status begin_step(pt_server *s, Pt__Record__StepRecord *r,
                            pt_step_report *report)
{
    double penalty = 0;
    pt_status st = PT_OK;

    if (pt_run_sends_running(s->run, s->step)) st = pt_workers_send_running(&s->workers);
    if (st == PT_OK) st = pt_step_record_make(s->record, s->step, r, report);
    if (st == PT_OK && s->terms && r->verdict == PT__RECORD__VERDICT__APPLY)
        st = pt_terms_out_send(s->terms, s->step,
                               pt_step_record_payloads(s->record)->rows, &penalty);
    report->means.penalty += penalty;
    if (st == PT_OK && r->probe) st = probe(s, report);
    return st;
}

/* The other servers: what they spent on the steps before, then the record. */
static pt_status take_step(pt_server *s, Pt__Record__StepRecord *r)
{
    pt_server_costs costs = pt_server_costs_of(s);
    pt_status st = pt_reports_send(s->reports, &costs);

    return st == PT_OK ? pt_step_record_take(s->record, r) : st;
}

/* What the others spent on the step after which the run ends. */
static pt_status report_end(pt_server *s)
{
    pt_server_costs costs = pt_server_costs_of(s);

    return is_first(s) ? pt_reports_take(s->reports)
                       : pt_reports_send(s->reports, &costs);
}

static pt_status one_step(pt_server *s, Pt__Record__StepRecord *r)
{
    pt_step_report report = {0};
    pt_status st;

    pt_comm_at(s->comm, s->step, "serving");
    pt_trace_step(s->run->trace, s->step);
    if (pt_run_enter_step(s->run, s->step)) pt_update_enter_stage(s->update);
    st = is_first(s) ? begin_step(s, r, &report) : take_step(s, r);
    if (st != PT_OK) return st;
    if (r->verdict == PT__RECORD__VERDICT__STOP)
        return PT_ERR_NUMERIC; /* rank 0 reports */
    if (r->verdict == PT__RECORD__VERDICT__APPLY) st = apply(s, r, &report);
    if (st == PT_OK && (r->last || r->stop)) st = report_end(s);
    return st == PT_OK && is_first(s) ? report_step(s, &report) : st;
}

/* ---- the run ----------------------------------------------------------------------- */

static pt_status begin_save(pt_server *s, uint64_t next, bool test_owed)
{
    pt_progress p = {.step = next, .test_owed = test_owed};

    pt_step_record_progress(s->record, &p);
    return pt_saves_begin(s->saves, &p);
}

/* A checkpoint that cannot begin ends the run only if it was to be the last. */
static pt_status save(pt_server *s, const Pt__Record__StepRecord *r, bool owed)
{
    pt_status st = begin_save(s, s->step + 1, owed);

    if (st != PT_ERR_IO || r->stop) return st;
    pt_log_warn("no checkpoint was written: %s; training continues", pt_fail_text());
    pt_saves_miss(s->saves);
    return PT_OK;
}

/* The last checkpoint failed: reports what is lost. */
static pt_status no_checkpoint(const pt_server *s, pt_status why)
{
    char text[1024];

    if (why != PT_ERR_IO) return why;
    snprintf(text, sizeof text, "%s", pt_fail_text());
    return pt_fail(why, "stopped after step %llu, and no checkpoint was written: %s",
                   (unsigned long long)s->step + 1, text);
}

/* Rank 0 tells the other servers whether to leave a checkpoint of the end. */
static pt_status share_end(pt_server *s, bool *keep)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;
    pt_status st;

    if (s->run->n_servers == 1) return PT_OK;
    if (is_first(s)) return pt_step_record_end(s->record, *keep);
    st = pt_step_record_take(s->record, &r);
    *keep = r.checkpoint;
    return st;
}

pt_status pt_server_keep_end(pt_server *s, pt_status why)
{
    char text[1024];
    bool keep = why == PT_ERR_IO && pt_saves_on(s->saves) && !pt_saves_hang(s->saves);
    pt_status st;

    snprintf(text, sizeof text, "%s", pt_fail_text());
    st = share_end(s, &keep);
    if (st != PT_OK) return st;
    if (!keep) return why;
    pt_testing_take_back(&s->testing);
    if (begin_save(s, s->next, true) != PT_OK || pt_saves_wait(s->saves) != PT_OK)
        return pt_fail(why, "%s", text);
    if (!is_first(s)) return why;
    return pt_fail(why,
                   "%s; a checkpoint after the last step was written: run the same "
                   "command again to write the results",
                   text);
}

/* Does what the record asks for after its step. *ends: the run stops here. */
static pt_status after_step(pt_server *s, const Pt__Record__StepRecord *r, bool *ends)
{
    bool owed = r->stop && r->evaluate; /* a stop has no time for a test */
    double start;
    pt_status st;

    *ends = r->last;
    s->next = s->step + 1;
    if (r->last) pt_saves_end(s->saves);
    start = pt_trace_clock(s->run->trace);
    st = r->evaluate && !owed ? pt_testing_run(&s->testing, s->step, ends) : PT_OK;
    pt_trace_until_now(s->run->trace, PT_TRACE_TEST, -1, start);
    if (st == PT_OK && *ends && !r->last) st = report_end(s);
    if (*ends && (st == PT_OK || st == PT_ERR_IO)) st = pt_server_keep_end(s, st);
    start = pt_trace_clock(s->run->trace);
    if (st == PT_OK && r->checkpoint && !*ends) st = save(s, r, owed);
    pt_trace_until_now(s->run->trace, PT_TRACE_CHECKPOINT, -1, start);
    if (!r->stop) return st;
    *ends = true;
    if (st == PT_OK) st = pt_saves_wait(s->saves);
    return st == PT_OK ? PT_STOPPED : no_checkpoint(s, st);
}

/* Waits for messages that are still in flight at the end. */
static pt_status settle(pt_server *s)
{
    pt_status st = pt_step_record_settle(s->record);

    if (st == PT_OK) st = pt_reports_settle(s->reports);
    if (st == PT_OK) st = pt_terms_out_settle(s->terms);
    return st == PT_OK ? pt_update_settle(s->update) : st;
}

/* Before the first step: what a fresh run measures, what a resumed one still owes. *ends:
 * the test that it owed was the last. */
static pt_status before_steps(pt_server *s, bool *ends)
{
    pt_run *r = s->run;
    pt_status st = PT_OK;

    if (is_first(s)) st = pt_given_features(&s->workers, r, s->methods);
    if (st == PT_OK && is_first(s)) st = pt_given_answers(&s->workers, r);
    if (st != PT_OK || r->first_step == 0 || !r->test_owed) return st;
    s->step = r->first_step - 1;
    s->next = r->first_step;
    *ends = r->first_step == r->plan->total_steps;
    return pt_testing_run(&s->testing, s->step, ends);
}

pt_status pt_server_run(pt_server *s, bool *agreed)
{
    bool ends = false;
    pt_status st = before_steps(s, &ends), end;

    *agreed = false;
    pt_saves_start(s->saves);
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
    pt_saves_end(s->saves);
    return st == PT_OK ? end : st;
}

bool pt_server_hangs(const pt_server *s)
{
    return pt_saves_hang(s->saves);
}

pt_server_costs pt_server_costs_of(const pt_server *s)
{
    pt_server_costs c = {.tree_s = pt_gather_seconds(s->gather),
                         .update_s = pt_update_seconds(s->update),
                         .held_s = pt_votes_seconds(s->votes),
                         .sent = s->comm->sent - s->before.sent,
                         .received = s->comm->received - s->before.received};

    c.rest_s = pt_cpu_clock() - s->before.rest_s - c.tree_s - c.update_s;
    pt_saves_costs(s->saves, &c);
    return c;
}
