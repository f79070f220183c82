/* The command line of `ptrain plan`. */
#ifndef PT_LAUNCH_PLAN_OPTIONS_H
#define PT_LAUNCH_PLAN_OPTIONS_H

#include "launch/plan/forecast.h"
#include "launch/support/args.h"

typedef struct {
    const char *network, *nodes, *servers, *link, *svg;
    int batch, latency_us, threads;
    int images_per_s; /* of one node; 0: measured here */
    int cores, mtu;
    int jobs, limit_s; /* of simulations */
    bool apart, rdma;
    double bytes_per_s;
} pt_plan_options;

/* argv[0] is "plan". As pt_args_read. */
PT_MUST_USE bool pt_plan_options_read(int argc, char **argv, pt_plan_options *o,
                                      int *code);

/* A rate as people write it: "25Gb/s", "940Mb/s", "3.1GB/s"; b are bits, B bytes.
 * PT_ERR_USAGE. */
PT_MUST_USE pt_status pt_plan_link(const char *text, double *bytes_per_s);

/* The share of an Ethernet's rate that is left for payload with packets of mtu bytes. */
double pt_plan_payload(int mtu);

/* The rows that --nodes ("8..1024": doubling, or "4,6,8") and --servers ("1,4,n") ask
 * for, nodes ascending, malloc'd; a row with more servers than nodes is left out.
 * PT_ERR_USAGE. */
PT_MUST_USE pt_status pt_plan_rows(const pt_plan_options *o, pt_forecast **rows,
                                   size_t *n);

#endif
