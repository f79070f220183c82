#include "launch/sweep/in_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/cores.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/stop.h"
#include "launch/train/placement.h"

/* A group of ranks at work. */
typedef struct {
    pt_sweep *s;
    pt_sweep_train train;
    void *context;
    int out; /* standard output of the job; the first rank of a group */
} group;

static bool is_leader(void)
{
    return pt_job_rank() == 0;
}

/* What standard output shows goes to path (NULL: to `out` again). */
static pt_status turn_output(const char *path, int out)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : out;

    if (fd < 0)
        return pt_fail(PT_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    fflush(stdout);
    if (dup2(fd, STDOUT_FILENO) < 0)
        return pt_fail(PT_ERR_IO, "standard output: %s", strerror(errno));
    if (path) close(fd);
    return PT_OK;
}

static void report(const pt_sweep_run *r, pt_status s, double seconds)
{
    char accuracy[PT_SWEEP_ACCURACY];

    if (s == PT_OK)
        pt_log_info("%s: %s in %.0f s", r->name, pt_sweep_accuracy(r, accuracy), seconds);
    else if (s == PT_STOPPED)
        pt_log_info("%s: stopped", r->name);
    else
        pt_log_warn("%s failed (%s.log)", r->name, r->dir);
}

/* One run with the ranks of this group. */
static pt_status run_one(group *g, pt_sweep_run *r)
{
    char *config = NULL, *log = NULL;
    double start = pt_clock();
    pt_status s = PT_OK;

    if (asprintf(&config, "%s.yaml", r->dir) < 0 || asprintf(&log, "%s.log", r->dir) < 0)
        pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for a path"));
    if (is_leader()) s = pt_sweep_write_config(r);
    if (is_leader() && s == PT_OK) s = turn_output(log, 0);
    s = pt_job_agree(s);
    pt_job_set_deadline(PT_JOB_START_S);
    if (s == PT_OK) s = g->train(g->context, config);
    if (is_leader() && turn_output(NULL, g->out) != PT_OK)
        pt_log_warn("%s", pt_fail_text());
    if (is_leader() && s == PT_OK) s = pt_sweep_look(r, NULL);
    s = pt_job_agree(s);
    if (is_leader()) report(r, s, pt_clock() - start);
    free(config);
    free(log);
    return s;
}

/* The group's share of the runs todo [n]: every at_once-th from `part` on. */
static void run_share(group *g, const int *todo, int n, int at_once, int part)
{
    for (int i = part; i < n; i += at_once) {
        pt_status s = run_one(g, &g->s->runs[todo[i]]);

        if (s == PT_STOPPED) return;
    }
}

/* The runs that are not done, as rank 0 sees them. todo [s->n] */
static pt_status share_todo(const pt_sweep *s, int *todo, int *n)
{
    pt_status st;

    *n = 0;
    for (size_t i = 0; i < s->n && is_leader(); i++)
        if (s->runs[i].state != PT_SWEEP_DONE) todo[(*n)++] = (int)i;
    st = pt_job_broadcast_into(0, n, sizeof *n);
    if (st == PT_OK) st = pt_job_broadcast_into(0, todo, (size_t)*n * sizeof *todo);
    return st;
}

static pt_status count_groups(int n_todo, int *at_once)
{
    int most = pt_job_size() / 2;

    if (*at_once == 0) *at_once = most < n_todo ? most : n_todo;
    if (*at_once >= 1 && *at_once <= most) return PT_OK;
    return pt_fail(
        PT_ERR_USAGE,
        "%d ranks for %d runs at a time: a run needs a server and a worker, so "
        "%d ranks at least",
        pt_job_size(), *at_once > 1 ? *at_once : 1, 2 * (*at_once > 1 ? *at_once : 1));
}

/* Groups, each with cores of its own unless runs set their threads. */
static pt_status divide(const pt_sweep *s, int at_once, int *part)
{
    bool set = false;
    pt_status st = PT_OK;

    for (size_t i = 0; i < s->n; i++) set = set || s->runs[i].config->engine->threads > 0;
    if (!set) st = pt_placement_divide(at_once);
    return st == PT_OK ? pt_job_divide(at_once, part) : st;
}

/* Rank 0 of all: which of the runs ended how. */
static pt_status sum_up(pt_sweep *s)
{
    size_t done = 0;
    char left[256] = "";

    for (size_t i = 0; i < s->n; i++) {
        pt_sweep_run *r = &s->runs[i];
        size_t at = strlen(left);

        if (pt_sweep_look(r, NULL) == PT_OK && r->state == PT_SWEEP_DONE)
            done++;
        else if (at + strlen(r->name) + 3 < sizeof left)
            snprintf(left + at, sizeof left - at, "%s%s", at ? ", " : "", r->name);
    }
    pt_log_info("%zu of %zu runs are done%s%s", done, s->n, *left ? "; not: " : "", left);
    if (done == s->n) return PT_OK;
    if (pt_stop_asked()) return PT_STOPPED;
    return pt_fail(PT_ERR_DATA,
                   "%zu of %zu runs failed; the same command runs them again",
                   s->n - done, s->n);
}

pt_status pt_sweep_run_in_job(pt_sweep *s, int at_once, pt_sweep_train train,
                              void *context)
{
    group g = {.s = s, .train = train, .context = context, .out = dup(STDOUT_FILENO)};
    int *todo = pt_calloc(s->n, sizeof *todo), n = 0, part = 0;
    cpu_set_t cpus;
    pt_status st = todo && g.out >= 0 ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory");

    pt_cores_allowed(&cpus);
    st = pt_job_agree(st);
    if (st == PT_OK) st = share_todo(s, todo, &n);
    if (st == PT_OK && n > 0) st = pt_job_agree(count_groups(n, &at_once));
    if (st == PT_OK && n > 0) {
        pt_stop_on_signals();
        st = divide(s, at_once, &part);
        if (st != PT_OK) pt_job_die(st);
        run_share(&g, todo, n, at_once, part);
        st = pt_job_divide(1, &part);
        pt_cores_use(&cpus); /* as before: nothing more is computed */
    }
    if (st == PT_OK) st = pt_job_agree(is_leader() ? sum_up(s) : PT_OK);
    if (g.out >= 0) close(g.out);
    free(todo);
    return st;
}
