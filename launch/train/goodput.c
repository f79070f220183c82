#include "launch/train/goodput.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/train/metrics.h"
#include "launch/train/run_dir.h"

#define JOBS "jobs.json"

static double number_of(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

static json_t *last_of(const pt_jobs *j)
{
    size_t n = json_array_size(j->jobs);

    return n > 0 ? json_array_get(j->jobs, n - 1) : NULL;
}

static void set(json_t *o, const char *name, double x)
{
    json_object_set_new(o, name, pt_metrics_number(x));
}

/* When metrics.jsonl was written last; 0: there is none. */
static double last_step(const char *dir)
{
    char *path = pt_file_path(dir, "metrics.jsonl");
    struct stat st;
    bool found = path && stat(path, &st) == 0;

    free(path);
    return found ? (double)st.st_mtim.tv_sec + 1e-9 * (double)st.st_mtim.tv_nsec : 0;
}

static void write_jobs(const pt_jobs *j)
{
    if (pt_run_dir_write_json(j->dir, JOBS, json_incref(j->jobs)) != PT_OK)
        pt_log_warn("%s; the goodput of this run will not be known", pt_fail_text());
}

/* Ends a job that could not do so itself. */
static void close_last(const pt_jobs *j)
{
    json_t *last = last_of(j);
    double s = last_step(j->dir) - number_of(last, "started");

    if (last && !json_is_number(json_object_get(last, "seconds")))
        set(last, "seconds", s > 0 ? s : 0);
}

pt_status pt_jobs_open(const char *dir, double started, double earlier_s, pt_jobs *out)
{
    json_t *jobs = NULL;

    *out = (pt_jobs){.dir = dir, .started = started > 0 ? started : pt_date()};
    if (pt_run_dir_has(dir, JOBS) && pt_run_dir_read_json(dir, JOBS, &jobs) != PT_OK)
        pt_log_warn("%s; the jobs before this one do not count", pt_fail_text());
    out->jobs = json_is_array(jobs) ? json_incref(jobs) : json_array();
    json_decref(jobs);
    if (!out->jobs) return pt_fail(PT_ERR_NOMEM, "no memory for the list of jobs");
    if (json_array_size(out->jobs) == 0 && earlier_s > 0)
        json_array_append_new(out->jobs,
                              json_pack("{s:n, s:f}", "started", "seconds", earlier_s));
    close_last(out);
    return PT_OK;
}

void pt_jobs_fini(pt_jobs *j)
{
    json_decref(j->jobs);
    *j = (pt_jobs){0};
}

void pt_jobs_begin(pt_jobs *j, uint64_t lost_steps, double lost_s)
{
    json_t *last = last_of(j);

    if (last && lost_steps > 0) {
        json_object_set_new(last, "lost_steps", json_integer((json_int_t)lost_steps));
        set(last, "lost_s", lost_s);
    }
    json_array_append_new(j->jobs,
                          json_pack("{s:f, s:n}", "started", j->started, "seconds"));
    write_jobs(j);
}

void pt_jobs_end(pt_jobs *j)
{
    set(last_of(j), "seconds", pt_date() - j->started);
    write_jobs(j);
}

pt_goodput pt_goodput_of(const pt_jobs *j, double kept)
{
    pt_goodput g = {.kept = kept, .jobs = (int)json_array_size(j->jobs)};
    const json_t *one;
    size_t i;

    json_array_foreach(j->jobs, i, one)
    {
        g.all += number_of(one, "seconds");
        g.lost += number_of(one, "lost_s");
        g.lost_steps += (uint64_t)number_of(one, "lost_steps");
    }
    if (!json_is_number(json_object_get(last_of(j), "seconds")))
        g.all += pt_date() - j->started;
    return g;
}

void pt_goodput_say(const pt_goodput *g)
{
    char jobs[32] = "", lost[96] = "";

    if (g->kept <= 0 || g->all <= 0) return;
    if (g->jobs > 1) snprintf(jobs, sizeof jobs, " in %d jobs", g->jobs);
    if (g->lost_steps > 0)
        snprintf(lost, sizeof lost, "; %llu step%s (%.1f s) had to be done again",
                 (unsigned long long)g->lost_steps, g->lost_steps == 1 ? "" : "s",
                 g->lost);
    pt_log_info("goodput %.1f %%: of %.1f s%s, %.1f s became steps that were kept%s",
                100 * g->kept / g->all, g->all, jobs, g->kept, lost);
}

json_t *pt_goodput_json(const pt_goodput *g)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:i}", "share",
                     pt_metrics_number(g->all > 0 ? g->kept / g->all : 0), "seconds",
                     pt_metrics_number(g->all), "kept_s", pt_metrics_number(g->kept),
                     "lost_s", pt_metrics_number(g->lost), "lost_steps",
                     (json_int_t)g->lost_steps, "jobs", g->jobs);
}
