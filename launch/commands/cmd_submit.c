#include "launch/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/program.h"
#include "common/comm/launcher.h"
#include "launch/submit/request.h"
#include "launch/support/args.h"

typedef struct {
    pt_request r;
    pt_words sets, options;
    bool print, pbs;
} submit_args;

static pt_status check_args(const void *given)
{
    if (pt_under_launcher())
        return pt_fail(PT_ERR_USAGE,
                       "this writes a job and is no part of one: run it without mpirun "
                       "or srun");
    return ((const submit_args *)given)->r.program[0]
               ? PT_OK
               : pt_fail(PT_ERR_USAGE, "--program is empty");
}

static const char form[] =
    "The job is asked to stop two minutes before its time limit (SIGUSR1), writes a "
    "checkpoint, ends with code 75 and is queued again: a run may be longer than the "
    "limit. It runs in the directory where it is submitted. Ranks are the servers and "
    "the workers; --print and `ptrain train FILE --dry-run` show how many are which. "
    "--option passes on what this command has no option for, as in "
    "--option=--mem=64G.";

static bool read_args(int argc, char **argv, submit_args *a, int *code)
{
    pt_request *r = &a->r;
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE.yaml", &r->file),
        PT_ARG_FLAG("print", &a->print, "Print the script; submit nothing"),
        PT_ARG_FLAG("pbs", &a->pbs, "For PBS (qsub), not Slurm (sbatch)"),
        PT_ARG_NUMBER("nodes", "N", &r->nodes, 1, 10000, "Nodes (default: 1)"),
        PT_ARG_NUMBER("ranks-per-node", "N", &r->ranks, 1, 1000,
                      "Ranks on each node, servers included (default: 2)"),
        PT_ARG_NUMBER(
            "threads", "N", &r->threads, 1, 256,
            "Threads of a worker, a core for each (default: engine.threads, or 1)"),
        PT_ARG_TEXT("time", "H:MM:SS", &r->time, "Time limit"),
        PT_ARG_TEXT("partition", "NAME", &r->queue, "Slurm's partition, PBS's queue"),
        PT_ARG_TEXT("account", "NAME", &r->account, "Account that is charged"),
        PT_ARG_TEXT("seeds", "LIST", &r->seeds,
                    "An array job: a run for each seed, as in 1-5, in run.dir/seed-N"),
        PT_ARG_FLAG("mpirun", &r->mpirun,
                    "Start ranks with mpirun, where Slurm has no PMIx (PBS: always)"),
        PT_ARG_WORDS("option", "TEXT", &a->options,
                     "A further #SBATCH or #PBS line (repeatable)"),
        PT_ARG_TEXT("program", "PATH", &r->program,
                    "ptrain on the nodes (default: this one)"),
        PT_ARG_SET(&a->sets)};
    const pt_args args = {
        .command = "submit",
        .about =
            "Writes a batch script that trains as FILE.yaml describes, and passes it "
            "to sbatch or qsub.",
        .notes = form,
        .example = "ptrain submit my.yaml --nodes 4 --threads 16 --time 4:00:00 --print",
        PT_ARGS_TABLE(table),
        .check = check_args,
        .given = a};

    return pt_args_read(&args, argc, argv, code);
}

static pt_status submit(const submit_args *a, const char *script)
{
    const char *const array[] = {"-J", a->r.seeds, NULL};

    return pt_batch_submit(a->r.scheduler, a->pbs && a->r.seeds ? array : NULL, script);
}

static pt_status write_job(submit_args *a)
{
    pt_request *r = &a->r;
    pt_config *c = NULL;
    char *script = NULL;
    pt_status s;

    r->scheduler = a->pbs ? &pt_pbs : &pt_slurm;
    r->sets = a->sets.list;
    r->n_sets = a->sets.n;
    r->options = a->options.list;
    r->n_options = a->options.n;
    s = pt_config_load(r->file, r->sets, r->n_sets, &c);
    if (s == PT_OK) s = pt_config_check_train(c);
    if (s == PT_OK) s = pt_request_write(r, c, &script);
    if (s == PT_OK && a->print)
        pt_log_out(script, strlen(script));
    else if (s == PT_OK)
        s = submit(a, script);
    free(script);
    pt_config_destroy(&c);
    return s;
}

int pt_cmd_submit(int argc, char **argv)
{
    char self[4096];
    submit_args a = {.r = {.nodes = 1, .ranks = 2, .program = self}};
    pt_status s;
    int code;

    if (!read_args(argc, argv, &a, &code)) return code;
    s = pt_program_path(self, sizeof self);
    if (s == PT_OK) s = write_job(&a);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_words_fini(&a.sets);
    pt_words_fini(&a.options);
    return pt_status_exit_code(s);
}
