#include "server/step_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/comm/stop.h"
#include "common/run/trace.h"
#include "server/schedule.h"

struct pt_step_record {
    const pt_run *run;
    pt_comm *comm;
    pt_saves *saves;
    pt_reports *reports;
    pt_skips skips;
    uint8_t bytes[PT_RECORD_BYTES];
    pt_request *sent; /* [n_servers + n_workers] */

    /* rank 0 */
    pt_payloads payloads;
    double *scratch;           /* [2 rep size]; NULL: norms are of single images */
    pt_gate gate, gate_before; /* before: as the last step found it */
    pt_schedule schedule;
    double last_s; /* the clock at the record before; 0: there is none to measure from */
};

/* ---- life -------------------------------------------------------------------------- */

static pt_schedule schedule_of(const pt_config *c)
{
    const Pt__Config__Schedule *s = c->schedule;

    return (pt_schedule){.kind = (pt_schedule_kind)s->kind,
                         .at = s->at,
                         .n_at = s->n_at,
                         .factor = s->factor,
                         .warmup_steps = s->warmup_steps};
}

static pt_status make_arrays(pt_step_record *d)
{
    const pt_run *r = d->run;

    d->sent = pt_calloc((size_t)(r->n_servers + r->n_workers), sizeof *d->sent);
    if (!d->sent) return pt_fail(PT_ERR_NOMEM, "no memory for the step record");
    if (d->comm->rank != 0) return PT_OK;
    if (r->asks & PT_SENDS_SUMS) {
        d->scratch = pt_calloc(2 * (size_t)pt_run_rep_size(r), sizeof *d->scratch);
        if (!d->scratch) return pt_fail(PT_ERR_NOMEM, "no memory for the batch's norms");
    }
    return pt_payloads_init(&d->payloads, r);
}

pt_status pt_step_record_create(const pt_run *run, pt_comm *comm, pt_saves *saves,
                                pt_reports *reports, pt_step_record **out)
{
    pt_step_record *d = pt_calloc(1, sizeof *d);
    pt_status s;

    *out = NULL;
    if (!d) return pt_fail(PT_ERR_NOMEM, "no memory for the step record");
    *d = (pt_step_record){.run = run,
                          .comm = comm,
                          .saves = saves,
                          .reports = reports,
                          .schedule = schedule_of(run->config)};
    pt_gate_init(&d->gate, run->config->pseudo_task, run->graph->n_classes);
    s = make_arrays(d);
    if (s == PT_OK) {
        *out = d;
        d = NULL;
    }
    pt_step_record_destroy(&d);
    return s;
}

void pt_step_record_destroy(pt_step_record **d)
{
    if (!d || !*d) return;
    pt_payloads_fini(&(*d)->payloads, (*d)->run);
    free((*d)->sent);
    free((*d)->scratch);
    free(*d);
    *d = NULL;
}

void pt_step_record_progress(const pt_step_record *d, pt_progress *p)
{
    p->ema = d->gate.ema;
    p->gate_started = d->gate.started;
    p->gate_open = d->gate.open;
    p->skipped = d->skips.total;
    p->skipped_in_a_row = d->skips.in_a_row;
}

void pt_step_record_restore(pt_step_record *d, const pt_progress *p)
{
    d->gate.ema = p->ema;
    d->gate.started = p->gate_started;
    d->gate.open = p->gate_open;
    d->skips.total = p->skipped;
    d->skips.in_a_row = p->skipped_in_a_row;
}

/* ---- numbers that are not finite --------------------------------------------------- */

/* The samples whose numbers are not finite, for the message. */
static void describe_bad(const pt_step_record *d, uint64_t step, int bad, char *out,
                         size_t bytes)
{
    pt_plan *plan = d->run->plan;
    int b = pt_plan_batch_size(plan, step);
    char list[128] = "";
    size_t at = 0;

    for (int i = 0; i < b && at + 12 < sizeof list; i++) {
        uint32_t image;

        if (d->payloads.images[i].bad == 0) continue;
        pt_plan_images(plan, step, i, 1, &image);
        at +=
            (size_t)snprintf(list + at, sizeof list - at, "%s%u", at ? ", " : "", image);
    }
    snprintf(out, bytes,
             "step %llu of %llu: logits, loss or gradient norms of %d image%s are not "
             "finite (image%s %s)",
             (unsigned long long)step + 1, (unsigned long long)plan->total_steps, bad,
             bad == 1 ? "" : "s", bad == 1 ? "" : "s", list);
}

