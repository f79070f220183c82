/* The layouts of a plan, tried one by one: simulated where that is quick enough, else
 * from the formula. */
#ifndef PT_LAUNCH_PLAN_FORECAST_H
#define PT_LAUNCH_PLAN_FORECAST_H

#include "launch/plan/costs.h"
#include "launch/plan/trial.h"

/* Larger layouts, nodes times servers, are not simulated. */
enum { PT_FORECAST_SIMULATED = 1024 * 32 };

typedef struct {
    pt_trial trial;
    bool all;       /* as many servers as nodes */
    bool simulated; /* false: step_s is the bound, times what the largest simulated layout
                       with as many servers (or with one on each node) needed more */
    bool best;      /* the fastest of its number of nodes, and of those the one with the
                       fewest servers */
    double step_s;
    double link_s;  /* of the busiest link alone */
    double bound_s; /* no step can be shorter: link_s, or the layers' time */
} pt_forecast;

/* What a plan may cost. */
typedef struct {
    int jobs;       /* simulations at once */
    double limit_s; /* of one simulation: a longer one is ended, and larger layouts with
                       as many servers are not begun */
} pt_forecast_effort;

/* Seconds of the busiest link in a step of the trial, from the formula alone. */
PT_MUST_USE pt_status pt_forecast_link(const pt_trial *t, double *link_s);

/* Fills rows [n], of which `trial` and `all` are given and the numbers of nodes ascend.
 * `done` is called with each row in order as soon as it is known, its `best` excepted. */
PT_MUST_USE pt_status pt_forecast_all(pt_forecast *rows, size_t n, const pt_costs *c,
                                      const pt_forecast_effort *effort,
                                      void (*done)(void *context, const pt_forecast *row),
                                      void *context);

#endif
