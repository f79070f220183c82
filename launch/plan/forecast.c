#include "launch/plan/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "common/run/traffic.h"
#include "launch/plan/simulate.h"

/* Differences that a person would not pay for. */
static const double alike = 1.01;

pt_status pt_forecast_link(const pt_trial *t, double *link_s)
{
    pt_run *run = NULL;
    pt_traffic *links = pt_calloc((size_t)pt_trial_places(t), sizeof *links);
    pt_status s =
        links ? pt_trial_run_create(t, &run)
              : pt_fail(PT_ERR_NOMEM, "no memory for %d links", pt_trial_places(t));

    if (s == PT_OK) s = pt_traffic_of_places(run, 0, run->host, links);
    if (s == PT_OK) *link_s = pt_traffic_seconds(links, pt_trial_places(t), t->link);
    pt_run_destroy(&run);
    free(links);
    return s;
}

/* The fewest servers among the fastest layouts of each number of nodes. */
static void choose(pt_forecast *rows, size_t n)
{
    for (size_t first = 0, end; first < n; first = end) {
        double fastest = INFINITY;
        size_t best = first;

        for (end = first; end < n && rows[end].trial.nodes == rows[first].trial.nodes;
             end++)
            fastest = fmin(fastest, rows[end].step_s);
        while (rows[best].step_s > fastest * alike) best++;
        for (size_t i = best; i < end; i++)
            if (rows[i].step_s <= fastest * alike &&
                rows[i].trial.servers < rows[best].trial.servers)
                best = i;
        rows[best].best = true;
    }
}

/* What is known at once; then the simulation, if there is one. */
static pt_status start(pt_forecast *r, const pt_costs *c, pt_simulation *s)
{
    pt_status st = pt_forecast_link(&r->trial, &r->link_s);

    r->bound_s = fmax(r->link_s, pt_costs_compute(c));
    r->simulated = r->trial.nodes <= PT_FORECAST_SIMULATED / r->trial.servers;
    return st == PT_OK && r->simulated ? pt_simulation_start(&r->trial, c, s) : st;
}

/* more: how far above their bound layouts with all nodes as servers were simulated. */
static pt_status finish(pt_forecast *r, pt_simulation *s, double *more)
{
    pt_answer a;
    pt_status st;

    if (!r->simulated) {
        r->step_s = r->bound_s * *more;
        return PT_OK;
    }
    st = pt_simulation_end(s, &r->trial, &a);
    r->step_s = a.step_s;
    if (st == PT_OK && r->all) *more = a.step_s / r->bound_s;
    return st;
}

pt_status pt_forecast_all(pt_forecast *rows, size_t n, const pt_costs *c, int jobs,
                          void (*done)(void *context, const pt_forecast *row),
                          void *context)
{
    pt_simulation *running = pt_calloc(n, sizeof *running);
    double more = 1;
    size_t started = 0;
    pt_status s =
        running ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %zu simulations", n);

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        for (; started < n && started < i + (size_t)jobs && s == PT_OK; started++)
            s = start(&rows[started], c, &running[started]);
        if (s == PT_OK) s = finish(&rows[i], &running[i], &more);
        if (s == PT_OK) done(context, &rows[i]);
    }
    if (s == PT_OK) choose(rows, n);
    for (size_t i = 0; i < started; i++) pt_simulation_stop(&running[i]);
    free(running);
    return s;
}
