#include "launch/sweep/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/cores.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/comm/stop.h"
#include "common/run/placement.h"
#include "launch/sweep/rules.h"

/* A run under way. */
typedef struct {
    pt_sweep_run *run; /* NULL: this place is free */
    char *config, *log;
    double start;
} place;

typedef struct {
    pt_sweep *s;
    pt_sweep_jobs jobs;
    place places[PT_SWEEP_MAX_JOBS];
    char **why; /* [s->n] why a run failed, or NULL */
    size_t next, running, done, failed, ran;
    double spent; /* seconds, of the runs that ran */
    pt_sweep_run *stopped_in;
} queue;

/* Process ids of the places; changed only while the signals below are blocked, so that no
 * run can start unseen by the handler. */
static volatile sig_atomic_t children[PT_SWEEP_MAX_JOBS], stopped;

/* Runs have a group of their own, so that a terminal's ^C reaches only us. */
static void pass_on(int sig)
{
    stopped = 1;
    for (int i = 0; i < PT_SWEEP_MAX_JOBS; i++)
        if (children[i] > 0) kill((pid_t)children[i], sig);
}

/* Blocks the signals; *was: the mask before. */
static void hold_signals(sigset_t *was)
{
    sigset_t set;

    pt_stop_signals(&set);
    sigprocmask(SIG_BLOCK, &set, was);
}

/* Of several runs side by side, number i: cores of its own, unless it sets its threads.
 */
static void take_cores(const pt_sweep_run *r, int i, int at_once)
{
    pt_place jobs[PT_SWEEP_MAX_JOBS] = {0};
    int core[CPU_SETSIZE];

    if (at_once == 1 || r->config->engine->threads > 0) return;
    pt_cores_number(core);
    for (int k = 0; k < at_once; k++) pt_cores_allowed(&jobs[k].allowed);
    pt_place_jobs(core, jobs, at_once);
    pt_cores_use(&jobs[i].use); /* if not, runs share cores */
}

static void become_train(char *const *line, const char *log, const sigset_t *mask)
{
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    pt_stop_signals_to(SIG_DFL); /* the handler's list is not of our children */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (fd < 0) {
        fprintf(stderr, "error: %s cannot be written: %s\n", log, strerror(errno));
        _exit(1);
    }
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv("/proc/self/exe", line);
    _exit(1);
}

int pt_sweep_workers(const pt_sweep_run *r, const pt_sweep_jobs *jobs)
{
    int shards = (int)r->config->shards, share = pt_cores_count() / jobs->at_once;

    if (jobs->workers > 0 || jobs->at_once == 1 || r->config->engine->workers > 0)
        return jobs->workers;
    share = share < shards ? share : shards;
    return share > 1 ? share : 1;
}

/* Starts the run of places[i]; false if a signal came first or nothing can start. */
static bool start_train(queue *q, int i)
{
    place *p = &q->places[i];
    int workers = pt_sweep_workers(p->run, &q->jobs);
    const char *line[] = {"ptrain", "train", p->config, NULL, NULL, NULL};
    char count[16];
    sigset_t was;
    pid_t pid = -1;

    snprintf(count, sizeof count, "%d", workers);
    if (workers > 0) {
        line[3] = "--workers";
        line[4] = count;
    }
    fflush(NULL);
    hold_signals(&was);
    if (!stopped) pid = fork();
    if (pid == 0) {
        take_cores(p->run, i, q->jobs.at_once);
        become_train((char *const *)line, p->log, &was);
    }
    children[i] = pid > 0 ? pid : 0;
    sigprocmask(SIG_SETMASK, &was, NULL);
    return pid > 0;
}

/* The last line of the log with `error:`, malloc'd, or NULL. */
static char *error_of(const char *log)
{
    uint8_t *text = NULL;
    char *found = NULL, *end;
    size_t n;

    if (pt_file_load_path(log, (size_t)64 << 20, &text, &n) != PT_OK) return NULL;
    for (char *at = (char *)text; (at = strstr(at, "error:")); at++) {
        free(found);
        found = strdup(at);
    }
    if (found && (end = strchr(found, '\n'))) *end = '\0';
    free(text);
    return found;
}

/* "1 h 20 min", "40 s". */
static void format_time(double s, char out[32])
{
    if (s >= 3600)
        snprintf(out, 32, "%d h %d min", (int)(s / 3600), (int)(fmod(s, 3600) / 60));
    else if (s >= 120)
        snprintf(out, 32, "%.0f min", s / 60);
    else
        snprintf(out, 32, "%.0f s", s);
}

static void log_done(const queue *q, const pt_sweep_run *r, double seconds)
{
    size_t n = q->s->n, finished = q->done + q->failed;
    double left = q->spent / (double)q->ran * (double)(n - finished) / q->jobs.at_once;
    char took[32], more[32], accuracy[PT_SWEEP_ACCURACY];

    format_time(seconds, took);
    format_time(left, more);
    pt_log_info("[%zu/%zu] %s: %s in %s%s%s%s", finished, n, r->name,
                pt_sweep_accuracy(r, accuracy), took, left > 0 ? ", about " : "",
                left > 0 ? more : "", left > 0 ? " left" : "");
}