/* Apply, skip or stop; the failure's text is of this thread. */
static pt_status judge(pt_step_record *d, uint64_t step, const pt_batch_means *m,
                       Pt__Record__StepRecord *r)
{
    char why[256];
    pt_status s = PT_OK;

    d->skips.why[0] = '\0';
    r->verdict = PT__RECORD__VERDICT__APPLY;
    if (m->bad == 0) return PT_OK;
    describe_bad(d, step, m->bad, why, sizeof why);
    s = pt_skips_add(&d->skips, d->run->config->run, why);
    r->verdict = s == PT_OK ? PT__RECORD__VERDICT__SKIP : PT__RECORD__VERDICT__STOP;
    return s;
}

pt_status pt_step_record_take_back(pt_step_record *d, uint64_t step, int key)
{
    const pt_key *k = &d->run->keys->keys[key];
    char why[256];

    snprintf(why, sizeof why, "step %llu of %llu: the gradient of %s is not finite",
             (unsigned long long)step + 1, (unsigned long long)d->run->plan->total_steps,
             d->run->graph->tensors[k->tensor].name);
    d->gate = d->gate_before;
    if (d->run->config->run->nonfinite != PT__CONFIG__NON_FINITE__SKIP_ALL)
        return pt_fail(PT_ERR_NUMERIC, "%s", why); /* clip_norm found it */
    return pt_skips_add(&d->skips, d->run->config->run, why);
}

pt_skips *pt_step_record_skips(pt_step_record *d)
{
    return &d->skips;
}

/* ---- the decision ------------------------------------------------------------------ */

/* The factor on both rates. */
static double rate_of(const pt_step_record *d, uint64_t step)
{
    const pt_plan *plan = d->run->plan;
    const pt_config *c = d->run->config;
    const pt_plan_stage *stage = &plan->stages[d->run->stage];
    bool own = c->schedule->per_stage;
    double f = pt_schedule_factor(&d->schedule, step - (own ? stage->first : 0),
                                  own ? stage->end - stage->first : plan->total_steps);

    return c->n_stages > 0 ? f * c->stages[d->run->stage]->rate : f;
}

static pt_status decide(pt_step_record *d, uint64_t step, const pt_batch_means *m,
                        Pt__Record__StepRecord *r)
{
    const pt_config *c = d->run->config;
    const pt_plan *plan = d->run->plan;
    double factor = rate_of(d, step);
    bool regress = c->pseudo_task->loss != PT__CONFIG__REG_LOSS__NONE;
    uint64_t every = c->evaluation->every_epochs * plan->steps_per_epoch;
    uint64_t probe = c->run->gradient_ratio_every;
    int last_trunk = pt_run_last_trunk_tensor(d->run);
    pt_status s = judge(d, step, m, r);

    d->gate_before = d->gate;
    r->step = step;
    if (!m->bad)
        r->gate = pt_gate_step(&d->gate, m->ce, pt_plan_progress(plan, step)) && regress;
    r->w = pt_algorithm1_weight(c->pseudo_task, m, r->gate);
    r->lr = (float)(c->optimizer->lr * factor);
    r->head_lr =
        c->optimizer->has_head_lr ? (float)(c->optimizer->head_lr * factor) : r->lr;
    r->last = step + 1 == plan->total_steps;
    r->has_last = r->has_evaluate = r->has_probe = r->has_checkpoint = r->has_stop = 1;
    r->evaluate = r->last || (every > 0 && (step + 1) % every == 0);
    r->probe = r->w > 0 && probe > 0 && step % probe == 0 && last_trunk >= 0 &&
               d->run->trained[last_trunk];
    r->stop =
        pt_saves_on(d->saves) && !r->last &&
        (pt_stop_asked() || d->payloads.stop_asked || pt_reports_stop_asked(d->reports));
    r->checkpoint = r->stop || (!r->last && pt_saves_due(d->saves, step));
    return s;
}

