#include "launch/report/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { N_COLUMNS = PT_TABLE_COLUMNS, CELL = PT_TABLE_CELL };

const char *const pt_table_heads[N_COLUMNS] = {
    "method",      "runs",    "train %", "test % (std)", "gain (std)", "+- 95 %", "p",
    "error cut %", "gate at", "w",       "images/s",     "time s"};

const char *const pt_table_legend[] = {
    "train, test: accuracy, mean over the runs; test's (std): of the accuracies, n - 1.",
    "gain: test accuracy over plain, paired by seed; its (std): of the paired "
    "differences; "
    "+- 95 %: Student's interval.",
    "p: Student's paired t test, two-sided, as the interval; the verdict applies Holm's "
    "correction.",
    "error cut: gain / (100 - plain). gate at: the step from which PtR took part; w: its "
    "mean weight.",
    NULL};

/* "-" where x does not exist. */
static void put(char cell[CELL], const char *format, double x)
    __attribute__((format(printf, 2, 0)));

static void put(char cell[CELL], const char *format, double x)
{
    if (isnan(x))
        strcpy(cell, "-");
    else
        snprintf(cell, CELL, format, x);
}

static void put_with_std(char cell[CELL], const char *format, pt_stat s)
    __attribute__((format(printf, 2, 0)));

static void put_with_std(char cell[CELL], const char *format, pt_stat s)
{
    char mean[28], std[28] = "-";

    if (s.n == 0) {
        strcpy(cell, "-");
        return;
    }
    snprintf(mean, sizeof mean, format, s.mean);
    if (!isnan(s.std)) snprintf(std, sizeof std, "%.2f", s.std);
    snprintf(cell, CELL, "%s (%s)", mean, std);
}

void pt_table_row_init(const pt_method_runs *m, pt_table_row *out)
{
    char(*row)[CELL] = out->text;
    pt_stat gain = m->gain;

    out->cells[PT_TABLE_NAME] = m->name;
    for (int c = 1; c < N_COLUMNS; c++) out->cells[c] = row[c];
    gain.mean = pt_rounded(gain.mean);
    snprintf(row[PT_TABLE_RUNS], CELL, "%zu", m->n_runs);
    put(row[PT_TABLE_TRAIN], "%.2f", m->train.mean);
    put_with_std(row[PT_TABLE_TEST], "%.2f", m->test);
    put_with_std(row[PT_TABLE_GAIN], "%+.2f", gain);
    put(row[PT_TABLE_HALF_WIDTH], "%.2f", m->baseline ? m->half_width : NAN);
    put(row[PT_TABLE_P], "%.3g", m->baseline ? m->p : NAN);
    put(row[PT_TABLE_ERROR_CUT], "%.2f", pt_rounded(m->error_cut));
    put(row[PT_TABLE_GATE], "%.1f", m->gate.mean);
    if (m->n_shut == m->n_runs) strcpy(row[PT_TABLE_GATE], "never");
    put(row[PT_TABLE_W], "%.3g", m->w.mean);
    put(row[PT_TABLE_SPEED], "%.1f", m->images_per_s.mean);
    put(row[PT_TABLE_TIME], "%.1f", m->seconds.mean);
}

