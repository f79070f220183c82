#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/comm/launcher.h"
#include "launch/commands/commands.h"
#include "launch/scale/chart.h"
#include "launch/scale/series.h"
#include "launch/support/args.h"
#include "launch/sweep/queue.h"

typedef struct {
    pt_scale_request request;
    const char *workers, *dir;
    pt_words sets;
    int per_node;
    bool slurm, table;
} scale_args;

static pt_status check_args(const void *given)
{
    const scale_args *a = given;

    if (a->slurm && a->table)
        return pt_fail(PT_ERR_USAGE, "--slurm or --table, not both");
    if (a->per_node && !a->slurm)
        return pt_fail(PT_ERR_USAGE, "--per-node goes with --slurm");
    return PT_OK;
}

static bool read_args(int argc, char **argv, scale_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE.yaml", &a->request.config),
        PT_ARG_TEXT("workers", "N,N,...", &a->workers,
                    "Numbers of workers, one job each: 1,2,4,8", .required = true),
        PT_ARG_FLAG("weak", &a->request.weak,
                    "As many images per worker in every job (data.batch grows); without "
                    "it every job is the same run"),
        PT_ARG_TEXT("dir", "DIR", &a->dir,
                    "Directory of the series (default: runs/scale/FILE)"),
        PT_ARG_SET(&a->sets),
        PT_ARG_FLAG("slurm", &a->slurm,
                    "Write a batch script for each job that is not done; run nothing"),
        PT_ARG_NUMBER("per-node", "N", &a->per_node, 1, 10000,
                      "Workers on a node, with --slurm (default: 1)"),
        PT_ARG_FLAG("table", &a->table, "Only show what the finished jobs reached")};
    const pt_args args = {
        .command = "scale",
        .about = "Measures how fast a run becomes with more workers: the same run with "
                 "each number of workers, one after another. Jobs that are done are not "
                 "run again, interrupted ones are resumed.",
        .notes =
            "Of the bound: the shortest step that the workers' cores and the busiest "
            "link allow, divided by the measured one. All jobs of a series without "
            "--weak must have one weight hash; if not, the exit code is 1.",
        .example = "ptrain scale configs/scaling/caltech256.yaml --workers 1,2,4,8",
        PT_ARGS_TABLE(table),
        .check = check_args,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

/* "-" where a number is not known. */
static const char *shown(const char *format, double x, char out[32])
{
    if (isnan(x)) return "-";
    snprintf(out, 32, format, x);
    return out;
}

static void print_point(const pt_scale_point *p)
{
    char text[7][32];

    printf("%7d %8d %6d %10s %8s %10s %9s %9s %9s %9s %9.2f\n", p->of.workers,
           p->of.servers, p->of.batch, shown("%.1f", p->of.images_per_s, text[0]),
           shown("%.2f", p->speedup, text[1]),
           shown("%.1f", 100 * p->efficiency, text[2]),
           shown("%.1f", 100 * p->of_bound, text[3]), shown("%.3f", p->step_s, text[4]),
           shown("%.3f", p->of.exposed_s, text[5]), shown("%.3f", p->of.bound_s, text[6]),
           100 * p->of.accuracy);
}

/* DIR/strong.svg, or weak.svg. */
static pt_status draw(const pt_scale_request *r, const pt_scale_point *points, size_t n)
{
    char *path = NULL, *title = NULL;
    pt_status s;

    if (asprintf(&path, "%s/%s.svg", r->dir, pt_scale_name(r->weak)) < 0 ||
        asprintf(&title, "%s scaling of %s", r->weak ? "Weak" : "Strong", r->config) < 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for a picture");
    else
        s = pt_scale_draw(title, points, n, path);
    if (s == PT_OK) printf("%s shows it\n", path);
    free(path);
    free(title);
    return s;
}

static void print_table(const pt_scale_request *r, const pt_scale_point *points, size_t n)
{
    printf("%s scaling of %s\n%7s %8s %6s %10s %8s %10s %9s %9s %9s %9s %9s\n",
           pt_scale_name(r->weak), r->config, "workers", "servers", "batch", "images/s",
           "speedup", "efficiency", "of bound", "s/step", "exposed", "link", "accuracy");
    printf("%7s %8s %6s %10s %8s %10s %9s %9s %9s %9s %9s\n", "", "", "", "", "", "%",
           "%", "", "s/step", "s/step", "%");
    for (size_t i = 0; i < n; i++) print_point(&points[i]);
}

static pt_status show(const pt_scale_request *r, const pt_scale_measured *jobs, size_t n)
{
    pt_scale_point points[PT_SCALE_MAX_JOBS];
    pt_status s;

    pt_scale_points(jobs, n, points);
    print_table(r, points, n);
    if (isnan(jobs[0].images_per_s)) {
        printf("too few steps to be timed: a job needs two at least\n");
        s = PT_OK;
    } else {
        s = draw(r, points, n);
    }
    if (s != PT_OK || r->weak) return s;
    if (n > 1 && pt_scale_same_weights(jobs, n) == PT_OK)
        printf("the same weights from all %zu jobs: %.12s\n", n, jobs[0].hash);
    return pt_scale_same_weights(jobs, n);
}

/* Runs what is not done, unless only the table is wanted; then shows what is. */
static pt_status run_series(const scale_args *a, int *code)
{
    pt_scale_measured jobs[PT_SCALE_MAX_JOBS];
    pt_sweep *sweep = NULL;
    size_t n = 0;
    pt_status s = pt_scale_open(&a->request, &sweep);

    if (s == PT_OK && !a->table)
        *code = pt_sweep_run_all(sweep, (pt_sweep_jobs){.at_once = 1});
    if (s == PT_OK) s = pt_scale_collect(sweep, jobs, &n);
    if (s == PT_OK && n > 0) s = show(&a->request, jobs, n);
    if (s == PT_OK && n == 0 && *code == 0) pt_log_info("no job of this series is done");
    pt_sweep_destroy(&sweep);
    return s;
}

/* The directory of the series: as given, or runs/scale/NAME of NAME.yaml. */
static pt_status choose_dir(scale_args *a, char **own)
{
    const char *slash = strrchr(a->request.config, '/');
    const char *name = slash ? slash + 1 : a->request.config;
    const char *dot = strrchr(name, '.');

    a->request.dir = a->dir;
    if (a->dir) return PT_OK;
    if (asprintf(own, "runs/scale/%.*s", dot ? (int)(dot - name) : (int)strlen(name),
                 name) < 0)
        return pt_fail(PT_ERR_NOMEM, "no memory for a path");
    a->request.dir = *own;
    return PT_OK;
}

int pt_cmd_scale(int argc, char **argv)
{
    scale_args a = {0};
    char *dir = NULL;
    pt_status s;
    int code = 0;

    if (!read_args(argc, argv, &a, &code)) return code;
    a.request.sets = a.sets.list;
    a.request.n_sets = a.sets.n;
    s = choose_dir(&a, &dir);
    if (s == PT_OK) s = pt_scale_read_workers(a.workers, &a.request);
    if (s == PT_OK && pt_under_launcher())
        s = pt_fail(PT_ERR_USAGE,
                    "a series starts its jobs' ranks itself: run it without mpirun or "
                    "srun (--slurm writes batch scripts)");
    if (s == PT_OK && a.slurm)
        s = pt_scale_write_slurm(&a.request, a.per_node ? a.per_node : 1);
    else if (s == PT_OK)
        s = run_series(&a, &code);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_words_fini(&a.sets);
    free(dir);
    return s == PT_OK ? code : pt_status_exit_code(s);
}
