/* What every rank of a run knows: configuration, network, plan, keys and the layout
 * of the job. Servers are ranks 0..S-1, workers the others, those of one host one after
 * another (common/run/layout.h). */
#ifndef PT_COMMON_RUN_RUN_H
#define PT_COMMON_RUN_RUN_H

#include <stdbool.h>

#include "common/config/methods.h"
#include "common/graph/graph.h"
#include "common/run/allreduce.h"
#include "common/run/keys.h"
#include "common/run/plan.h"
#include "common/run/shards.h"

/* What methods ask for (common/config/methods.h), available before the first step. NULL:
 * no method of the run asks. */
typedef struct {
    float *start;        /* [graph->n_floats]: the start weights */
    int32_t *labels;     /* [plan->n_images] */
    float *feature_mean; /* [rep size], of the training images at the start */
    float *feature_std;
    /* The start weights' outputs, for each image: logits [plan->n_images][source
     * classes]; or for each class: logarithms of mean probabilities, [n_classes][source
     * classes]. */
    float *responses;
    int *maps; /* [n_maps]: nodes whose maps are compared with those of the start weights
                */
    int n_maps;
    float *attention; /* [channels of these]: how much each counts; NULL: all 1 */
} pt_given;

typedef struct pt_run {
    pt_config *config;
    pt_graph *graph;
    pt_plan *plan;
    pt_keys *keys;
    int n_servers, n_workers;
    int *host;   /* [n_servers + n_workers]: the number of each rank's host, 0, 1, ... in
                    the order of their first rank; NULL: all are on one */
    bool lends;  /* ranks of a host share memory (common/comm/segments.h) */
    float *flat; /* [graph->n_floats], memory layout: this rank's copy of the weights */
    bool flat_lent;         /* it is in this rank's segment */
    bool *trained;          /* [graph->n_params] of the stage entered last */
    bool *wanted;           /* [graph->n_nodes]: the node, or one below it, is trained */
    size_t stage;           /* that stage */
    uint64_t first_step;    /* 0, or where a run resumes */
    bool test_owed;         /* resumed: the previous step's test is still to be done */
    struct pt_trace *trace; /* of this rank (common/run/trace.h), owned; NULL: none */
    unsigned asks;          /* what its methods ask for: PT_ASKS_, PT_SENDS_ */
    pt_given given;
} pt_run;

/* Makes graph-dependent parts: keys, trained, flat (zeros), arrays of what methods ask
 * for. Takes config, graph and plan, also on failure. */
PT_MUST_USE pt_status pt_run_create(pt_config *config, pt_graph *graph, pt_plan *plan,
                                    int n_servers, int n_workers, pt_run **out);
void pt_run_destroy(pt_run **r);

/* Do servers hold the gradients of a step until all are there, and move no key before?
 * (run.nonfinite: skip_all, optimizer.clip_norm) */
bool pt_run_holds(const pt_run *r);

/* Doubles in the vote that `server` sends rank 0 then: the key whose gradient is not
 * finite, and where the norm is clipped the sum of squares of each of its keys. Rank 0
 * answers with the key and the norm. */
enum { PT_VERDICT_DOUBLES = 2 };
size_t pt_run_vote_doubles(const pt_run *r, int server);

/* May the run end before its last step (early_stopping)? Then a second record follows
 * each test. */
bool pt_run_may_end_early(const pt_run *r);

/* Do the two ranks share memory, so that a message between them can be lent? */
bool pt_run_lends(const pt_run *r, int rank, int other);

/* Moves flat to memory that outlives the run, [graph->n_floats]; NULL: it stays. */
void pt_run_move_flat(pt_run *r, float *memory);

/* Keeps a copy of the current weights as the start weights, if a method asks for them.
 * Call when `flat` holds them and before a checkpoint is loaded. */
void pt_run_keep_start(pt_run *r);

/* Bytes of `flat` and of what methods ask for, on every rank. */
size_t pt_run_bytes(const pt_run *r);

/* Floats of the responses; 0: not needed. */
size_t pt_run_response_floats(const pt_run *r);

/* Brings `trained` and `wanted` to the stage of step; true if it is the stage's first
 * step, or the run's. */
bool pt_run_enter_step(pt_run *r, uint64_t step);

/* Does the step begin with rank 0 sending the running statistics to every worker? A later
 * stage may use them, a method needs them in every step; before the run's first step all
 * ranks have them. The stage must be entered. */
bool pt_run_sends_running(const pt_run *r, uint64_t step);

/* Shards of worker (0..n_workers-1), and its span of the batch of step. */
pt_span pt_run_span(const pt_run *r, int worker, uint64_t step);

/* Are gradients rounded to bfloat16 at every node of their tree, and sent in two bytes a
 * value (server.wire)? */
bool pt_run_wire_bf16(const pt_run *r);

/* The workers that have images in the batch of step. */
void pt_run_members(const pt_run *r, uint64_t step, pt_members *m);

/* Does this batch norm node compute statistics in the current stage? */
bool pt_run_has_moments(const pt_run *r, int node);

/* Size of the representation. */
int pt_run_rep_size(const pt_run *r);

/* The last parameter tensor with more than one dimension that is not the head's. */
int pt_run_last_trunk_tensor(const pt_run *r);

#endif
