#include "launch/scale/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cores.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/run/layout.h"
#include "launch/report/finished_run.h"
#include "launch/sweep/slurm.h"
#include "launch/train/run_dir.h"

enum { MAX_WORKERS = 100000 };

pt_status pt_scale_read_workers(const char *text, pt_scale_request *r)
{
    const char *at = text;

    r->n = 0;
    do {
        char *end;
        long w = strtol(at, &end, 10);

        if (end == at || (*end && *end != ',') || w < 1 || w > MAX_WORKERS)
            return pt_fail(PT_ERR_USAGE,
                           "--workers %s: expected numbers from 1 to %d with commas "
                           "between them, as in 1,2,4,8",
                           text, MAX_WORKERS);
        if (r->n == PT_SCALE_MAX_JOBS)
            return pt_fail(PT_ERR_USAGE, "--workers: %d numbers at most",
                           PT_SCALE_MAX_JOBS);
        if (r->n > 0 && w <= r->workers[r->n - 1])
            return pt_fail(PT_ERR_USAGE,
                           "--workers %s: %ld comes after %d; they must rise", text, w,
                           r->workers[r->n - 1]);
        r->workers[r->n++] = (int)w;
        at = *end ? end + 1 : NULL;
    } while (at);
    return PT_OK;
}

/* Instead of auto, by which few workers would have more threads than many. */
static int equal_threads(int largest)
{
    int share = pt_cores_count() / largest;

    return share > 1 ? share : 1;
}

static pt_status jobs_of(const pt_scale_request *r, pt_scale_job jobs[PT_SCALE_MAX_JOBS])
{
    pt_config *c = NULL;
    pt_status s = pt_config_load(r->config, r->sets, r->n_sets, &c);
    int largest = r->workers[r->n - 1];
    int threads = s == PT_OK && c->engine->threads == 0 ? equal_threads(largest) : 0;
    char advice[96] = "";

    if (s == PT_OK) pt_layout_advise(largest, (int)c->shards, advice, sizeof advice);
    if (s == PT_OK && largest > (int)c->shards)
        s = pt_fail(PT_ERR_USAGE, "--workers: %d workers for %u virtual shards: %s",
                    largest, c->shards, advice);
    for (size_t i = 0; i < r->n && s == PT_OK; i++) {
        double batch = (double)c->data->batch * r->workers[i] / r->workers[0];

        jobs[i] = (pt_scale_job){.workers = r->workers[i], .threads = threads};
        if (r->weak) jobs[i].batch = (int)lround(batch);
    }
    pt_config_destroy(&c);
    return s;
}

static pt_status check_sets(const pt_scale_request *r, const pt_sweep *s)
{
    for (size_t i = 0; i < s->n; i++)
        if ((int)s->runs[i].config->engine->workers != r->workers[i])
            return pt_fail(PT_ERR_USAGE,
                           "--set engine.workers=%u: the series sets it (--workers)",
                           s->runs[i].config->engine->workers);
    return PT_OK;
}

/* DIR/NAME.yaml for jobs [n], written and opened. */
static pt_status open_table(const pt_scale_request *r, const char *name,
                            const pt_scale_job *jobs, size_t n, pt_sweep **out)
{
    char *config = realpath(r->config, NULL), *path = NULL;
    pt_status s = PT_OK;

    *out = NULL;
    if (!config)
        s = pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", r->config, strerror(errno));
    else if (asprintf(&path, "%s/%s.yaml", r->dir, name) < 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for a path");
    if (s == PT_OK) s = pt_scale_write_table(path, r->dir, r->weak, config, jobs, n);
    if (s == PT_OK) s = pt_sweep_create(path, r->sets, r->n_sets, NULL, out);
    free(config);
    free(path);
    return s;
}

pt_status pt_scale_open(const pt_scale_request *r, pt_sweep **out)
{
    pt_scale_job jobs[PT_SCALE_MAX_JOBS];
    pt_status s = jobs_of(r, jobs);

    *out = NULL;
    if (s == PT_OK) s = open_table(r, pt_scale_name(r->weak), jobs, r->n, out);
    if (s == PT_OK) s = check_sets(r, *out);
    if (s != PT_OK) pt_sweep_destroy(out);
    return s;
}

/* ---- what they reached ------------------------------------------------------------- */

/* NAN where there is none, or 0: nothing was timed. */
static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    double x = json_is_number(v) ? json_number_value(v) : 0;

    return x > 0 ? x : NAN;
}

static pt_status read_run(const pt_sweep_run *r, pt_scale_measured *out)
{
    json_t *result = NULL;
    const json_t *c;
    pt_status s = pt_run_dir_read_json(r->dir, "result.json", &result);

    c = json_object_get(result, "communication");
    *out = (pt_scale_measured){.workers = (int)r->config->engine->workers,
                               .servers = pt_finished_run_ranks(r->dir, "server"),
                               .batch = (int)r->config->data->batch,
                               .images_per_s = number(result, "images_per_s"),
                               .exposed_s = number(c, "exposed_s"),
                               .bound_s = number(c, "bound_s"),
                               .accuracy = r->accuracy};
    snprintf(out->hash, sizeof out->hash, "%s",
             s == PT_OK ? json_string_value(json_object_get(result, "weight_hash")) : "");
    json_decref(result);
    return s;
}

pt_status pt_scale_collect(const pt_sweep *s, pt_scale_measured *out, size_t *n)
{
    pt_status st = PT_OK;

    *n = 0;
    for (size_t i = 0; i < s->n && st == PT_OK; i++) {
        if (s->runs[i].state != PT_SWEEP_DONE) continue;
        st = read_run(&s->runs[i], &out[*n]);
        if (st == PT_OK) ++*n;
    }
    return st;
}

/* ---- Slurm ------------------------------------------------------------------------- */

static pt_status write_script(const pt_scale_request *r, pt_scale_job *job, int per_node)
{
    pt_sweep *sweep = NULL;
    char name[64], *script = NULL;
    size_t n = 0;
    pt_status s;

    if (job->threads > 0) job->threads = 1; /* nothing is known of the nodes' cores */
    job->nodes = (job->workers + per_node - 1) / per_node;
    job->ranks = job->workers + job->nodes;
    snprintf(name, sizeof name, "%s-w%d", pt_scale_name(r->weak), job->workers);
    s = open_table(r, name, job, 1, &sweep);
    if (s == PT_OK && asprintf(&script, "%s/%s.sbatch", r->dir, name) < 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for a path");
    if (s == PT_OK) s = pt_sweep_write_slurm(sweep, script, &n);
    if (s == PT_OK)
        pt_log_info(n > 0 ? "sbatch %s" : "%s is done: nothing to submit",
                    n > 0 ? script : name);
    free(script);
    pt_sweep_destroy(&sweep);
    return s;
}

pt_status pt_scale_write_slurm(const pt_scale_request *r, int per_node)
{
    pt_scale_job jobs[PT_SCALE_MAX_JOBS];
    pt_status s = jobs_of(r, jobs);

    for (size_t i = 0; i < r->n && s == PT_OK; i++)
        s = write_script(r, &jobs[i], per_node);
    return s;
}