/* Characters on the screen: UTF-8 bytes that start one. */
static int width(const char *s)
{
    int n = 0;

    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* The first column to the left, the others to the right. */
static void print_text_row(FILE *out, const char *const cells[N_COLUMNS],
                           const int wide[N_COLUMNS])
{
    fprintf(out, "%s%*s", cells[0], wide[0] - width(cells[0]), "");
    for (int c = 1; c < N_COLUMNS; c++)
        fprintf(out, "  %*s%s", wide[c] - width(cells[c]), "", cells[c]);
    fputc('\n', out);
}

static void print_text(const pt_block *b, FILE *out)
{
    int wide[N_COLUMNS];
    pt_table_row row;

    for (int c = 0; c < N_COLUMNS; c++) wide[c] = width(pt_table_heads[c]);
    for (size_t i = 0; i < b->n_methods; i++) {
        pt_table_row_init(&b->methods[i], &row);
        for (int c = 0; c < N_COLUMNS; c++)
            if (width(row.cells[c]) > wide[c]) wide[c] = width(row.cells[c]);
    }
    fprintf(out, "%s\n%s\n", b->title, b->verdict);
    print_text_row(out, pt_table_heads, wide);
    for (size_t i = 0; i < b->n_methods; i++) {
        pt_table_row_init(&b->methods[i], &row);
        print_text_row(out, row.cells, wide);
    }
    for (size_t i = 0; i < b->n_notes; i++) fprintf(out, "note: %s\n", b->notes[i]);
    fputc('\n', out);
}

/* ---- Markdown --------------------------------------------------------------------- */

/* Text in a Markdown table or line: what has a meaning there is escaped. */
static void print_escaped(FILE *out, const char *s)
{
    for (; *s; s++) {
        if (strchr("\\`*_<>|[]", *s)) fputc('\\', out);
        fputc(*s, out);
    }
}

static void print_markdown_row(FILE *out, const char *const cells[N_COLUMNS])
{
    for (int c = 0; c < N_COLUMNS; c++) {
        fputs("| ", out);
        print_escaped(out, cells[c]);
        fputc(' ', out);
    }
    fputs("|\n", out);
}

static void print_markdown(const pt_block *b, FILE *out)
{
    pt_table_row row;

    fputs("### ", out);
    print_escaped(out, b->title);
    fputs("\n\n", out);
    print_escaped(out, b->verdict);
    fputs("\n\n", out);
    print_markdown_row(out, pt_table_heads);
    for (int c = 0; c < N_COLUMNS; c++) fputs(c == 0 ? "|---" : "|---:", out);
    fputs("|\n", out);
    for (size_t i = 0; i < b->n_methods; i++) {
        pt_table_row_init(&b->methods[i], &row);
        print_markdown_row(out, row.cells);
    }
    fputc('\n', out);
    for (size_t i = 0; i < b->n_notes; i++) {
        fputs("- ", out);
        print_escaped(out, b->notes[i]);
        fputc('\n', out);
    }
    if (b->n_notes > 0) fputc('\n', out);
}

/* ---- LaTeX ------------------------------------------------------------------------ */

static void print_latex_text(FILE *out, const char *s)
{
    for (; *s; s++) {
        if (strchr("&%$#_{}", *s))
            fprintf(out, "\\%c", *s);
        else if (*s == '\\')
            fputs("\\textbackslash{}", out);
        else if (*s == '~' || *s == '^')
            fprintf(out, "\\%c{}", *s);
        else
            fputc(*s, out);
    }
}

static void print_latex_row(FILE *out, const char *const cells[N_COLUMNS])
{
    for (int c = 0; c < N_COLUMNS; c++) {
        fputs(c == 0 ? "    " : " & ", out);
        print_latex_text(out, cells[c]);
    }
    fputs(" \\\\\n", out);
}

static void print_latex(const pt_block *b, FILE *out)
{
    pt_table_row row;

    fputs("\\begin{table}\n  \\caption{", out);
    print_latex_text(out, b->title);
    fputs("}\n  \\centering\n  \\begin{tabular}{l", out);
    for (int c = 1; c < N_COLUMNS; c++) fputc('r', out);
    fputs("}\n    \\toprule\n", out);
    print_latex_row(out, pt_table_heads);
    fputs("    \\midrule\n", out);
    for (size_t i = 0; i < b->n_methods; i++) {
        pt_table_row_init(&b->methods[i], &row);
        print_latex_row(out, row.cells);
    }
    fputs("    \\bottomrule\n  \\end{tabular}\n\\end{table}\n", out);
    fprintf(out, "%% %s\n", b->verdict);
    for (size_t i = 0; i < b->n_notes; i++) fprintf(out, "%% %s\n", b->notes[i]);
    fputc('\n', out);
}

pt_status pt_table_print(const pt_summary *s, pt_table_style style, FILE *out)
{
    static void (*const print[])(const pt_block *, FILE *) = {print_text, print_markdown,
                                                              print_latex};

    for (size_t i = 0; i < s->n_blocks; i++) print[style](&s->blocks[i], out);
    for (int i = 0; pt_table_legend[i]; i++)
        fprintf(out, "%s%s\n", style == PT_TABLE_LATEX ? "% " : "", pt_table_legend[i]);
    if (fflush(out) != 0 || ferror(out))
        return pt_fail(PT_ERR_IO, "the report cannot be written: %s", strerror(errno));
    return PT_OK;
}
