#include "launch/submit/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/run/layout.h"

/* ---- what can be asked for -------------------------------------------------------- */

/* Text of digits, and of `more` between two of them. */
static bool is_digits(const char *text, const char *more)
{
    bool digit = false;

    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) && !(digit && strchr(more, *text)))
            return false;
        digit = isdigit((unsigned char)*text);
    }
    return digit;
}

enum { SHORTEST_S = 300 };

static pt_status check_time(const pt_request *r)
{
    const char *colon = r->time ? strchr(r->time, ':') : NULL;
    int seconds = pt_batch_seconds(r->time);

    if (!r->time) return PT_OK;
    if (!colon || !strchr(colon + 1, ':') ||
        !is_digits(r->time, r->scheduler == &pt_slurm ? ":-" : ":"))
        return pt_fail(PT_ERR_USAGE, "--time is '%.60s', must be H:MM:SS, as in 4:00:00",
                       r->time);
    if (seconds >= SHORTEST_S) return PT_OK;
    return pt_fail(PT_ERR_USAGE,
                   "--time is %s: at least 0:05:00, as the job is asked to stop %d s "
                   "before its end",
                   r->time, PT_BATCH_NOTICE_S);
}

static pt_status check_seeds(const pt_request *r)
{
    bool slurm = r->scheduler == &pt_slurm;

    if (!r->seeds) return PT_OK;
    for (size_t i = 0; i < r->n_sets; i++)
        if (strncmp(r->sets[i], "seed=", 5) == 0)
            return pt_fail(PT_ERR_USAGE,
                           "--set '%.60s' would have no effect: --seeds gives it",
                           r->sets[i]);
    if (is_digits(r->seeds, slurm ? ",-" : "-") && (slurm || strchr(r->seeds, '-')))
        return PT_OK;
    return pt_fail(PT_ERR_USAGE, "--seeds is '%.60s', must be %s", r->seeds,
                   slurm ? "numbers and ranges, as in 1-5 or 1,3,7-9"
                         : "a range for PBS, as in 1-5");
}

/* Servers of the job, by the function that the job itself uses. */
static pt_status find_servers(const pt_request *r, const pt_config *c, int *servers)
{
    int n = r->nodes * r->ranks, *host = pt_calloc((size_t)n, sizeof *host), workers;
    char advice[96];

    if (!host) return pt_fail(PT_ERR_NOMEM, "no memory for %d ranks", n);
    for (int i = 0; i < n; i++) host[i] = i / r->ranks;
    *servers = pt_layout_servers(c->server, host, n);
    free(host);
    workers = n - *servers;
    pt_layout_advise(workers, (int)c->shards, advice, sizeof advice);
    if (workers < 1)
        return pt_fail(PT_ERR_USAGE,
                       "--nodes %d x --ranks-per-node %d: a run needs %d server%s and at "
                       "least 1 worker",
                       r->nodes, r->ranks, *servers, *servers == 1 ? "" : "s");
    if (workers > (int)c->shards)
        return pt_fail(PT_ERR_USAGE,
                       "--nodes %d x --ranks-per-node %d gives %d server%s and %d "
                       "workers for %u virtual shards: %s; --threads gives a worker more "
                       "cores",
                       r->nodes, r->ranks, *servers, *servers == 1 ? "" : "s", workers,
                       c->shards, advice);
    return PT_OK;
}

/* Of the node with the most workers; servers sleep while these compute. */
static int cores_of(const pt_request *r, const pt_config *c, int servers, int threads)
{
    bool spread = c->server->placement == PT__CONFIG__PLACEMENT__SPREAD;
    int here = spread ? servers / r->nodes : r->nodes == 1 ? servers : 0;

    return (r->ranks - here) * threads;
}

/* ---- the parts of a script -------------------------------------------------------- */

/* The file's name without folder and ending, as a job can be called: PBS takes 15
 * characters. */
