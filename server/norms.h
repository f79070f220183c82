/* The one global weight w of a step, from the workers' per-shard averages of gradient
 * norms (Zhong & Maki, CVPR 2020, Algorithm 1), and the gate. Pure: no MPI, no clock. */
#ifndef PT_SERVER_NORMS_H
#define PT_SERVER_NORMS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/run/wire.h"

/* Means over the b images of the batch. */
typedef struct {
    double ce, accuracy, g_ce, g_ptr, l_ptr, rep, cosine;
    double penalty; /* what regularizers add to the loss, weighted; without L2-SP's */
    double batch_ce, batch_ptr; /* norms of the mean gradients, norm: batch; else 0 */
    int bad;
} pt_batch_means;

/* Adds the shards in shard order (of those with n = 0, only bad and penalty) and divides
 * by b. */
void pt_norms_combine(const pt_shard_sums *shards, int n_shards, pt_batch_means *out);

/* The norms of the batch-mean gradients, from the shards' sums of g_ce and g_ptr, vectors
 * [n_shards][2][dims], added in shard order (those with n = 0 are left out). room
 * [2 dims] is scratch. */
void pt_norms_of_means(const pt_shard_sums *shards, int n_shards, const double *vectors,
                       int dims, double *room, pt_batch_means *out);

typedef enum { PT_GATE_EMA, PT_GATE_EPOCH, PT_GATE_ALWAYS } pt_gate_kind;

/* "L_ce is far from its minimum": plain value; init with pt_gate_init. An open gate stays
 * open. */
typedef struct {
    pt_gate_kind kind;
    double threshold; /* EMA: fraction * ln C */
    double decay;     /* EMA: weight of the past */
    double epoch;     /* EPOCH */
    double ema;       /* of the batch CE; starts at the first CE */
    bool started, open;
} pt_gate;

void pt_gate_init(pt_gate *g, pt_gate_kind kind, double fraction, double decay,
                  double epoch, int n_classes);

/* Takes the batch's CE, says whether this step regresses. epoch: passes done before this
 * step, fractional. */
bool pt_gate_step(pt_gate *g, double ce, double epoch);

/* w = G_ce / (G_ptr * R); 0 where the gate is shut or either norm is 0 or not finite. */
double pt_pseudo_task_weight(bool open, double g_ce, double g_ptr, double ratio);

#endif
