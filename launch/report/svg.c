#include "launch/report/svg.h"

#include <math.h>
#include <stdlib.h>

#include "launch/report/html.h"
#include "launch/report/styles.h"

/* The drawing in its own units; the page scales it. */
enum { WIDTH = 380, HEIGHT = 230, LEFT = 54, RIGHT = 12, TOP = 10, BOTTOM = 40 };

typedef struct {
    const pt_chart *c;
    double x0, x1, y0, y1; /* of the data; y0, y1 as logarithms where the scale is */
} frame;

/* The value on the chart's scale, NAN where it has no place. */
static double scaled(const frame *f, double y)
{
    if (!f->c->log_y) return y;
    return y > 0 ? log10(y) : NAN;
}

static void take(frame *f, double x, double y)
{
    y = scaled(f, y);
    if (!isfinite(x) || !isfinite(y)) return;
    f->x0 = fmin(f->x0, x);
    f->x1 = fmax(f->x1, x);
    f->y0 = fmin(f->y0, y);
    f->y1 = fmax(f->y1, y);
}

/* The range of all lines and bands; false: there is nothing. */
static bool measure(frame *f)
{
    f->x0 = f->y0 = INFINITY;
    f->x1 = f->y1 = -INFINITY;
    for (size_t i = 0; i < f->c->n_lines; i++) {
        const pt_line *l = &f->c->lines[i];

        for (size_t k = 0; k < l->n; k++) {
            take(f, l->x[k], l->y[k]);
            if (l->low) take(f, l->x[k], l->low[k]);
            if (l->high) take(f, l->x[k], l->high[k]);
        }
    }
    if (!(f->x0 <= f->x1)) return false;
    if (!f->c->log_y && f->y0 > 0 && f->y0 < 0.5 * f->y1) f->y0 = 0;
    if (f->x0 == f->x1) f->x1 = f->x0 + 1;
    if (f->y1 - f->y0 < 1e-12 * fabs(f->y1) + 1e-300) {
        f->y0 -= f->c->log_y ? 0.5 : fabs(f->y1) / 2 + 1e-12;
        f->y1 += f->c->log_y ? 0.5 : fabs(f->y1) / 2 + 1e-12;
    }
    return true;
}

static double place_x(const frame *f, double x)
{
    return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const frame *f, double y)
{
    return HEIGHT - BOTTOM - (y - f->y0) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM);
}

double pt_svg_nice_step(double range, int n)
{
    double raw = range / n, power = pow(10, floor(log10(raw)));
    double rest = raw / power;

    return power * (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10);
}

static void y_tick(FILE *out, const frame *f, double y, double shown)
{
    double at = place_y(f, y);

    fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>",
            LEFT, WIDTH - RIGHT, at, at);
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", LEFT - 6,
            at + 4, shown);
}

static void y_axis(FILE *out, const frame *f)
{
    double step = pt_svg_nice_step(f->y1 - f->y0, 4);

    if (!f->c->log_y) {
        for (double y = ceil(f->y0 / step - 1e-9) * step; y <= f->y1 + 1e-9 * step;
             y += step)
            y_tick(out, f, y, fabs(y) < 1e-9 * step ? 0 : y);
        return;
    }
    step = fmax(1, ceil((f->y1 - f->y0) / 5));
    if (f->y1 - f->y0 >= 2) {
        for (double y = ceil(f->y0 - 1e-9); y <= f->y1 + 1e-9; y += step)
            y_tick(out, f, y, pow(10, y));
        return;
    }
    for (int power = (int)floor(f->y0); power <= (int)ceil(f->y1); power++)
        for (int digit = 1; digit < 10; digit++) {
            double y = log10(digit) + power;
            bool few = f->y1 - f->y0 > 0.5; /* 1, 2, 5 are enough */

            if (few && digit != 1 && digit != 2 && digit != 5) continue;
            if (y >= f->y0 - 1e-9 && y <= f->y1 + 1e-9) y_tick(out, f, y, pow(10, y));
        }
}

static void x_axis(FILE *out, const frame *f)
{
    double step = pt_svg_nice_step(f->x1 - f->x0, 5);

    for (double x = ceil(f->x0 / step - 1e-9) * step; x <= f->x1 + 1e-9 * step; x += step)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n",
                place_x(f, x), HEIGHT - BOTTOM + 16, fabs(x) < 1e-9 * step ? 0 : x);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
            LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 6);
    pt_html_print(out, f->c->x_label);
    fprintf(out, "</text>\n<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
            HEIGHT - BOTTOM, WIDTH - RIGHT);
}

