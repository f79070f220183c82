#include "launch/commands/cmd_sweep.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"
#include "launch/sweep/queue.h"
#include "launch/sweep/slurm.h"

enum {
    OPT_SET = 256,
    OPT_WORKERS,
    OPT_ONLY,
    OPT_LIST,
    OPT_DRY_RUN,
    OPT_JOBS,
    OPT_SLURM,
    OPT_SUBMIT
};

typedef struct {
    const char *file, *only, *slurm;
    const char **sets;
    size_t n_sets;
    pt_sweep_jobs jobs;
    bool list, dry_run, submit;
} sweep_args;

static const struct argp_option options[] = {
    {"set", OPT_SET, "KEY=VALUE", 0,
     "Override a key of the configuration in every run (repeatable)", 0},
    {"only", OPT_ONLY, "NAME", 0,
     "Only runs of this name: ROW, ROW/seed-N, or a pattern with * and ?", 0},
    {"list", OPT_LIST, 0, 0, "Print the runs and which are done; run nothing", 0},
    {"dry-run", OPT_DRY_RUN, 0, 0, "As --list, with the command of each run", 0},
    {"workers", OPT_WORKERS, "N", 0,
     "Workers of each run (default: cores / jobs, or engine.workers)", 0},
    {"jobs", OPT_JOBS, "N", 0, "Keep N runs going at the same time (default: 1)", 0},
    {"slurm", OPT_SLURM, "SCRIPT", 0,
     "Write a Slurm array job for the runs that are not done; run nothing", 0},
    {"submit", OPT_SUBMIT, 0, 0, "Hand the script of --slurm to sbatch", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    sweep_args *a = state->input;

    switch (key) {
    case OPT_SET:
        a->sets[a->n_sets++] = arg;
        return 0;
    case OPT_ONLY:
        if (a->only) argp_error(state, "--only once: a pattern takes several, as 'R*'");
        a->only = arg;
        return 0;
    case OPT_LIST:
        a->list = true;
        return 0;
    case OPT_SLURM:
        a->slurm = arg;
        return 0;
    case OPT_WORKERS:
        a->jobs.workers = pt_args_count("--workers", arg, 1, 100000, state);
        return 0;
    case OPT_JOBS:
        a->jobs.at_once = pt_args_count("--jobs", arg, 1, PT_SWEEP_MAX_JOBS, state);
        return 0;
    case OPT_DRY_RUN:
        a->list = a->dry_run = true;
        return 0;
    case OPT_SUBMIT:
        a->submit = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file) argp_error(state, "one table, not '%s' too", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which table?");
        return 0;
    case ARGP_KEY_END:
        if (a->submit && !a->slurm) argp_error(state, "--submit wants --slurm SCRIPT");
        if (a->list && a->slurm) argp_error(state, "--list or --slurm, not both");
        if (a->slurm && (a->jobs.workers || a->jobs.at_once > 1))
            argp_error(state, "with --slurm the table says how many: slurm: {ntasks: 3, "
                              "at_once: 2}");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse_option,
    "TABLE.yaml",
    "Runs a table of experiments (its form stands below): each row with each seed. What "
    "is done is left out, what was interrupted goes on.\v"
    "  dir: runs/flowers         # runs go to runs/flowers/ROW/seed-N\n"
    "  config: [flowers17.yaml]  # of all runs; paths relative to the table\n"
    "  seeds: [1-5]              # numbers and ranges\n"
    "  rows:\n"
    "    - {name: plain, set: [pseudo_task.loss=none]}\n"
    "    - {name: sml1, config: [method/ptr_sml1.yaml]}\n"
    "  slurm: {ntasks: 3, at_once: 2, options: [--time=04:00:00]}  # for --slurm\n\n"
    "With `axes: [{of: [...]}, {of: [...]}]` in the place of rows there is a run for "
    "each way to take one entry of every axis. Ends with 1 where a run failed, with 75 "
    "where it was interrupted.",
    NULL,
    NULL,
    NULL};

static void list(const pt_sweep *s, const sweep_args *a)
{
    static const char *const states[] = {"new", "unfinished", "done"};

    for (size_t i = 0; i < s->n; i++) {
        const pt_sweep_run *r = &s->runs[i];
        int workers = pt_sweep_workers(r, &a->jobs);

        printf("%-10s %s", states[r->state], r->dir);
        if (r->state == PT_SWEEP_DONE) printf("  %.2f %%", 100 * r->accuracy);
        printf("\n");
        if (!a->dry_run || r->state == PT_SWEEP_DONE) continue;
        printf("%-10s ptrain train %s.yaml", "", r->dir);
        if (workers > 0) printf(" --workers %d", workers);
        printf("\n");
    }
    if (a->dry_run)
        printf(
            "The .yaml of a run, its whole configuration, is written when it starts.\n");
}

/* Becomes sbatch; returns only where that fails. */
static pt_status submit(const char *path)
{
    fflush(NULL);
    execlp("sbatch", "sbatch", path, (char *)NULL);
    return pt_fail(PT_ERR_IO, "sbatch cannot be started: %s; %s is written",
                   strerror(errno), path);
}

static pt_status write_slurm(const pt_sweep *s, const sweep_args *a)
{
    size_t n;
    pt_status st = pt_sweep_write_slurm(s, a->slurm, &n);

    if (st != PT_OK) return st;
    if (n == 0)
        pt_log_info("all %zu runs are done", s->n);
    else if (a->submit)
        pt_log_info("%s: %zu of %zu runs", a->slurm, n, s->n);
    else
        pt_log_info("%s: %zu of %zu runs; submit it: sbatch %s", a->slurm, n, s->n,
                    a->slurm);
    return n > 0 && a->submit ? submit(a->slurm) : PT_OK;
}

int pt_cmd_sweep(int argc, char **argv)
{
    sweep_args a = {.jobs = {.at_once = 1}};
    pt_sweep *sweep = NULL;
    pt_status s;
    int code = 0;

    a.sets = calloc((size_t)argc, sizeof *a.sets);
    if (!a.sets) return 1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    s = pt_sweep_create(a.file, a.sets, a.n_sets, a.only, &sweep);
    if (s == PT_OK && a.list)
        list(sweep, &a);
    else if (s == PT_OK && a.slurm)
        s = write_slurm(sweep, &a);
    else if (s == PT_OK && pt_under_launcher())
        s = pt_fail(PT_ERR_USAGE, "a sweep starts its runs' ranks itself: without mpirun "
                                  "or srun");
    else if (s == PT_OK)
        code = pt_sweep_run_all(sweep, a.jobs);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_sweep_destroy(&sweep);
    free(a.sets);
    return s == PT_OK ? code : pt_status_exit_code(s);
}
