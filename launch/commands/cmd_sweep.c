#include "launch/commands/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/comm/launcher.h"
#include "launch/support/agree.h"
#include "launch/support/args.h"
#include "launch/support/mpirun.h"
#include "launch/sweep/in_job.h"
#include "launch/sweep/queue.h"
#include "launch/sweep/slurm.h"

typedef struct {
    const char *file, *slurm;
    pt_words only, sets;
    pt_sweep_jobs jobs;
    bool list, dry_run, submit, in_job;
} sweep_args;

static pt_status check_args(const void *given)
{
    const sweep_args *a = given;

    if (a->only.n > 1)
        return pt_fail(
            PT_ERR_USAGE,
            "--only may be given once: a pattern selects several runs, as in 'R*'");
    if (a->submit && !a->slurm)
        return pt_fail(PT_ERR_USAGE, "--submit needs --slurm SCRIPT");
    if ((a->list || a->dry_run) && a->slurm)
        return pt_fail(PT_ERR_USAGE, "--list or --slurm, not both");
    if (a->in_job && (a->list || a->dry_run || a->slurm || a->jobs.workers))
        return pt_fail(PT_ERR_USAGE, "--in-job goes with --only, --set and --jobs alone");
    if (a->slurm && (a->jobs.workers || a->jobs.at_once > 1))
        return pt_fail(PT_ERR_USAGE, "with --slurm the table sets the number of ranks: "
                                     "slurm: {ntasks: 3, at_once: 2}");
    return PT_OK;
}

static const char form[] =
    "A table:\n"
    "  dir: runs/flowers         # runs go to runs/flowers/ROW/seed-N\n"
    "  config: [flowers17.yaml]  # of all runs; paths relative to the table\n"
    "  seeds: [1-5]              # numbers and ranges\n"
    "  rows:\n"
    "    - {name: plain, set: [pseudo_task.loss=none]}\n"
    "    - {name: sml1, config: [method/ptr_sml1.yaml]}\n"
    "  slurm: {ntasks: 3, at_once: 2, options: [--time=04:00:00]}  # for --slurm\n\n"
    "With `axes: [{of: [...]}, {of: [...]}]` instead of rows there is one run per "
    "combination of one entry from every axis. The exit code is 1 if a run failed, 75 if "
    "one was "
    "interrupted.";

static bool read_args(int argc, char **argv, sweep_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_OPERAND("TABLE.yaml", &a->file),
        PT_ARG_FLAG("list", &a->list, "List the runs and which are done; run nothing"),
        PT_ARG_FLAG("dry-run", &a->dry_run, "Like --list, with the command of each run"),
        PT_ARG_WORDS(
            "only", "NAME", &a->only,
            "Only runs of this name: ROW, ROW/seed-N, or a pattern with * and ?"),
        PT_ARG_SET(&a->sets),
        PT_ARG_NUMBER("jobs", "N", &a->jobs.at_once, 1, PT_SWEEP_MAX_JOBS,
                      "Run N runs at a time (default: 1)"),
        PT_ARG_NUMBER("workers", "N", &a->jobs.workers, 1, 100000,
                      "Workers of each run (default: cores / jobs, or engine.workers)"),
        PT_ARG_TEXT(
            "slurm", "SCRIPT", &a->slurm,
            "Write a Slurm array job for the runs that are not done; run nothing"),
        PT_ARG_FLAG("submit", &a->submit, "Pass the script of --slurm to sbatch"),
        PT_ARG_FLAG("in-job", &a->in_job,
                    "Under mpirun or srun: divide the ranks into --jobs groups (default: "
                    "one per run), each with one run at a time")};
    const pt_args args = {
        .command = "sweep",
        .about = "Runs a table of experiments, each row with each seed. Runs that are "
                 "done are skipped, interrupted ones are resumed.",
        .notes = form,
        .example = "ptrain sweep table.yaml --only 'sml1/*' --jobs 2",
        PT_ARGS_TABLE(table),
        .check = check_args,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

static void list(const pt_sweep *s, const sweep_args *a)
{
    static const char *const states[] = {"new", "unfinished", "done"};

    for (size_t i = 0; i < s->n; i++) {
        const pt_sweep_run *r = &s->runs[i];
        int workers = pt_sweep_workers(r, &a->jobs);
        char accuracy[PT_SWEEP_ACCURACY];

        printf("%-10s %s", states[r->state], r->dir);
        if (r->state == PT_SWEEP_DONE) printf("  %s", pt_sweep_accuracy(r, accuracy));
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

/* Becomes sbatch; returns only if that fails. */
static pt_status submit(const char *path)
{
    fflush(NULL);
    execlp("sbatch", "sbatch", path, (char *)NULL);
    return pt_fail(PT_ERR_IO, "sbatch cannot be started: %s; %s has been written",
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

/* What --in-job needs to train a run. */
typedef struct {
    int argc;
    char **argv;
} command_line;

static pt_status train(void *context, const char *config)
{
    const command_line *c = context;
    const pt_train_args args = {.file = config, .argc = c->argc, .argv = c->argv};

    return pt_train_in_job(&args);
}

static int run_in_job(const sweep_args *a, int argc, char **argv)
{
    command_line line = {argc, argv};
    pt_sweep *sweep = NULL;
    pt_status s = PT_OK;

    if (!pt_under_launcher()) {
        s = pt_fail(
            PT_ERR_USAGE,
            "--in-job divides the ranks of a job: start it with mpirun or srun, as "
            "in mpirun -n 6 ptrain sweep %s --in-job",
            a->file);
        pt_log_error(pt_fail_text());
        return pt_status_exit_code(s);
    }
    s = pt_job_start(&argc, &argv);
    if (s == PT_OK) s = pt_agree_on_program(argc, argv);
    if (s == PT_OK)
        s = pt_job_agree(pt_sweep_create(a->file, a->sets.list, a->sets.n,
                                         a->only.n ? a->only.list[0] : NULL, &sweep));
    if (s == PT_OK) s = pt_sweep_run_in_job(sweep, a->jobs.at_once, train, &line);
    pt_sweep_destroy(&sweep);
    return pt_job_end(s);
}

int pt_cmd_sweep(int argc, char **argv)
{
    sweep_args a = {0};
    pt_sweep *sweep = NULL;
    pt_status s;
    int code = 0;

    if (!read_args(argc, argv, &a, &code)) return code;
    a.list |= a.dry_run;
    if (a.in_job) return run_in_job(&a, argc, argv);
    if (a.jobs.at_once == 0) a.jobs.at_once = 1;
    s = pt_sweep_create(a.file, a.sets.list, a.sets.n, a.only.n ? a.only.list[0] : NULL,
                        &sweep);
    if (s == PT_OK && a.list)
        list(sweep, &a);
    else if (s == PT_OK && a.slurm)
        s = write_slurm(sweep, &a);
    else if (s == PT_OK && pt_under_launcher())
        s = pt_fail(PT_ERR_USAGE, "a sweep starts its runs' ranks itself: run it without "
                                  "mpirun or srun, or with "
                                  "--in-job");
    else if (s == PT_OK)
        code = pt_sweep_run_all(sweep, a.jobs);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_sweep_destroy(&sweep);
    pt_words_fini(&a.only);
    pt_words_fini(&a.sets);
    return s == PT_OK ? code : pt_status_exit_code(s);
}
