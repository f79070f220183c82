#include "launch/plan/chart.h"

#include <stdio.h>
#include <stdlib.h>

#include "launch/support/figure.h"

/* The points of all lines; each line takes room for every row. */
typedef struct {
    const pt_forecast *rows;
    size_t n;
    double compute_s;
    pt_curve *curves; /* [n + 1] */
    char (*labels)[32];
    double *x, *y; /* [n + 1][n] */
    bool *hollow;  /* [n + 1][n] */
    size_t n_curves;
} chart;

static double images(const pt_forecast *r)
{
    return (double)r->trial.batch * r->trial.nodes / r->step_s;
}

static pt_curve *next_curve(chart *c)
{
    size_t k = c->n_curves++;

    c->curves[k] = (pt_curve){.label = c->labels[k],
                              .x = c->x + k * c->n,
                              .y = c->y + k * c->n,
                              .hollow = c->hollow + k * c->n};
    return &c->curves[k];
}

static void add_point(chart *c, double nodes, double rate, bool hollow)
{
    size_t k = c->n_curves - 1, at = k * c->n + c->curves[k].n++;

    c->x[at] = nodes;
    c->y[at] = rate;
    c->hollow[at] = hollow;
}

/* Nodes that never wait. */
static void add_ideal(chart *c)
{
    pt_curve *k = next_curve(c);

    snprintf(c->labels[0], sizeof *c->labels, "no waiting");
    k->dashed = true;
    for (size_t i = 0; i < c->n; i++) {
        const pt_trial *t = &c->rows[i].trial;

        if (i == 0 || t->nodes != c->rows[i - 1].trial.nodes)
            add_point(c, t->nodes, (double)t->batch * t->nodes / c->compute_s, false);
    }
}

/* A line of the rows with this many servers, or (0) with one on each node, if there are
 * any. */
static void add_line(chart *c, int servers)
{
    size_t n = c->n_curves;

    for (size_t i = 0; i < c->n; i++) {
        const pt_forecast *r = &c->rows[i];

        if (servers == 0 ? !r->all : r->all || r->trial.servers != servers) continue;
        if (c->n_curves == n) {
            next_curve(c);
            if (servers == 0)
                snprintf(c->labels[n], sizeof *c->labels, "a server on each");
            else
                snprintf(c->labels[n], sizeof *c->labels, "%d server%s", servers,
                         servers == 1 ? "" : "s");
        }
        add_point(c, r->trial.nodes, images(r), !r->simulated);
    }
}

/* The numbers of servers of the table, ascending, each once. */
static void add_lines(chart *c)
{
    int most = 0;

    for (size_t i = 0; i < c->n; i++)
        if (!c->rows[i].all && c->rows[i].trial.servers > most)
            most = c->rows[i].trial.servers;
    for (int servers = 1; servers <= most; servers++) add_line(c, servers);
    add_line(c, 0);
}

static const char *x_label(const chart *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->rows[i].simulated) return "nodes (rings: not simulated)";
    return "nodes";
}

pt_status pt_plan_chart(const char *path, const char *title, const pt_forecast *rows,
                        size_t n, double compute_s)
{
    size_t room = pt_mul(n + 1, n);
    chart c = {.rows = rows,
               .n = n,
               .compute_s = compute_s,
               .curves = pt_calloc(n + 1, sizeof *c.curves),
               .labels = pt_calloc(n + 1, sizeof *c.labels),
               .x = pt_calloc(room, sizeof *c.x),
               .y = pt_calloc(room, sizeof *c.y),
               .hollow = pt_calloc(room, sizeof *c.hollow)};
    pt_status s = PT_OK;

    if (!c.curves || !c.labels || !c.x || !c.y || !c.hollow) {
        s = pt_fail(PT_ERR_NOMEM, "no memory for a picture");
    } else {
        add_ideal(&c);
        add_lines(&c);
        s = pt_figure_write(&(pt_figure){.title = title,
                                         .x_label = x_label(&c),
                                         .y_label = "images per second",
                                         .curves = c.curves,
                                         .n_curves = c.n_curves},
                            path);
    }
    free(c.curves);
    free(c.labels);
    free(c.x);
    free(c.y);
    free(c.hollow);
    return s;
}
