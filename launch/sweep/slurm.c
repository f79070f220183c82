#include "launch/sweep/slurm.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"

/* ---- what an #SBATCH line can hold ------------------------------------------------ */

/* The first character of text that is a control character or among `more`; 0: none. */
static unsigned char unfit(const char *text, const char *more)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text) || strchr(more, *text))
            return (unsigned char)*text;
    return 0;
}

/* A fault of the table where its text at `path` has one. */
static void check_text(const pt_sweep *s, const char *path, const char *text,
                       const char *more)
{
    unsigned char c = unfit(text, more);

    if (c && iscntrl(c))
        pt_config_file_fault(s->file, path,
                             "%s has a control character (0x%02x), which an #SBATCH line "
                             "cannot hold",
                             path, c);
    else if (c)
        pt_config_file_fault(s->file, path,
                             "%s has a %c, which the name of a file in an #SBATCH line "
                             "cannot have",
                             path, c);
}

/* Slurm has no way to write `"` within quotes, and takes \\ for its own escape. */
static pt_status check_lines(const pt_sweep *s, const char *here)
{
    static const char in_name[] = "\"\\";
    const Pt__Sweep__Table *t = s->table;
    char path[48];

    check_text(s, "dir", t->dir, in_name);
    for (size_t i = 0; i < t->slurm->n_options; i++) {
        snprintf(path, sizeof path, "slurm.options.%zu", i);
        check_text(s, path, t->slurm->options[i], "");
    }
    if (t->dir[0] != '/' && unfit(here, in_name))
        return pt_fail(PT_ERR_USAGE,
                       "the working directory's name has a \", a \\ or a control "
                       "character, which an #SBATCH line cannot hold: start this in "
                       "another one");
    return pt_config_file_report(s->file);
}

/* ---- the script ------------------------------------------------------------------- */

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
    fprintf(out, "# Written by ptrain sweep --slurm: %zu runs, one per task.\n", n);
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

static pt_status write_script(const pt_sweep *s, size_t n, const char *here, FILE *out)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0) return pt_fail(PT_ERR_IO, "the program's path: %s", strerror(errno));
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
    char *text = NULL, here[4096];
    size_t bytes = 0;
    FILE *out;
    pt_status st = PT_OK;

    *n = 0;
    if (!getcwd(here, sizeof here))
        return pt_fail(PT_ERR_IO, "the working directory's path: %s", strerror(errno));
    st = check_lines(s, here);
    for (size_t i = 0; i < s->n && st == PT_OK; i++) {
        if (s->runs[i].state == PT_SWEEP_DONE) continue;
        st = pt_sweep_write_config(&s->runs[i]);
        ++*n;
    }
    if (st != PT_OK || *n == 0) return st;
    out = open_memstream(&text, &bytes);
    if (!out) return pt_fail(PT_ERR_NOMEM, "no memory for a script");
    st = write_script(s, *n, here, out);
    if (fclose(out) != 0 && st == PT_OK)
        st = pt_fail(PT_ERR_NOMEM, "no memory for a script");
    if (st == PT_OK) st = pt_file_replace(path, text, bytes);
    if (st == PT_OK && chmod(path, 0755) != 0)
        st = pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    free(text);
    return st;
}
