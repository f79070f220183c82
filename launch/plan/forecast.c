#include "launch/plan/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "common/run/traffic.h"
#include "launch/plan/simulate.h"

/* Differences that a person would not pay for. */
static const double equal = 1.01;

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
        while (rows[best].step_s > fastest * equal) best++;
        for (size_t i = best; i < end; i++)
            if (rows[i].step_s <= fastest * equal &&
                rows[i].trial.servers < rows[best].trial.servers)
                best = i;
        rows[best].best = true;
    }
}

/* Are both of one line of the table's picture? */
static bool alike(const pt_forecast *a, const pt_forecast *b)
{
    return a->all == b->all && (a->all || a->trial.servers == b->trial.servers);
}

/* Is rows[i] small enough, and was nothing smaller like it given up among the first
 * `known` rows? */
static bool is_worth_it(const pt_forecast *rows, size_t i, size_t known)
{
    for (size_t k = 0; k < known; k++)
        if (alike(&rows[k], &rows[i]) && !rows[k].simulated) return false;
    return rows[i].trial.nodes <= PT_FORECAST_SIMULATED / rows[i].trial.servers;
}

/* How far above its bound the largest simulated layout like rows[i] is. */
static double more(const pt_forecast *rows, size_t i)
{
    for (size_t k = i; k-- > 0;)
        if (alike(&rows[k], &rows[i]) && rows[k].simulated)
            return rows[k].step_s / rows[k].bound_s;
    return 1;
}

/* What is known at once; then the simulation, if there is one. */
static pt_status start(pt_forecast *rows, size_t i, size_t known, const pt_costs *c,
                       pt_simulation *s)
{
    pt_forecast *r = &rows[i];
    pt_status st = pt_forecast_link(&r->trial, &r->link_s);

    r->bound_s = fmax(r->link_s, pt_costs_compute(c));
    r->simulated = is_worth_it(rows, i, known);
    return st == PT_OK && r->simulated ? pt_simulation_start(&r->trial, c, s) : st;
}

static pt_status finish(pt_forecast *rows, size_t i, double limit_s, pt_simulation *s)
{
    pt_forecast *r = &rows[i];
    pt_answer a = {0};
    pt_status st = PT_OK;

    if (r->simulated) st = pt_simulation_end(s, &r->trial, limit_s, &a, &r->simulated);
    r->step_s = r->simulated ? a.step_s : r->bound_s * more(rows, i);
    return st;
}

pt_status pt_forecast_all(pt_forecast *rows, size_t n, const pt_costs *c,
                          const pt_forecast_effort *effort,
                          void (*done)(void *context, const pt_forecast *row),
                          void *context)
{
    pt_simulation *running = pt_calloc(n, sizeof *running);
    size_t started = 0, jobs = (size_t)effort->jobs;
    pt_status s =
        running ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for %zu simulations", n);

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        for (; started < n && started < i + jobs && s == PT_OK; started++)
            s = start(rows, started, i, c, &running[started]);
        if (s == PT_OK) s = finish(rows, i, effort->limit_s, &running[i]);
        if (s == PT_OK) done(context, &rows[i]);
    }
    if (s == PT_OK) choose(rows, n);
    for (size_t i = 0; i < started; i++) pt_simulation_stop(&running[i]);
    free(running);
    return s;
}
