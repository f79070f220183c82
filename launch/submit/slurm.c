#include "launch/submit/batch.h"

static void option(FILE *out, const char *name, const char *value)
{
    if (value) fprintf(out, "#SBATCH --%s=%s\n", name, value);
}

static void write_layout(const pt_batch *b, FILE *out)
{
    if (b->nodes > 0)
        fprintf(out, "#SBATCH --nodes=%d\n#SBATCH --ntasks-per-node=%d\n", b->nodes,
                b->ranks);
    else
        fprintf(out, "#SBATCH --ntasks=%d\n", b->ranks);
    if (b->cores > 0)
        fprintf(out, "#SBATCH --cpus-per-task=%d\n",
                (b->cores + b->ranks - 1) / b->ranks);
}

/* USR1 goes to the ranks; to the script itself (B:) where that has to pass it on. */
static void write_directives(const pt_batch *b, FILE *out)
{
    option(out, "job-name", b->name);
    option(out, "array", b->array);
    write_layout(b, out);
    option(out, "time", b->time);
    option(out, "partition", b->queue);
    option(out, "account", b->account);
    fprintf(out, "#SBATCH --signal=%sUSR1@%d\n", b->mpirun ? "B:" : "",
            PT_BATCH_NOTICE_S);
    fputs("#SBATCH --requeue\n#SBATCH --open-mode=append\n", out);
    if (b->output) fprintf(out, "#SBATCH --output=\"%s\"\n", b->output);
    for (size_t i = 0; i < b->n_options; i++) fprintf(out, "#SBATCH %s\n", b->options[i]);
}

/* --cpu-bind=none: a server sleeps, so that workers may have its cores. --wait: if a rank
 * is killed, srun ends the others too, but not those that are about to end with 75. srun
 * does not take --cpus-per-task from the job by itself. */
static void write_srun(const pt_batch *b, FILE *out)
{
    fprintf(out,
            "export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}\n"
            "srun --mpi=pmix --cpu-bind=none --wait=60 %s\n"
            "code=$?\n",
            b->command);
}

/* bash runs a trap once `wait` returns, which the signal itself makes it do. */
static void write_mpirun(const pt_batch *b, FILE *out)
{
    fprintf(out,
            "mpirun --bind-to none %s &\n"
            "job=$!\n"
            "trap 'asked=1; kill -USR1 $job' USR1\n"
            "asked=1\n"
            "while [ \"$asked\" ]; do\n"
            "    asked=\n"
            "    wait $job\n"
            "    code=$?\n"
            "done\n",
            b->command);
}

static void write_script(const pt_batch *b, FILE *out)
{
    fputs("#!/bin/bash\n", out);
    write_directives(b, out);
    if (b->about) fprintf(out, "# %s\n", b->about);
    if (b->dir) {
        fputs("cd ", out);
        pt_batch_quote(out, b->dir);
        fputs(" || exit 1\n", out);
    }
    if (b->array)
        fputs(": \"${SLURM_ARRAY_TASK_ID:?is not set: start this with sbatch}\"\n", out);
    if (b->lines) fputs(b->lines, out);
    if (b->mpirun)
        write_mpirun(b, out);
    else
        write_srun(b, out);
    fprintf(out,
            "if [ \"$code\" = 75 ]; then # stopped, with a checkpoint: the same again\n"
            "    scontrol requeue \"%s\"\n"
            "fi\n"
            "exit \"$code\"\n",
            b->array ? "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" : "$SLURM_JOB_ID");
}

const pt_scheduler pt_slurm = {.name = "Slurm",
                               .submit = "sbatch",
                               .task = "SLURM_ARRAY_TASK_ID",
                               .job_log = "-%j.log",
                               .task_log = "-%A_%a.log",
                               .write = write_script};
