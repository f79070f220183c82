/* Where a step's time goes: a clock whose laps are charged to kinds of layers, so that
 * their sum is the whole time. */
#ifndef PT_LAUNCH_BENCH_KINDS_H
#define PT_LAUNCH_BENCH_KINDS_H

#include "common/graph/graph.h"
#include "worker/engine/gemm/kernel.h"
#include "worker/engine/net/net.h"

/* A fused layer counts with the layer that does it. */
typedef enum {
    PT_KIND_CONV_1X1,
    PT_KIND_CONV_3X3,
    PT_KIND_CONV_OTHER,
    PT_KIND_DEPTHWISE,
    PT_KIND_LINEAR,
    PT_KIND_BATCH_NORM,
    PT_KIND_OTHER, /* relu, add, concat, pools, dropout, copies */
    PT_KIND_LOSS,
    PT_KIND_UPDATE,
    PT_KIND_WAITING, /* for other ranks, and for messages */
    PT_N_KINDS
} pt_bench_kind;

const char *pt_bench_kind_name(pt_bench_kind k);

/* Does the kind's time go into matrix products? */
bool pt_bench_kind_multiplies(pt_bench_kind k);

typedef struct {
    const pt_graph *graph; /* borrowed */
    double since;          /* end of the lap before */
    double seconds[PT_N_KINDS];
} pt_bench_laps;

/* Starts the clock; `seconds` are kept. */
void pt_bench_laps_start(pt_bench_laps *l);

/* What has passed since the last lap, or the start, goes to kind k. */
void pt_bench_charge(pt_bench_laps *l, pt_bench_kind k);

/* The hook pt_net_hooks.lap; context: pt_bench_laps. */
void pt_bench_lap(void *laps, int node, pt_net_part part);

/* Operations by what is multiplied: floats, or numbers rounded to bfloat16. */
typedef struct {
    double fp32, bf16;
} pt_bench_work;

/* Operations of one image's training step in kind k: two for each multiply-add that the
 * direct algorithm needs, forward, to the weights, and to the inputs that have layers
 * below them. */
pt_bench_work pt_bench_flop(const pt_graph *g, pt_kernel kernel, pt_bench_kind k);

#endif
