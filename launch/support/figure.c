#include "launch/support/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"

/* In pixels; the plot is inside the margins. */
enum {
    WIDTH = 720,
    HEIGHT = 440,
    LEFT = 72,
    RIGHT = 180, /* room for the legend */
    TOP = 44,
    BOTTOM = 56,
    LINE = 20, /* of the legend */
    MAX_TICKS = 24,
    COLOURS = 8
};

/* Distinct for colour-blind readers (Okabe and Ito), contrast of 3:1 and more on white.
 */
static const char *const colours[COLOURS] = {"#0072b2", "#d55e00", "#00795a", "#a6509a",
                                             "#8a6d00", "#555555", "#2a2a9f", "#b0003a"};

/* The range of one axis. */
typedef struct {
    double low, high;
} range;

typedef struct {
    FILE *out;
    const pt_figure *f;
    range x, y;
} drawing;

static void put_text(FILE *out, const char *text)
{
    for (; *text; text++) switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        default:
            putc(*text, out);
        }
}

static bool is_shown(const pt_curve *c, size_t i)
{
    return c->x[i] > 0 && c->y[i] > 0 && isfinite(c->x[i]) && isfinite(c->y[i]);
}

static void widen(range *r, double value)
{
    if (r->low == 0 || value < r->low) r->low = value;
    if (value > r->high) r->high = value;
}

/* False where there is nothing to draw. */
static bool find_ranges(drawing *d)
{
    for (size_t k = 0; k < d->f->n_curves; k++)
        for (size_t i = 0; i < d->f->curves[k].n; i++)
            if (is_shown(&d->f->curves[k], i)) {
                widen(&d->x, d->f->curves[k].x[i]);
                widen(&d->y, d->f->curves[k].y[i]);
            }
    if (d->x.high == 0) return false;
    d->x = (range){d->x.low / 1.1, d->x.high * 1.1};
    d->y = (range){d->y.low / 1.3, d->y.high * 1.3};
    return true;
}

static double along(const range *r, double value)
{
    return log(value / r->low) / log(r->high / r->low);
}

static double x_of(const drawing *d, double x)
{
    return LEFT + along(&d->x, x) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const drawing *d, double y)
{
    return HEIGHT - BOTTOM - along(&d->y, y) * (HEIGHT - TOP - BOTTOM);
}

/* Ticks of r at 1, 2 and 5 times the powers of ten, or, by_two, at powers of two. */
static size_t ticks_of(const range *r, bool by_two, double out[MAX_TICKS])
{
    static const double steps[] = {1, 2, 5};
    size_t n = 0;

    for (int e = -12; e < 40 && n < MAX_TICKS; e++)
        for (int i = 0; i < (by_two ? 1 : 3) && n < MAX_TICKS; i++) {
            double t = by_two ? ldexp(1, e) : steps[i] * pow(10, e);

            if (t >= r->low && t <= r->high) out[n++] = t;
        }
    return n;
}

static void put_axes(const drawing *d)
{
    double ticks[MAX_TICKS];
    size_t n = ticks_of(&d->x, true, ticks);

    fprintf(d->out, "<g stroke=\"#ccc\" fill=\"none\">\n");
    for (size_t i = 0; i < n; i++)
        fprintf(d->out, "<path d=\"M%.1f %dV%d\"/>\n", x_of(d, ticks[i]), TOP,
                HEIGHT - BOTTOM);
    n = ticks_of(&d->y, false, ticks);
    for (size_t i = 0; i < n; i++)
        fprintf(d->out, "<path d=\"M%d %.1fH%d\"/>\n", LEFT, y_of(d, ticks[i]),
                WIDTH - RIGHT);
    fprintf(d->out, "</g>\n<g text-anchor=\"end\">\n");
    for (size_t i = 0; i < n; i++)
        fprintf(d->out, "<text x=\"%d\" y=\"%.1f\">%g</text>\n", LEFT - 8,
                y_of(d, ticks[i]) + 4, ticks[i]);
    n = ticks_of(&d->x, true, ticks);
    fprintf(d->out, "</g>\n<g text-anchor=\"middle\">\n");
    for (size_t i = 0; i < n; i++)
        fprintf(d->out, "<text x=\"%.1f\" y=\"%d\">%g</text>\n", x_of(d, ticks[i]),
                HEIGHT - BOTTOM + 20, ticks[i]);
    fprintf(d->out, "<text x=\"%d\" y=\"%d\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14);
    put_text(d->out, d->f->x_label);
    fprintf(d->out, "</text>\n<text transform=\"translate(20 %d) rotate(-90)\">",
            (TOP + HEIGHT - BOTTOM) / 2);
    put_text(d->out, d->f->y_label);
    fprintf(d->out, "</text>\n</g>\n");
}

static void put_curve(const drawing *d, size_t k)
{
    const pt_curve *c = &d->f->curves[k];
    const char *colour = colours[k % COLOURS];
    const char *dash = c->dashed ? " stroke-dasharray=\"6 4\"" : "";
    double at = TOP + LINE * (double)k + 10;
    bool first = true;

    fprintf(d->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour,
            dash);
    for (size_t i = 0; i < c->n; i++) {
        if (!is_shown(c, i)) continue;
        fprintf(d->out, "%s%.1f %.1f", first ? "M" : "L", x_of(d, c->x[i]),
                y_of(d, c->y[i]));
        first = false;
    }
    fprintf(d->out, "\"/>\n");
    for (size_t i = 0; i < c->n && !c->dashed; i++)
        if (is_shown(c, i))
            fprintf(d->out,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" stroke=\"%s\" "
                    "fill=\"%s\"><title>%g: "
                    "%.4g</title></circle>\n",
                    x_of(d, c->x[i]), y_of(d, c->y[i]), colour,
                    c->hollow && c->hollow[i] ? "#fff" : colour, c->x[i], c->y[i]);
    fprintf(d->out,
            "<path stroke=\"%s\" stroke-width=\"2\"%s d=\"M%d %.1fh24\"/>\n"
            "<text x=\"%d\" y=\"%.1f\">",
            colour, dash, WIDTH - RIGHT + 14, at, WIDTH - RIGHT + 44, at + 4);
    put_text(d->out, c->label);
    fprintf(d->out, "</text>\n");
}

static void put_figure(const drawing *d)
{
    fprintf(d->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\" "
            "fill=\"#222\" role=\"img\">\n<title>",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_text(d->out, d->f->title);
    fprintf(d->out,
            "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"24\" font-size=\"15\" font-weight=\"bold\">",
            WIDTH, HEIGHT, LEFT);
    put_text(d->out, d->f->title);
    fprintf(d->out, "</text>\n");
    put_axes(d);
    for (size_t k = 0; k < d->f->n_curves; k++) put_curve(d, k);
    fprintf(d->out, "</svg>\n");
}

pt_status pt_figure_write(const pt_figure *f, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    drawing d = {.f = f};
    pt_status s;

    if (!find_ranges(&d))
        return pt_fail(PT_ERR_DATA, "%s: there is nothing to draw", path);
    d.out = open_memstream(&text, &bytes);
    if (!d.out) return pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    put_figure(&d);
    if (fclose(d.out) == 0)
        s = pt_file_replace(path, text, bytes);
    else
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    free(text);
    return s;
}