static void name_job(const pt_request *r, char out[16])
{
    const char *base = strrchr(r->file, '/');
    size_t n;

    base = base ? base + 1 : r->file;
    n = strcspn(base, ".");
    if (n > 15) n = 15;
    for (size_t i = 0; i < n; i++)
        out[i] = isalnum((unsigned char)base[i]) || base[i] == '-' ? base[i] : '_';
    snprintf(out + n, 16 - n, "%s", n == 0 ? "ptrain" : "");
}

static void write_set(FILE *out, const char *key_and_value)
{
    fputs(" --set ", out);
    pt_batch_quote(out, key_and_value);
}

typedef struct {
    const pt_request *r;
    const pt_config *c;
    pt_batch b;
} job;

/* What each rank runs, in the words of the shell. */
static void print_command(const void *context, FILE *out)
{
    const job *j = context;
    const pt_request *r = j->r;
    const char *task = r->scheduler->task;

    pt_batch_quote(out, r->program);
    fputs(" train ", out);
    pt_batch_quote(out, r->file);
    for (size_t i = 0; i < r->n_sets; i++) write_set(out, r->sets[i]);
    if (r->threads > 0) fprintf(out, " --set engine.threads=%d", r->threads);
    if (!r->seeds) return;
    fprintf(out, " --set \"seed=$%s\" --set run.dir=", task);
    pt_batch_quote(out, j->c->run->dir);
    fprintf(out, "\"/seed-$%s\"", task);
}

/* Beside the script; %j and the like are the scheduler's. */
static void print_log(const void *context, FILE *out)
{
    const job *j = context;

    fprintf(out, "%s%s", j->b.name,
            j->r->seeds ? j->r->scheduler->task_log : j->r->scheduler->job_log);
}

static void print_script(const void *context, FILE *out)
{
    const job *j = context;

    j->r->scheduler->write(&j->b, out);
}

/* *script: malloc'd. */
static pt_status write_script(job *j, char **script)
{
    char *command = pt_batch_text(print_command, j);
    char *log = j->r->scheduler->job_log ? pt_batch_text(print_log, j) : NULL;
    pt_status s = PT_OK;

    j->b.command = command;
    j->b.output = log;
    s = pt_batch_check(&j->b);
    if (s == PT_OK && command) *script = pt_batch_text(print_script, j);
    if (s == PT_OK && !*script) s = pt_fail(PT_ERR_NOMEM, "no memory for a script");
    free(command);
    free(log);
    return s;
}

/* ---- the script ------------------------------------------------------------------- */

static void describe(const pt_request *r, int servers, int threads, char *out, size_t n)
{
    int workers = r->nodes * r->ranks - servers;

    snprintf(out, n,
             "Written by ptrain submit: %d node%s x %d ranks = %d server%s + %d worker%s "
             "x %d thread%s",
             r->nodes, r->nodes == 1 ? "" : "s", r->ranks, servers,
             servers == 1 ? "" : "s", workers, workers == 1 ? "" : "s", threads,
             threads == 1 ? "" : "s");
}

pt_status pt_request_write(const pt_request *r, const pt_config *c, char **script)
{
    int servers = 0, set = (int)c->engine->threads;
    int threads = r->threads > 0 ? r->threads : set > 0 ? set : 1;
    char name[16], about[160];
    job j = {.r = r,
             .c = c,
             .b = {.name = name,
                   .about = about,
                   .nodes = r->nodes,
                   .ranks = r->ranks,
                   .time = r->time,
                   .queue = r->queue,
                   .account = r->account,
                   .array = r->seeds,
                   .options = r->options,
                   .n_options = r->n_options,
                   .mpirun = r->mpirun}};
    pt_status s = check_time(r);

    *script = NULL;
    if (s == PT_OK) s = check_seeds(r);
    if (s == PT_OK) s = find_servers(r, c, &servers);
    if (s != PT_OK) return s;
    j.b.cores = cores_of(r, c, servers, threads);
    name_job(r, name);
    describe(r, servers, threads, about, sizeof about);
    return write_script(&j, script);
}
