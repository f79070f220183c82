/* Where a node's time goes, from this machine or from a number of images per second. */
#ifndef PT_LAUNCH_PLAN_MEASURE_H
#define PT_LAUNCH_PLAN_MEASURE_H

#include "launch/plan/costs.h"

/* Fills c (pt_costs_init) with the layers' times for `batch` images on `threads` threads:
 * the mean of some steps on synthetic images. Takes seconds. */
PT_MUST_USE pt_status pt_measure_layers(const char *network, int batch, int threads,
                                        pt_costs *c);

/* The same for a node that trains images_per_s alone: each layer's share is that of its
 * operations. */
void pt_estimate_layers(const pt_graph *g, int batch, double images_per_s, pt_costs *c);

/* The rates of one thread of this machine, on blocks of a key's size. */
PT_MUST_USE pt_status pt_measure_rates(pt_cost_rates *r);

#endif
