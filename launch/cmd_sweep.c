#include "launch/cmd_sweep.h"

#include <argp.h>
#include <stdlib.h>

#include "common/log.h"
#include "launch/sweep/queue.h"
#include "launch/sweep/slurm.h"

enum { OPT_SET = 256, OPT_WORKERS, OPT_ONLY, OPT_LIST, OPT_SLURM };

typedef struct {
    const char *file, *only, *slurm;
    const char **sets;
    size_t n_sets;
    int workers;
    bool list;
} sweep_args;

static const struct argp_option options[] = {
    {"set", OPT_SET, "KEY=VALUE", 0,
     "Override a key of the configuration in every run (repeatable)", 0},
    {"only", OPT_ONLY, "NAME", 0,
     "Only runs of this name: ROW, ROW/seed-N, or a pattern with * and ?", 0},
    {"list", OPT_LIST, 0, 0, "Print the runs and which are done; run nothing", 0},
    {"workers", OPT_WORKERS, "N", 0, "Workers of each run (default: one per core)", 0},
    {"slurm", OPT_SLURM, "SCRIPT", 0,
     "Write a Slurm array job for the runs that are not done; run nothing", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    sweep_args *a = state->input;
    char *end;
    long n;

    switch (key) {
    case OPT_SET:
        a->sets[a->n_sets++] = arg;
        return 0;
    case OPT_ONLY:
        a->only = arg;
        return 0;
    case OPT_LIST:
        a->list = true;
        return 0;
    case OPT_SLURM:
        a->slurm = arg;
        return 0;
    case OPT_WORKERS:
        n = strtol(arg, &end, 10);
        if (*end || n < 1 || n > 100000)
            argp_error(state, "--workers: '%s' is not a count", arg);
        a->workers = (int)n;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file) argp_error(state, "one table, not '%s' too", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which table?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse_option,
    "TABLE.yaml",
    "Runs a table of experiments (its form stands below): each row with each seed; what "
    "is "
    "done is left out, what was interrupted goes on.\v"
    "  dir: runs/flowers         # runs go to runs/flowers/ROW/seed-N\n"
    "  config: [flowers17.yaml]  # of all runs; paths relative to the table\n"
    "  seeds: [1, 2, 3]\n"
    "  rows:\n"
    "    - {name: plain, set: [pseudo_task.loss=none]}\n"
    "    - {name: sml1, config: [method/ptr_sml1.yaml]}\n"
    "With `axes: [{of: [...]}, {of: [...]}]` in the place of rows there is a run for "
    "each "
    "way to take one entry of every axis.",
    NULL,
    NULL,
    NULL};

static void list(const pt_sweep *s)
{
    static const char *const states[] = {"new", "unfinished", "done"};

    for (size_t i = 0; i < s->n; i++) {
        const pt_sweep_run *r = &s->runs[i];

        printf("%-10s %s", states[r->state], r->dir);
        if (r->state == PT_SWEEP_DONE) printf("  %.2f %%", 100 * r->accuracy);
        printf("\n");
    }
}

static pt_status write_slurm(const pt_sweep *s, const char *path)
{
    size_t n;
    pt_status st = pt_sweep_write_slurm(s, path, &n);

    if (st == PT_OK && n == 0) pt_log_info("all %zu runs are done", s->n);
    if (st == PT_OK && n > 0)
        pt_log_info("%s: %zu of %zu runs; submit it: sbatch %s", path, n, s->n, path);
    return st;
}

int pt_cmd_sweep(int argc, char **argv)
{
    sweep_args a = {0};
    pt_sweep *sweep = NULL;
    pt_status s;
    int code = 0;

    a.sets = calloc((size_t)argc, sizeof *a.sets);
    if (!a.sets) return 1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    s = pt_sweep_create(a.file, a.sets, a.n_sets, a.only, &sweep);
    if (s == PT_OK && a.list)
        list(sweep);
    else if (s == PT_OK && a.slurm)
        s = write_slurm(sweep, a.slurm);
    else if (s == PT_OK)
        code = pt_sweep_run_all(sweep, a.workers);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_sweep_destroy(&sweep);
    free(a.sets);
    return s == PT_OK ? code : pt_status_exit_code(s);
}