/* ---- the record -------------------------------------------------------------------- */

/* To ranks 1..n-1. */
static pt_status send_record(pt_step_record *d, const Pt__Record__StepRecord *r, int n)
{
    pt_status s = pt_step_record_settle(d);

    if (s != PT_OK) return s;
    pt_record_pack(r, d->bytes);
    return pt_comm_send_all(d->comm, 1, n - 1, PT_MSG_RECORD, 0, d->bytes,
                            PT_RECORD_BYTES, d->sent + 1);
}

static void report(pt_step_record *d, const Pt__Record__StepRecord *r,
                   pt_step_report *out)
{
    double now = pt_clock();

    out->step = r->step;
    out->epoch = pt_plan_progress(d->run->plan, r->step);
    out->stage = d->run->stage;
    out->images = pt_plan_batch_size(d->run->plan, r->step);
    out->w = r->w;
    out->gate = r->gate;
    out->lr = r->lr;
    out->head_lr = r->head_lr;
    out->norms = d->payloads.images;
    out->times = d->payloads.times;
    out->seconds = d->last_s > 0 ? now - d->last_s : 0;
    d->last_s = now;
}

pt_status pt_step_record_make(pt_step_record *d, uint64_t step, Pt__Record__StepRecord *r,
                              pt_step_report *out)
{
    pt_payloads *p = &d->payloads;
    int v = d->run->plan->n_shards;
    double start = pt_trace_clock(d->run->trace);
    pt_status decided, s = pt_payloads_take(p, d->run, d->comm, step);

    if (s == PT_OK) s = pt_reports_take(d->reports);
    pt_trace_until_now(d->run->trace, PT_TRACE_PAYLOADS, -1, start);
    if (s != PT_OK) return s;
    pt_algorithm1_means(p->shards, v, &out->means);
    if (d->scratch)
        pt_algorithm1_norms_of_means(p->shards, v, p->vectors, pt_run_rep_size(d->run),
                                     d->scratch, &out->means);
    decided = decide(d, step, &out->means, r);
    s = send_record(d, r, d->run->n_servers + d->run->n_workers);
    report(d, r, out);
    return s == PT_OK ? decided : s;
}

pt_status pt_step_record_judge(pt_step_record *d, uint64_t step, const pt_test_verdict *v)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;

    r.step = step;
    r.verdict = PT__RECORD__VERDICT__SKIP;
    r.has_last = r.has_best = 1;
    r.last = v->over;
    r.best = v->best;
    return send_record(d, &r, d->run->n_servers + d->run->n_workers);
}

pt_status pt_step_record_end(pt_step_record *d, bool keep)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;
    pt_status s;

    r.step = d->run->plan->total_steps;
    r.verdict = PT__RECORD__VERDICT__SKIP;
    r.has_last = r.has_checkpoint = 1;
    r.last = 1;
    r.checkpoint = keep;
    s = send_record(d, &r, d->run->n_servers);
    return s == PT_OK ? pt_step_record_settle(d) : s;
}

pt_status pt_step_record_take(pt_step_record *d, Pt__Record__StepRecord *r)
{
    pt_request q = {0};
    pt_status s =
        pt_comm_recv(d->comm, 0, PT_MSG_RECORD, 0, d->bytes, PT_RECORD_BYTES, &q);

    d->skips.why[0] = '\0';
    if (s == PT_OK) s = pt_comm_wait(d->comm, &q, 1);
    return s == PT_OK ? pt_record_unpack(d->bytes, r) : s;
}

pt_status pt_step_record_settle(pt_step_record *d)
{
    return pt_comm_wait(d->comm, d->sent,
                        (size_t)(d->run->n_servers + d->run->n_workers));
}

const pt_payloads *pt_step_record_payloads(const pt_step_record *d)
{
    return &d->payloads;
}

void pt_step_record_pause(pt_step_record *d)
{
    d->last_s = 0;
}
