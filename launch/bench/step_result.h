/* What `ptrain bench step` found, as text or as one line of JSON. */
#ifndef PT_LAUNCH_BENCH_STEP_RESULT_H
#define PT_LAUNCH_BENCH_STEP_RESULT_H

#include "common/run/run.h"
#include "launch/bench/kinds.h"
#include "launch/bench/options.h"
#include "launch/bench/peak.h"

/* One process: median over the steps, parts by their share of all steps' time. */
typedef struct {
    double seconds;           /* of a step */
    double parts[PT_N_KINDS]; /* seconds of a step; their sum is `seconds` */
    pt_bench_peak peak;       /* measured before the steps */
    pt_net_memory arena;      /* bytes */
    uint64_t peak_rss;        /* bytes, of the process */
} pt_bench_alone_result;

/* One server, several workers. Seconds of one step: `seconds` is a median, all others are
 * means. */
typedef struct {
    double seconds;
    double input, compute, waiting;  /* of a worker */
    double tree, update, server;     /* CPU time of the server rank; server: all of it */
    uint64_t server_rss, worker_rss; /* bytes; of the largest worker */
} pt_bench_job_result;

PT_MUST_USE pt_status pt_bench_print_alone(const pt_bench_step_options *o,
                                           const pt_graph *g,
                                           const pt_bench_alone_result *r);
PT_MUST_USE pt_status pt_bench_print_job(const pt_bench_step_options *o,
                                         const pt_graph *g, const pt_bench_job_result *r);

#endif
