#include "server/saves.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/log.h"

struct pt_saves {
    const pt_run *run;
    pt_comm *comm;
    pt_saver *saver; /* NULL: the run is not saved */
    const pt_server_hooks *hooks;
    pt_saves_of of;
    double last_s; /* the clock at the last save */
    bool due;
    bool failed;     /* the last one did */
    bool hangs;      /* the current save, at the end */
    double waited_s; /* that steps waited */
    int saved, missed;
};

pt_status pt_saves_create(const pt_run *run, pt_comm *comm,
                          const pt_save_options *options, const pt_server_hooks *hooks,
                          pt_saves_of of, pt_saves **out)
{
    pt_saves *s = pt_calloc(1, sizeof *s);
    pt_status st = PT_OK;

    *out = NULL;
    if (!s) return pt_fail(PT_ERR_NOMEM, "no memory for checkpoints");
    *s = (pt_saves){.run = run, .comm = comm, .hooks = hooks, .of = of};
    if (options) st = pt_saver_create(run, comm->rank, options, &s->saver);
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_saves_destroy(&s);
    return st;
}

void pt_saves_destroy(pt_saves **s)
{
    if (!s || !*s) return;
    pt_saver_destroy(&(*s)->saver);
    free(*s);
    *s = NULL;
}

bool pt_saves_on(const pt_saves *s)
{
    return s->saver != NULL;
}

void pt_saves_start(pt_saves *s)
{
    s->last_s = pt_clock();
}

void pt_saves_miss(pt_saves *s)
{
    s->missed++;
}

bool pt_saves_hang(const pt_saves *s)
{
    return s->hangs;
}

void pt_saves_costs(const pt_saves *s, pt_server_costs *c)
{
    c->save_s = s->waited_s;
    c->saves = s->saved;
    c->missed = s->missed;
}

static const double grace_s = 1; /* for a writer suspended and continued with us */

/* A save that failed costs nothing but itself: one warning, and training continues. */
static void take_result(pt_saves *s)
{
    pt_status st;

    if (!pt_saver_ended(s->saver, &st)) return;
    if (st != PT_OK && !s->failed)
        pt_log_warn("no checkpoint was written: %s; training continues", pt_fail_text());
    s->failed = st != PT_OK;
    s->saved += st == PT_OK;
    s->missed += st != PT_OK;
}

/* A save is due and the previous one is not finished: a warning if that one hangs. Saves
 * that are due many times a second are not counted one by one. */
static void pass_over(pt_saves *s, uint64_t step)
{
    double now = pt_clock();

    if (now - s->last_s < grace_s || pt_saver_check(s->saver) == PT_OK) return;
    pt_log_warn("no checkpoint after step %llu, as the previous one is not finished: %s; "
                "training continues",
                (unsigned long long)step + 1, pt_fail_text());
    s->missed++;
    s->due = false;
    s->last_s = now;
}

bool pt_saves_due(pt_saves *s, uint64_t step)
{
    const Pt__Config__Run *c = s->run->config->run;

    if (!s->saver) return false;
    take_result(s);
    if (c->checkpoint_steps > 0 && (step + 1) % c->checkpoint_steps == 0) s->due = true;
    if (c->checkpoint_s > 0 && pt_clock() - s->last_s >= c->checkpoint_s) s->due = true;
    if (!s->due || !pt_saver_busy(s->saver)) return s->due;
    pass_over(s, step);
    return false;
}

/* Waits until the current save has ended, or (in_library) is not inside HDF5. PT_ERR_IO
 * if it hangs. The other ranks see us alive meanwhile. */
static pt_status wait_idle(pt_saves *s, bool in_library)
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

pt_status pt_saves_free_library(pt_saves *s)
{
    return s->saver ? wait_idle(s, true) : PT_OK;
}

void pt_saves_end(pt_saves *s)
{
    if (!s->saver || s->hangs) return;
    s->hangs = wait_idle(s, false) != PT_OK;
    if (!s->hangs) {
        take_result(s);
        return;
    }
    s->missed++;
    if (!pt_saver_in_library(s->saver)) /* else no result can be written: an error */
        pt_log_warn("the last checkpoint was not written: %s; the run ends without it",
                    pt_fail_text());
}

static void take_snapshot(pt_saves *s)
{
    const pt_run *r = s->run;
    const pt_graph *g = r->graph;
    pt_state *to = pt_saver_snapshot(s->saver);
    size_t dims = (size_t)pt_run_rep_size(r) * sizeof(float);
    const float *second = pt_server_methods_second(s->of.methods);
    int n;
    const int *keys = pt_store_keys(s->of.store, &n);

    for (int i = 0; i < n; i++) {
        const pt_key *k = &r->keys->keys[keys[i]];

        memcpy(to->flat + k->offset, r->flat + k->offset, k->count * sizeof(float));
        if (second)
            memcpy(to->second + k->offset, second + k->offset, k->count * sizeof(float));
    }
    pt_kept_copy(s->of.kept, r, keys, n, &to->kept);
    pt_store_save(s->of.store, &to->optimizer);
    if (s->comm->rank != 0) return;
    memcpy(to->flat + g->n_param_floats, r->flat + g->n_param_floats,
           (g->n_floats - g->n_param_floats) * sizeof(float));
    pt_server_methods_save(s->of.methods, to->method);
    if (!to->feature_mean) return;
    memcpy(to->feature_mean, r->given.feature_mean, dims);
    memcpy(to->feature_std, r->given.feature_std, dims);
}

pt_status pt_saves_begin(pt_saves *s, pt_progress *p)
{
    double start = pt_clock();
    pt_status st = PT_OK;

    if (s->hooks->on_save) st = s->hooks->on_save(s->hooks->context, p->step, &p->tally);
    if (st != PT_OK) return st;
    st = wait_idle(s, false);
    s->hangs = st != PT_OK;
    if (st != PT_OK) return st;
    take_result(s);
    take_snapshot(s);
    pt_saver_begin(s->saver, p);
    s->due = false;
    s->last_s = pt_clock();
    s->waited_s += s->last_s - start;
    return PT_OK;
}

pt_status pt_saves_wait(pt_saves *s)
{
    pt_status how = PT_OK, st = wait_idle(s, false);

    s->hangs = st != PT_OK;
    if (st == PT_OK && pt_saver_ended(s->saver, &how)) s->saved += how == PT_OK;
    return st == PT_OK ? how : st;
}
