#include "server/serve_internal.h"

#include <string.h>
#include <time.h>

#include "common/base/log.h"

static const double grace_s = 1; /* for a writer that was stopped and continued with us */

/* A save that failed costs nothing but itself: said once, training continues. */
static void take_result(pt_server *s)
{
    pt_status st;

    if (!pt_saver_ended(s->saver, &st)) return;
    if (st != PT_OK && !s->save_failed)
        pt_log_warn("no checkpoint was written: %s; training continues", pt_fail_text());
    s->save_failed = st != PT_OK;
    s->costs.saves += st == PT_OK;
    s->costs.missed += st != PT_OK;
}

/* A save is due and the one before it is not through: said where that one hangs. Saves
 * that are due many times a second are not counted one by one. */
static void pass_over(pt_server *s)
{
    double now = pt_clock();

    if (now - s->last_save_s < grace_s || pt_saver_check(s->saver) == PT_OK) return;
    pt_log_warn("no checkpoint after step %llu, the one before it is not finished: %s; "
                "training continues",
                (unsigned long long)s->step + 1, pt_fail_text());
    s->costs.missed++;
    s->save_due = false;
    s->last_save_s = now;
}

bool pt_server_save_due(pt_server *s)
{
    const Pt__Config__Run *c = s->run->config->run;

    if (!s->saver) return false;
    take_result(s);
    if (c->checkpoint_steps > 0 && (s->step + 1) % c->checkpoint_steps == 0)
        s->save_due = true;
    if (c->checkpoint_s > 0 && pt_clock() - s->last_save_s >= c->checkpoint_s)
        s->save_due = true;
    if (!s->save_due || !pt_saver_busy(s->saver)) return s->save_due;
    pass_over(s);
    return false;
}

/* Until the save under way has ended, or (in_library) is not inside HDF5. PT_ERR_IO where
 * it hangs. The other ranks see us alive meanwhile. */
static pt_status wait_idle(pt_server *s, bool in_library)
{
    const struct timespec pause = {0, 2 * 1000 * 1000};
    double start = pt_clock();

    while (pt_saver_busy(s->saver) && (!in_library || pt_saver_in_library(s->saver))) {
        if (pt_clock() - start > grace_s && pt_saver_check(s->saver) != PT_OK)
            return PT_ERR_IO;
        pt_comm_poll(s->comm);
        nanosleep(&pause, NULL);
    }
    return PT_OK;
}

pt_status pt_server_free_library(pt_server *s)
{
    return s->saver ? wait_idle(s, true) : PT_OK;
}

void pt_server_end_saves(pt_server *s)
{
    if (!s->saver || s->hangs) return;
    s->hangs = wait_idle(s, false) != PT_OK;
    if (!s->hangs) {
        take_result(s);
        return;
    }
    s->costs.missed++;
    if (!pt_saver_in_library(s->saver)) /* else no result can be written: an error */
        pt_log_warn("the last checkpoint was not written: %s; the run ends without it",
                    pt_fail_text());
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
    memcpy(to->feature_mean, r->given.feature_mean, dims);
    memcpy(to->feature_std, r->given.feature_std, dims);
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
    st = wait_idle(s, false);
    s->hangs = st != PT_OK;
    if (st != PT_OK) return st;
    take_result(s);
    take_snapshot(s);
    pt_saver_begin(s->saver, &p);
    s->save_due = false;
    s->last_save_s = pt_clock();
    s->costs.save_s += s->last_save_s - start;
    return PT_OK;
}

pt_status pt_server_saved(pt_server *s)
{
    pt_status how = PT_OK, st = wait_idle(s, false);

    s->hangs = st != PT_OK;
    if (st == PT_OK && pt_saver_ended(s->saver, &how)) s->costs.saves += how == PT_OK;
    return st == PT_OK ? how : st;
}
