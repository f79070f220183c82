/* The table of a plan as a drawing, complete in itself: images per second over nodes,
 * both on logarithmic scales. */
#ifndef PT_LAUNCH_PLAN_CHART_H
#define PT_LAUNCH_PLAN_CHART_H

#include "launch/plan/forecast.h"

/* A line for each number of servers, and one for nodes that would not have to wait.
 * compute_s: of the layers. PT_ERR_IO. */
PT_MUST_USE pt_status pt_plan_chart(const char *path, const char *title,
                                    const pt_forecast *rows, size_t n, double compute_s);

#endif
