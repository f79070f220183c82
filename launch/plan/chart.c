#include "launch/plan/chart.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "launch/report/html.h"

enum { WIDTH = 640, HEIGHT = 420, LEFT = 80, RIGHT = 110, TOP = 44, BOTTOM = 52 };

typedef struct {
    FILE *out;
    const pt_forecast *rows;
    size_t n;
    double compute_s;
    double x0, x1, y0, y1; /* logarithms of nodes, images per second */
} chart;

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73",
                                      "#cc79a7", "#e69f00", "#56b4e9"};

static double images(const pt_forecast *r)
{
    return (double)r->trial.batch * r->trial.nodes / r->step_s;
}

static double ideal(const chart *c, const pt_forecast *r)
{
    return (double)r->trial.batch * r->trial.nodes / c->compute_s;
}

static double place_x(const chart *c, double nodes)
{
    return LEFT + (log10(nodes) - c->x0) / (c->x1 - c->x0) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const chart *c, double rate)
{
    return HEIGHT - BOTTOM -
           (log10(rate) - c->y0) / (c->y1 - c->y0) * (HEIGHT - TOP - BOTTOM);
}

static void measure(chart *c)
{
    c->x0 = c->y0 = INFINITY;
    c->x1 = c->y1 = -INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        c->x0 = fmin(c->x0, log10(c->rows[i].trial.nodes));
        c->x1 = fmax(c->x1, log10(c->rows[i].trial.nodes));
        c->y0 = fmin(c->y0, log10(images(&c->rows[i])));
        c->y1 = fmax(c->y1, log10(ideal(c, &c->rows[i])));
    }
    if (c->x1 - c->x0 < 0.1) c->x1 = c->x0 + 0.1;
    if (c->y1 - c->y0 < 0.1) c->y1 = c->y0 + 0.1;
}

static void axes(const chart *c)
{
    static const int digits[] = {1, 2, 5};
    double last = 0;

    for (int e = (int)floor(c->y0); e <= (int)ceil(c->y1); e++)
        for (int d = 0; d < 3; d++) {
            double v = digits[d] * pow(10, e), at = place_y(c, v);

            if (log10(v) < c->y0 || log10(v) > c->y1) continue;
            fprintf(c->out,
                    "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" "
                    "text-anchor=\"end\">%g</text>\n",
                    LEFT, at, WIDTH - RIGHT, LEFT - 8, at + 4, v);
        }
    for (size_t i = 0; i < c->n; i++) {
        double nodes = c->rows[i].trial.nodes;

        if (nodes <= last * 1.2) continue;
        fprintf(c->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                place_x(c, nodes), HEIGHT - BOTTOM + 18, nodes);
        last = nodes;
    }
    fprintf(c->out,
            "<path d=\"M%d %dV%dH%d\" stroke=\"#333\" fill=\"none\"/>"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">nodes</text>"
            "<text transform=\"translate(18 %d) rotate(-90)\" "
            "text-anchor=\"middle\">images per second</text>\n",
            LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 12, (TOP + HEIGHT - BOTTOM) / 2);
}

/* Rows of one line: with this many servers, or (0) with one on each node. */
static bool belongs(const pt_forecast *r, int servers)
{
    return servers == 0 ? r->all : r->trial.servers == servers;
}

/* index: of its colour. A hollow point is not simulated. */
static void draw_line(const chart *c, int servers, int index)
{
    const char *colour = colours[index % 6];
    const pt_forecast *last = NULL;

    fprintf(c->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colour);
    for (size_t i = 0; i < c->n; i++) {
        const pt_forecast *r = &c->rows[i];

        if (!belongs(r, servers)) continue;
        fprintf(c->out, "%c%.1f %.1f", last ? 'L' : 'M', place_x(c, r->trial.nodes),
                place_y(c, images(r)));
        last = r;
    }
    fprintf(c->out, "\"/>\n");
    for (size_t i = 0; i < c->n; i++)
        if (belongs(&c->rows[i], servers))
            fprintf(c->out,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" stroke=\"%s\" "
                    "fill=\"%s\"/>\n",
                    place_x(c, c->rows[i].trial.nodes), place_y(c, images(&c->rows[i])),
                    colour, c->rows[i].simulated ? colour : "white");
    fprintf(c->out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">",
            place_x(c, last->trial.nodes) + 8, place_y(c, images(last)) + 4, colour);
    if (servers == 0)
        fprintf(c->out, "n servers</text>\n");
    else
        fprintf(c->out, "%d server%s</text>\n", servers, servers == 1 ? "" : "s");
}

static void draw_ideal(const chart *c)
{
    const pt_forecast *a = &c->rows[0], *b = &c->rows[c->n - 1];

    fprintf(c->out,
            "<path fill=\"none\" stroke=\"#555\" stroke-dasharray=\"5 4\" d=\"M%.1f "
            "%.1fL%.1f %.1f\"/><text x=\"%.1f\" y=\"%.1f\" fill=\"#555\">no "
            "waiting</text>\n",
            place_x(c, a->trial.nodes), place_y(c, ideal(c, a)),
            place_x(c, b->trial.nodes), place_y(c, ideal(c, b)),
            place_x(c, b->trial.nodes) + 8, place_y(c, ideal(c, b)) + 4);
}

/* The numbers of servers of the table, ascending as in each group of rows. */
static void draw_lines(const chart *c)
{
    int index = 0;
    bool all = false;

    for (int servers = 1; servers <= c->rows[c->n - 1].trial.nodes; servers++) {
        size_t found = 0, alone = 0;

        for (size_t i = 0; i < c->n; i++) {
            found += c->rows[i].trial.servers == servers;
            alone += c->rows[i].trial.servers == servers && !c->rows[i].all;
        }
        if (found > 0 && alone > 0) draw_line(c, servers, index++);
        all = all || (found > 0 && alone == 0);
    }
    if (all) draw_line(c, 0, index);
}

pt_status pt_plan_chart(const char *path, const char *title, const pt_forecast *rows,
                        size_t n, double compute_s)
{
    chart c = {.out = fopen(path, "w"), .rows = rows, .n = n, .compute_s = compute_s};
    int bad;

    if (!c.out) return pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    measure(&c);
    fprintf(c.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"%d\" "
            "height=\"%d\" fill=\"white\"/>\n<text x=\"%d\" y=\"22\" font-size=\"14\">",
            WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
    pt_html_print(c.out, title);
    fprintf(c.out, "</text>\n");
    axes(&c);
    draw_ideal(&c);
    draw_lines(&c);
    fprintf(c.out, "</svg>\n");
    bad = ferror(c.out);
    if (fclose(c.out) != 0 || bad)
        return pt_fail(PT_ERR_IO, "%s cannot be written", path);
    return PT_OK;
}
