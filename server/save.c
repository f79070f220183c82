#include "server/serve_internal.h"

#include <string.h>
#include <time.h>

#include "common/log.h"

/* A save that failed costs nothing but itself: said once, the run goes on. */
static void report_last(pt_server *s)
{
    pt_status st = pt_saver_result(s->saver);

    if (st != PT_OK && !s->save_failed)
        pt_log_warn("no checkpoint was written: %s; training goes on", pt_fail_text());
    s->save_failed = st != PT_OK;
}

bool pt_server_save_due(pt_server *s)
{
    const Pt__Config__Run *c = s->run->config->run;

    if (!s->saver) return false;
    if (c->checkpoint_steps > 0 && (s->step + 1) % c->checkpoint_steps == 0)
        s->save_due = true;
    if (c->checkpoint_s > 0 && pt_clock() - s->last_save_s >= c->checkpoint_s)
        s->save_due = true;
    return s->save_due && !pt_saver_busy(s->saver);
}

static void wait_idle(pt_server *s)
{
    const struct timespec pause = {0, 2 * 1000 * 1000};

    while (pt_saver_busy(s->saver)) {
        pt_comm_poll(s->comm);
        nanosleep(&pause, NULL);
    }
}

static void take_snapshot(pt_server *s)
{
    const pt_run *r = s->run;
    const pt_graph *g = r->graph;
    pt_state *to = pt_saver_snapshot(s->saver);
    size_t dims = (size_t)pt_run_rep_size(r) * sizeof(float), n_method;
    const float *method = pt_coupler_state(s->coupler, &n_method);
    int n;
    const int *keys = pt_store_keys(s->store, &n);

    for (int i = 0; i < n; i++) {
        const pt_key *k = &r->keys->keys[keys[i]];

        memcpy(to->flat + k->offset, r->flat + k->offset, k->count * sizeof(float));
        memcpy(to->velocity + k->offset, pt_store_velocity(s->store, keys[i]),
               k->count * sizeof(float));
    }
    if (!pt_server_first(s)) return;
    memcpy(to->flat + g->n_param_floats, r->flat + g->n_param_floats,
           (g->n_floats - g->n_param_floats) * sizeof(float));
    if (method) memcpy(to->method, method, n_method * sizeof *method);
    if (!to->feature_mean) return;
    memcpy(to->feature_mean, r->feature_mean, dims);
    memcpy(to->feature_std, r->feature_std, dims);
}

pt_status pt_server_save(pt_server *s, uint64_t next, bool test_owed)
{
    pt_progress p = {.step = next,
                     .test_owed = test_owed,
                     .ema = s->gate.ema,
                     .gate_started = s->gate.started,
                     .gate_open = s->gate.open,
                     .skipped = s->skipped,
                     .skipped_in_a_row = s->skipped_in_a_row};
    double start = pt_clock();
    pt_status st = PT_OK;

    if (s->hooks.on_save) st = s->hooks.on_save(s->hooks.context, next, &p.tally);
    if (st != PT_OK) return st;
    wait_idle(s);
    report_last(s);
    take_snapshot(s);
    pt_saver_begin(s->saver, &p);
    s->save_due = false;
    s->costs.saves++;
    s->last_save_s = pt_clock();
    s->costs.save_s += s->last_save_s - start;
    return PT_OK;
}

pt_status pt_server_saved(pt_server *s)
{
    wait_idle(s);
    return pt_saver_result(s->saver);
}
