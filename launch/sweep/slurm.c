#include "launch/sweep/slurm.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/program.h"
#include "launch/submit/batch.h"

/* ---- what an #SBATCH line can hold ------------------------------------------------ */

/* A fault of the table where its text at `path` has one. */
static void check_text(const pt_sweep *s, const char *path, const char *text,
                       const char *more)
{
    unsigned char c = pt_batch_unfit(text, more);

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
    if (t->dir[0] != '/' && pt_batch_unfit(here, in_name))
        return pt_fail(PT_ERR_USAGE,
                       "the working directory's name has a \", a \\ or a control "
                       "character, which an #SBATCH line cannot hold: start this in "
                       "another one");
    return pt_config_file_report(s->file);
}

/* ---- the script ------------------------------------------------------------------- */

typedef struct {
    const pt_sweep *sweep;
    size_t n; /* runs that are not done */
    const char *here, *self;
    pt_batch b;
} job;

/* Slurm's %% is a %. */
static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++) fprintf(out, *text == '%' ? "%%%%" : "%c", *text);
}

/* Where tasks write, whatever directory sbatch is called in. */
static void print_output(const void *context, FILE *out)
{
    const job *j = context;
    const char *dir = j->sweep->table->dir;

    if (dir[0] != '/') {
        print_escaped(out, j->here);
        fputc('/', out);
    }
    print_escaped(out, dir);
    fputs("/slurm-%A_%a.log", out);
}

static void print_array(const void *context, FILE *out)
{
    const job *j = context;
    const Pt__Sweep__Slurm *c = j->sweep->table->slurm;

    fprintf(out, "0-%zu", j->n - 1);
    if (c->has_at_once) fprintf(out, "%%%u", c->at_once);
}

static void print_about(const void *context, FILE *out)
{
    const job *j = context;

    fprintf(out, "Written by ptrain sweep --slurm: %zu runs, one per task.", j->n);
}

/* The configurations, from which a task takes that of its number. */
static void print_runs(const void *context, FILE *out)
{
    const job *j = context;

    fputs("runs=(\n", out);
    for (size_t i = 0; i < j->sweep->n; i++) {
        const pt_sweep_run *r = &j->sweep->runs[i];

        if (r->state == PT_SWEEP_DONE) continue;
        fputs("    ", out);
        pt_batch_quote(out, r->dir);
        fputs(".yaml\n", out);
    }
    fputs(")\n", out);
}

static void print_command(const void *context, FILE *out)
{
    pt_batch_quote(out, ((const job *)context)->self);
    fputs(" train \"${runs[$SLURM_ARRAY_TASK_ID]}\"", out);
}

static void print_script(const void *context, FILE *out)
{
    pt_slurm.write(&((const job *)context)->b, out);
}

/* malloc'd; NULL without memory. */
static char *write_script(job *j)
{
    const Pt__Sweep__Slurm *c = j->sweep->table->slurm;
    char *output = pt_batch_text(print_output, j), *array = pt_batch_text(print_array, j);
    char *about = pt_batch_text(print_about, j), *runs = pt_batch_text(print_runs, j);
    char *command = pt_batch_text(print_command, j), *script = NULL;

    j->b = (pt_batch){.name = "ptrain",
                      .about = about,
                      .ranks = c->has_ntasks ? (int)c->ntasks : 3,
                      .array = array,
                      .output = output,
                      .options = (const char *const *)c->options,
                      .n_options = c->n_options,
                      .dir = j->here,
                      .lines = runs,
                      .command = command};
    if (output && array && about && runs && command)
        script = pt_batch_text(print_script, j);
    free(output);
    free(array);
    free(about);
    free(runs);
    free(command);
    return script;
}

static pt_status put_script(job *j, const char *path)
{
    char self[4096], *text;
    pt_status s = pt_program_path(self, sizeof self);

    if (s != PT_OK) return s;
    j->self = self;
    text = write_script(j);
    if (!text) return pt_fail(PT_ERR_NOMEM, "no memory for a script");
    s = pt_file_replace(path, text, strlen(text));
    if (s == PT_OK && chmod(path, 0755) != 0)
        s = pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    free(text);
    return s;
}

pt_status pt_sweep_write_slurm(const pt_sweep *s, const char *path, size_t *n)
{
    char here[4096];
    job j = {.sweep = s, .here = here};
    pt_status st;

    *n = 0;
    if (!getcwd(here, sizeof here))
        return pt_fail(PT_ERR_IO, "the working directory's path: %s", strerror(errno));
    st = check_lines(s, here);
    for (size_t i = 0; i < s->n && st == PT_OK; i++) {
        if (s->runs[i].state == PT_SWEEP_DONE) continue;
        st = pt_sweep_write_config(&s->runs[i]);
        ++*n;
    }
    j.n = *n;
    return st != PT_OK || *n == 0 ? st : put_script(&j, path);
}