static void fail_run(queue *q, const pt_sweep_run *r, const char *log, const char *why)
{
    size_t i = (size_t)(r - q->s->runs);

    q->failed++;
    if (asprintf(&q->why[i], "%s (%s): %s", r->name, log ? log : r->dir, why) < 0)
        q->why[i] = NULL;
    pt_log_warn("%s failed (%s): %s", r->name, log ? log : r->dir, why);
}

static void clear(place *p)
{
    free(p->config);
    free(p->log);
    *p = (place){0};
}

/* Puts a run into the free place i. */
static void start(queue *q, int i, pt_sweep_run *r)
{
    place *p = &q->places[i];

    *p = (place){.run = r, .start = pt_clock()};
    if (pt_sweep_write_config(r) != PT_OK) {
        fail_run(q, r, NULL, pt_fail_text());
    } else if (asprintf(&p->config, "%s.yaml", r->dir) < 0 ||
               asprintf(&p->log, "%s.log", r->dir) < 0) {
        fail_run(q, r, NULL, "no memory");
    } else if (start_train(q, i)) {
        q->running++;
        return;
    } else if (stopped) {
        q->stopped_in = r;
    } else {
        fail_run(q, r, p->log, "no process can be started");
    }
    clear(p);
}

/* Records the outcome of the run in place i, which ended with `status` of waitpid. */
static void end(queue *q, int i, int status)
{
    place *p = &q->places[i];
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    double took = pt_clock() - p->start;

    q->running--;
    if (code == 0 && pt_sweep_look(p->run, NULL) != PT_OK) {
        fail_run(q, p->run, p->log, pt_fail_text());
    } else if (code == 0 && p->run->state != PT_SWEEP_DONE) {
        fail_run(q, p->run, p->log, "it ended without a result.json");
    } else if (code == 0) {
        q->done++;
        q->ran++;
        q->spent += took;
        log_done(q, p->run, took);
    } else if (code == 75 || stopped) {
        q->stopped_in = p->run;
    } else {
        char *why = error_of(p->log);

        fail_run(q, p->run, p->log, why ? why : "without a line");
        free(why);
    }
    clear(p);
}

/* Waits for one run to end. */
static void reap(queue *q)
{
    int status = 0, i = 0;
    sigset_t was;
    siginfo_t info = {0};

    /* Noticed first, reaped while the signals are blocked: none can go to a recycled
     * process id. */
    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
    hold_signals(&was);
    while (i < PT_SWEEP_MAX_JOBS && children[i] != info.si_pid) i++;
    waitpid(info.si_pid, &status, 0);
    if (i < PT_SWEEP_MAX_JOBS) children[i] = 0;
    sigprocmask(SIG_SETMASK, &was, NULL);
    if (i < PT_SWEEP_MAX_JOBS) end(q, i, status);
}

/* The next run that is not done into each free place. */
static void fill(queue *q)
{
    for (int i = 0; i < q->jobs.at_once; i++) {
        while (q->next < q->s->n && q->s->runs[q->next].state == PT_SWEEP_DONE) q->next++;
        if (q->next == q->s->n || q->stopped_in || stopped) return;
        if (!q->places[i].run) start(q, i, &q->s->runs[q->next++]);
    }
}

/* Prints the last lines; returns the exit code. */
static int finish(const queue *q)
{
    const pt_sweep *s = q->s;
    size_t depth = s->table->n_axes > 0 ? s->table->n_axes : 1;

    if (q->failed > 0)
        pt_log_info(
            "%zu of %zu runs failed; the same command runs them again:", q->failed, s->n);
    for (size_t i = 0; i < s->n; i++)
        if (q->why[i]) pt_log_info("  %s", q->why[i]);
    if (q->done + q->failed < s->n) {
        pt_log_info("stopped%s%s; run the same command again to resume",
                    q->stopped_in ? " in " : "",
                    q->stopped_in ? q->stopped_in->name : "");
        return 75;
    }
    if (q->failed == 0) {
        char levels[2 * PT_SWEEP_MAX_AXES + 1] = "";

        for (size_t i = 0; i < depth; i++) strcat(levels, "/*");
        pt_log_info("%zu of %zu runs are done; compare them: ptrain report %s%s/*/",
                    q->done, s->n, s->table->dir, levels);
    }
    return q->failed == 0 ? 0 : 1;
}

int pt_sweep_run_all(pt_sweep *s, pt_sweep_jobs jobs)
{
    queue *q = pt_calloc(1, sizeof *q);
    char **why = pt_calloc(s->n, sizeof *why);
    int code = 1;

    if (!q || !why) {
        pt_log_error("no memory for the queue");
        goto done;
    }
    *q = (queue){.s = s, .jobs = jobs, .why = why};
    for (size_t i = 0; i < s->n; i++) q->done += s->runs[i].state == PT_SWEEP_DONE;
    if (q->done > 0) pt_log_info("%zu of %zu runs are done already", q->done, s->n);
    signal(SIGCHLD, SIG_DFL); /* the parent may have set it to be ignored */
    pt_stop_signals_to(pass_on);
    do {
        fill(q);
        if (q->running > 0) reap(q);
        if (q->stopped_in && !stopped) raise(SIGTERM); /* one stopped by itself: all do */
    } while (q->running > 0 || (q->next < s->n && !stopped));
    code = finish(q);
    for (size_t i = 0; i < s->n; i++) free(why[i]);
done:
    free(why);
    free(q);
    return code;
}
