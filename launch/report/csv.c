#include "launch/report/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Quoted where it must be, quotes doubled. A spreadsheet takes a text that begins with
 * one of these for a formula, and runs it; after an apostrophe it is text. */
static void put_text(FILE *out, const char *text)
{
    static const char formula[] = "=+-@\t\r\n";
    const char *before = *text && strchr(formula, *text) ? "'" : "";

    if (!strpbrk(text, ",\"\r\n")) {
        fprintf(out, "%s%s", before, text);
        return;
    }
    fprintf(out, "\"%s", before);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_number(FILE *out, double x)
{
    fputc(',', out);
    if (isfinite(x)) fprintf(out, "%.10g", x);
}

static double gain_of(const pt_method_runs *m, const pt_finished_run *r)
{
    const pt_finished_run *plain =
        m->baseline ? pt_method_runs_find(m->baseline, r->seed) : NULL;

    return plain ? r->test - plain->test : NAN;
}

static void print_run(FILE *out, const pt_block *b, const pt_method_runs *m,
                      const pt_finished_run *r)
{
    const char *decay = pt_settings_get(&r->settings, "optimizer.weight_decay");

    put_text(out, b->title);
    fputc(',', out);
    put_text(out, m->name);
    fprintf(out, ",%" PRIu64 ",", r->seed);
    put_text(out, decay ? decay : "");
    put_number(out, r->train);
    put_number(out, r->test);
    put_number(out, gain_of(m, r));
    put_number(out, r->gate);
    put_number(out, r->w);
    put_number(out, r->images_per_s);
    put_number(out, r->seconds);
    fputc(',', out);
    put_text(out, r->weight_hash);
    fputc(',', out);
    put_text(out, r->dir);
    fputs("\r\n", out);
}

pt_status pt_csv_print(const pt_summary *s, FILE *out)
{
    fputs("block,method,seed,weight_decay,train_accuracy,test_accuracy,gain,gate_at,"
          "mean_w,images_per_s,seconds,weight_hash,directory\r\n",
          out);
    for (size_t b = 0; b < s->n_blocks; b++)
        for (size_t m = 0; m < s->blocks[b].n_methods; m++)
            for (size_t r = 0; r < s->blocks[b].methods[m].n_runs; r++)
                print_run(out, &s->blocks[b], &s->blocks[b].methods[m],
                          s->blocks[b].methods[m].runs[r]);
    if (fflush(out) != 0 || ferror(out))
        return pt_fail(PT_ERR_IO, "the report cannot be written: %s", strerror(errno));
    return PT_OK;
}
