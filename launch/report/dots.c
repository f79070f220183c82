#include "launch/report/dots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "launch/report/html.h"
#include "launch/report/styles.h"
#include "launch/report/svg.h"
#include "launch/report/verdict.h"

/* The drawing in its own units. A row: name and numbers, below them the interval. */
enum { WIDTH = 400, SIDE = 14, TOP = 4, ROW = 46, LINE = 30, BOTTOM = 40, MAX_NAME = 30 };

typedef struct {
    const pt_block *b;
    size_t n;      /* rows */
    double x0, x1; /* points */
} frame;

static bool has_row(const pt_method_runs *m)
{
    return m->gain.n > 0;
}

static void take(frame *f, double x)
{
    if (!isfinite(x)) return;
    f->x0 = fmin(f->x0, x);
    f->x1 = fmax(f->x1, x);
}

/* Room for all seeds, and for the intervals of methods with enough of them: that of two
 * seeds may be a hundred times as wide. scratch [the most runs of a method]. */
static void measure(frame *f, double *scratch)
{
    for (size_t i = 0; i < f->b->n_methods; i++) {
        const pt_method_runs *m = &f->b->methods[i];
        size_t n;

        if (!has_row(m)) continue;
        f->n++;
        n = pt_method_runs_differences(m, m->baseline, scratch);
        for (size_t k = 0; k < n; k++) take(f, scratch[k]);
        if (n < PT_VERDICT_SEEDS) continue;
        take(f, m->gain.mean - m->half_width);
        take(f, m->gain.mean + m->half_width);
    }
    if (f->x1 - f->x0 < 1e-6) f->x1 = f->x0 + 1;
    f->x0 -= 0.04 * (f->x1 - f->x0);
    f->x1 += 0.04 * (f->x1 - f->x0);
}

static double place(const frame *f, double x)
{
    double at = (x - f->x0) / (f->x1 - f->x0);

    return SIDE + fmin(fmax(at, 0), 1) * (WIDTH - 2 * SIDE);
}

static void draw_axis(FILE *out, const frame *f)
{
    double step = pt_svg_nice_step(f->x1 - f->x0, 5);
    int end = TOP + ROW * (int)f->n;

    for (double x = ceil(f->x0 / step - 1e-9) * step; x <= f->x1 + 1e-9 * step;
         x += step) {
        bool zero = fabs(x) < 1e-9 * step;

        fprintf(out, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>",
                zero ? "zero" : "grid", place(f, x), place(f, x), TOP, end);
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s%.4g</text>\n",
                place(f, x), end + 15, x > 0 && !zero ? "+" : "", zero ? 0 : x);
    }
    fprintf(
        out,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">gain over plain, points of test "
        "accuracy</text>\n",
        WIDTH / 2, end + 32);
}

/* The first characters of a name that is too long for the row. */
static void print_name(FILE *out, const char *name)
{
    char text[4 * MAX_NAME + 4];
    size_t bytes = 0;
    int n = 0;

    while (name[bytes] && bytes < 4 * MAX_NAME) {
        if (((unsigned char)name[bytes] & 0xc0) != 0x80 && n++ == MAX_NAME) break;
        bytes++;
    }
    snprintf(text, sizeof text, "%.*s%s", (int)bytes, name, name[bytes] ? "..." : "");
    pt_html_print(out, text);
}

/* "+1.50 (+0.26 to +2.74)"; of too few seeds no gain. */
static void print_gain(FILE *out, const frame *f, const pt_method_runs *m)
{
    double gain = m->gain.mean, half = m->half_width;

    if (pt_verdict_of(f->b, m) == PT_JUDGED_FEW)
        fprintf(out, "%zu seed%s: not judged", m->gain.n, m->gain.n == 1 ? "" : "s");
    else if (isfinite(half))
        fprintf(out, "%+.2f (%+.2f to %+.2f)", pt_rounded(gain), pt_rounded(gain - half),
                pt_rounded(gain + half));
    else
        fprintf(out, "%+.2f at each seed", pt_rounded(gain));
}

static void draw_words(FILE *out, const frame *f, const pt_method_runs *m, int y)
{
    fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%d\">", SIDE, y + 15);
    print_name(out, m->name);
    fprintf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">", WIDTH - SIDE,
            y + 15);
    print_gain(out, f, m);
    fputs("</text>\n", out);
}

