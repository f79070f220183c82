#include "launch/submit/batch.h"

static void option(FILE *out, const char *name, const char *value)
{
    if (value) fprintf(out, "#PBS -%s %s\n", name, value);
}

static void write_directives(const pt_batch *b, FILE *out)
{
    int cores = b->cores > 0 ? b->cores : b->ranks;

    option(out, "N", b->name);
    fprintf(out, "#PBS -l select=%d:ncpus=%d:mpiprocs=%d\n#PBS -l place=scatter\n",
            b->nodes, cores, b->ranks);
    if (b->time) fprintf(out, "#PBS -l walltime=%s\n", b->time);
    option(out, "q", b->queue);
    option(out, "A", b->account);
    fputs("#PBS -r y\n#PBS -j oe\n", out);
    option(out, "o", b->output);
    for (size_t i = 0; i < b->n_options; i++) fprintf(out, "#PBS %s\n", b->options[i]);
}

/* PBS has no signal before the time limit: timeout sends it. qsig reaches every process
 * of the job, so that bash must not die of it. */
static void write_start(const pt_batch *b, FILE *out)
{
    int seconds = pt_batch_seconds(b->time);

    fputs("trap : USR1\n", out);
    if (seconds > PT_BATCH_NOTICE_S)
        fprintf(out, "timeout --preserve-status --signal=USR1 %d ",
                seconds - PT_BATCH_NOTICE_S);
    fprintf(out, "mpirun --hostfile \"$PBS_NODEFILE\" --bind-to none -n %d %s\ncode=$?\n",
            b->nodes * b->ranks, b->command);
}

/* A task of an array that comes back is a job of its own, which gets its number with -v.
 */
static void write_script(const pt_batch *b, FILE *out)
{
    fputs("#!/bin/bash\n", out);
    write_directives(b, out);
    if (b->about) fprintf(out, "# %s\n", b->about);
    if (b->array)
        fprintf(out, "# Submit it as an array: qsub -J %s THIS_FILE\n", b->array);
    fputs("cd \"${PBS_O_WORKDIR:?is not set: start this with qsub}\" || exit 1\n", out);
    if (b->array) fputs("task=${task:-$PBS_ARRAY_INDEX}\n", out);
    if (b->lines) fputs(b->lines, out);
    write_start(b, out);
    fprintf(out,
            "if [ \"$code\" = 75 ]; then # stopped, with a checkpoint: the same again\n"
            "    qsub %s\"$0\"\n"
            "fi\n"
            "exit \"$code\"\n",
            b->array ? "-v task=\"$task\" " : "");
}

const pt_scheduler pt_pbs = {.name = "PBS",
                             .submit = "qsub",
                             .task = "task",
                             .job_log = NULL, /* NAME.oJOB, in the directory of qsub */
                             .write = write_script};