/* Points [from, end) of a line without a gap. */
static void draw_piece(FILE *out, const frame *f, const pt_line *l, size_t from,
                       size_t end)
{
    if (l->low && l->high && end - from > 1) {
        fprintf(out, "<path class=\"band\" d=\"M");
        for (size_t k = from; k < end; k++)
            fprintf(out, "%.1f %.1f ", place_x(f, l->x[k]),
                    place_y(f, scaled(f, l->high[k])));
        for (size_t k = end; k-- > from;)
            fprintf(out, "%.1f %.1f ", place_x(f, l->x[k]),
                    place_y(f, scaled(f, l->low[k])));
        fprintf(out, "Z\"/>\n");
    }
    fprintf(out, "<path class=\"line\" d=\"M");
    for (size_t k = from; k < end; k++)
        fprintf(out, "%.2f %.2f ", place_x(f, l->x[k]), place_y(f, scaled(f, l->y[k])));
    if (end - from == 1) fprintf(out, "h.1");
    fprintf(out, "\"/>\n");
}

static bool has_place(const frame *f, const pt_line *l, size_t k)
{
    return isfinite(l->x[k]) && isfinite(scaled(f, l->y[k])) &&
           (!l->low || isfinite(scaled(f, l->low[k]))) &&
           (!l->high || isfinite(scaled(f, l->high[k])));
}

static void draw_line(FILE *out, const frame *f, const pt_line *l)
{
    char style[PT_STYLE_CLASS];

    pt_style_class(l->style, style);
    fprintf(out, "<g class=\"series %s\">\n", style);
    for (size_t from = 0, end; from < l->n; from = end + 1) {
        for (end = from; end < l->n && has_place(f, l, end);) end++;
        if (end > from) draw_piece(out, f, l, from, end);
    }
    for (size_t k = 0; f->c->marked && k < l->n; k++)
        if (has_place(f, l, k))
            fprintf(out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"2.5\"/>",
                    place_x(f, l->x[k]), place_y(f, scaled(f, l->y[k])));
    fputs("</g>\n", out);
}

static bool is_empty(const frame *f, const pt_line *l)
{
    for (size_t k = 0; k < l->n; k++)
        if (has_place(f, l, k)) return false;
    return true;
}

/* ---- words ------------------------------------------------------------------------ */

void pt_svg_key(FILE *out, int style)
{
    char class[PT_STYLE_CLASS];

    pt_style_class(style, class);
    fprintf(out,
            "<svg class=\"key %s\" viewBox=\"0 0 34 12\" aria-hidden=\"true\"><path "
            "class=\"line\" d=\"M0 6H34\"/></svg>",
            class);
}

/* One entry for each series, in their order. */
static void draw_legend(FILE *out, const frame *f)
{
    fputs("<ul class=\"legend\">", out);
    for (size_t i = 0; i < f->c->n_lines; i++) {
        const pt_line *l = &f->c->lines[i];

        if (is_empty(f, l)) continue;
        fputs("<li>", out);
        pt_svg_key(out, l->style);
        pt_html_print(out, l->label);
        fputs("</li>", out);
    }
    fputs("</ul>", out);
}

/* "from 2.1 to 0.05": the ends of a line, for the description. */
static void describe_line(FILE *out, const frame *f, const pt_line *l)
{
    size_t first = 0, last = l->n;

    while (first < l->n && !has_place(f, l, first)) first++;
    while (last > first && !has_place(f, l, last - 1)) last--;
    if (first == last) return;
    pt_html_print(out, l->label);
    fprintf(out, ": from %.4g to %.4g. ", l->y[first], l->y[last - 1]);
}

/* What page.js needs to turn a place into a value. */
static void draw_scale(FILE *out, const frame *f)
{
    fprintf(out,
            " data-x0=\"%.9g\" data-x1=\"%.9g\" data-y0=\"%.9g\" data-y1=\"%.9g\" "
            "data-box=\"%d %d %d %d\" data-x=\"",
            f->x0, f->x1, f->y0, f->y1, LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM);
    pt_html_print(out, f->c->x_label);
    fprintf(out, "\"%s%s", f->c->log_y ? " data-log" : "",
            f->c->noisy ? " data-noisy" : "");
}

static void draw_chart(FILE *out, const frame *f)
{
    const pt_chart *c = f->c;

    fputs("<figure class=\"chart\"", out);
    draw_scale(out, f);
    fputs("><figcaption>", out);
    pt_html_print(out, c->title);
    fprintf(out, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>", WIDTH,
            HEIGHT);
    pt_html_print(out, c->title);
    fprintf(out, "</title><desc>");
    for (size_t i = 0; i < c->n_lines; i++) describe_line(out, f, &c->lines[i]);
    fprintf(out, "</desc>\n");
    y_axis(out, f);
    x_axis(out, f);
    for (size_t i = 0; i < c->n_lines; i++)
        if (!is_empty(f, &c->lines[i])) draw_line(out, f, &c->lines[i]);
    fputs("</svg>\n", out);
    draw_legend(out, f);
    fputs("</figure>\n", out);
}

char *pt_svg_chart(const pt_chart *c)
{
    frame f = {.c = c};
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    if (out && measure(&f)) draw_chart(out, &f);
    if (out && fclose(out) == 0) return text;
    free(text);
    return NULL;
}