/* An arrow where an end of the interval lies outside. */
static void draw_interval(FILE *out, const frame *f, const pt_method_runs *m, int y)
{
    double low = m->gain.mean - m->half_width, high = m->gain.mean + m->half_width;
    double from = place(f, low), to = place(f, high);

    if (!isfinite(m->half_width)) return;
    fprintf(out, "<path class=\"line\" d=\"M%.1f %dH%.1f\"/>", from, y, to);
    fprintf(out,
            low < f->x0 ? "<path class=\"line\" d=\"m%.1f %dl-6 5 6 5\"/>"
                        : "<path class=\"line\" d=\"M%.1f %dv10\"/>",
            low < f->x0 ? from + 6 : from, y - 5);
    fprintf(out,
            high > f->x1 ? "<path class=\"line\" d=\"m%.1f %dl6 5-6 5\"/>\n"
                         : "<path class=\"line\" d=\"M%.1f %dv10\"/>\n",
            high > f->x1 ? to - 6 : to, y - 5);
}

static void draw_row(FILE *out, const frame *f, const pt_method_runs *m, int y,
                     double *scratch)
{
    size_t n = pt_method_runs_differences(m, m->baseline, scratch);
    pt_judgement j = pt_verdict_of(f->b, m);
    char style[PT_STYLE_CLASS];

    pt_style_class(m->style % PT_COLOURS, style); /* dashes would look like gaps */
    draw_words(out, f, m, y);
    fprintf(out, "<g class=\"%s\">", style);
    draw_interval(out, f, m, y + LINE);
    for (size_t k = 0; k < n; k++)
        fprintf(out, "<circle class=\"seed\" cx=\"%.1f\" cy=\"%d\" r=\"2.5\"/>",
                place(f, scratch[k]), y + LINE + 9);
    if (j != PT_JUDGED_FEW)
        fprintf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" r=\"6\"/>",
                j == PT_JUDGED_OPEN ? "open" : "shown", place(f, m->gain.mean), y + LINE);
    fputs("</g>\n", out);
}

static void describe(FILE *out, const frame *f)
{
    fputs("<title>Gains over plain fine-tuning</title><desc>", out);
    for (size_t i = 0; i < f->b->n_methods; i++) {
        if (!has_row(&f->b->methods[i])) continue;
        pt_html_print(out, f->b->methods[i].name);
        fputs(": ", out);
        print_gain(out, f, &f->b->methods[i]);
        fputs(". ", out);
    }
    fputs("</desc>\n", out);
}

static void draw(FILE *out, const frame *f, double *scratch)
{
    int y = TOP;

    fprintf(
        out,
        "<figure class=\"dots\"><figcaption>Gains over plain fine-tuning</figcaption>\n"
        "<svg viewBox=\"0 0 %d %d\" role=\"img\">",
        WIDTH, TOP + ROW * (int)f->n + BOTTOM);
    describe(out, f);
    draw_axis(out, f);
    for (size_t i = 0; i < f->b->n_methods; i++) {
        if (!has_row(&f->b->methods[i])) continue;
        draw_row(out, f, &f->b->methods[i], y, scratch);
        y += ROW;
    }
    fputs("</svg>\n<p class=\"soft\">Large dot: the mean over the seeds, filled where "
          "the gain "
          "or loss is shown (p below 0.05 after Holm's correction). Bar: its 95 % "
          "interval; an "
          "arrow goes on outside. Small dots: each seed.</p></figure>\n",
          out);
}

char *pt_svg_dots(const pt_block *b)
{
    frame f = {.b = b};
    size_t runs = 1, bytes;
    char *text = NULL;
    double *scratch;
    FILE *out = open_memstream(&text, &bytes);

    for (size_t i = 0; i < b->n_methods; i++)
        if (b->methods[i].n_runs > runs) runs = b->methods[i].n_runs;
    scratch = pt_calloc(runs, sizeof *scratch);
    if (scratch) measure(&f, scratch);
    if (out && scratch && f.n > 0) draw(out, &f, scratch);
    if ((out && fclose(out) != 0) || !scratch) {
        free(text);
        text = NULL;
    }
    free(scratch);
    return text;
}
