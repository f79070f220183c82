#include "launch/sweep/slurm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

/* In single quotes for bash. */
static void quote(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

/* Where tasks write, whatever directory sbatch is called in; %% is Slurm's %. */
static void write_output(FILE *out, const char *here, const char *dir)
{
    char *path = NULL;

    if (dir[0] == '/' ? asprintf(&path, "%s", dir) < 0
                      : asprintf(&path, "%s/%s", here, dir) < 0)
        return;
    fprintf(out, "#SBATCH --output=\"");
    for (const char *c = path; *c; c++) fprintf(out, *c == '%' ? "%%%%" : "%c", *c);
    fprintf(out, "/slurm-%%A_%%a.log\"\n");
    free(path);
}

static void write_head(FILE *out, const pt_sweep *s, size_t n, const char *here)
{
    const Pt__Sweep__Slurm *c = s->table->slurm;

    fprintf(out, "#!/bin/bash\n");
    fprintf(out, "#SBATCH --job-name=ptrain\n#SBATCH --array=0-%zu", n - 1);
    if (c->has_at_once) fprintf(out, "%%%u", c->at_once);
    fprintf(out, "\n#SBATCH --ntasks=%u\n", c->has_ntasks ? c->ntasks : 3);
    fprintf(out,
            "#SBATCH --signal=USR1@120\n#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    write_output(out, here, s->table->dir);
    for (size_t i = 0; i < c->n_options; i++) fprintf(out, "#SBATCH %s\n", c->options[i]);
    fprintf(out, "# Written by ptrain sweep --slurm: %zu runs, one a task.\n", n);
    fprintf(out, "cd ");
}

/* Stopped with a checkpoint (75): the same task again. */
static void write_tail(FILE *out, const char *program)
{
    fprintf(out, "srun --mpi=pmix ");
    quote(out, program);
    fprintf(out, " train \"${runs[$SLURM_ARRAY_TASK_ID]}\"\n"
                 "code=$?\n"
                 "if [ $code = 75 ]; then\n"
                 "    scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\"\n"
                 "fi\n"
                 "exit $code\n");
}

static pt_status write_script(const pt_sweep *s, size_t n, FILE *out)
{
    char self[4096], here[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0 || !getcwd(here, sizeof here))
        return pt_fail(PT_ERR_IO, "the program's or the working directory's path: %s",
                       strerror(errno));
    self[length] = '\0';
    write_head(out, s, n, here);
    quote(out, here);
    fprintf(out, " || exit 1\n"
                 ": \"${SLURM_ARRAY_TASK_ID:?is not set: start this with sbatch}\"\n"
                 "runs=(\n");
    for (size_t i = 0; i < s->n; i++) {
        char *path = NULL;

        if (s->runs[i].state == PT_SWEEP_DONE) continue;
        if (asprintf(&path, "%s.yaml", s->runs[i].dir) < 0)
            return pt_fail(PT_ERR_NOMEM, "no memory for a script");
        fprintf(out, "    ");
        quote(out, path);
        fprintf(out, "\n");
        free(path);
    }
    fprintf(out, ")\n");
    write_tail(out, self);
    return PT_OK;
}

pt_status pt_sweep_write_slurm(const pt_sweep *s, const char *path, size_t *n)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out;
    pt_status st = PT_OK;

    *n = 0;
    for (size_t i = 0; i < s->n && st == PT_OK; i++) {
        if (s->runs[i].state == PT_SWEEP_DONE) continue;
        st = pt_sweep_write_config(&s->runs[i]);
        ++*n;
    }
    if (st != PT_OK || *n == 0) return st;
    out = open_memstream(&text, &bytes);
    if (!out) return pt_fail(PT_ERR_NOMEM, "no memory for a script");
    st = write_script(s, *n, out);
    if (fclose(out) != 0 && st == PT_OK)
        st = pt_fail(PT_ERR_NOMEM, "no memory for a script");
    if (st == PT_OK) st = pt_file_replace(path, text, bytes);
    if (st == PT_OK && chmod(path, 0755) != 0)
        st = pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    free(text);
    return st;
}
