/* Algorithm 1 of Zhong & Maki, CVPR 2020, where the whole batch is known: the gate and
 * the one weight w of a step, from what workers report of each shard (pt_shard_sums).
 *
 *     for each mini-batch i
 *         if L_ce is far from its minimum       pt_gate_step
 *             back-propagate L_ce
 *         else
 *             L_ptr = f_reg(rep, t)             workers (worker/objective)
 *             norms of dL_ce/drep, dL_ptr/drep  workers, per image
 *             G_ce, G_ptr: their averages       pt_algorithm1_means
 *             w = G_ce / (G_ptr * R)            pt_algorithm1_weight
 *             back-propagate L_ce + w * L_ptr   workers, from the step record's w
 *
 * The averages are over the batch, whatever the number of workers: averages of each
 * worker's images would be another method. Pure: no MPI, no clock. */
#ifndef PT_SERVER_ALGORITHM1_H
#define PT_SERVER_ALGORITHM1_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"
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
void pt_algorithm1_means(const pt_shard_sums *shards, int n_shards, pt_batch_means *out);

/* The norms of the batch-mean gradients, from the shards' sums of g_ce and g_ptr, vectors
 * [n_shards][2][dims], added in shard order (those with n = 0 are left out). scratch
 * [2 dims]. */
void pt_algorithm1_norms_of_means(const pt_shard_sums *shards, int n_shards,
                                  const double *vectors, int dims, double *scratch,
                                  pt_batch_means *out);

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

void pt_gate_init(pt_gate *g, const Pt__Config__PseudoTask *c, int n_classes);

/* Takes the batch's CE; returns whether this step regresses. epoch: passes done before
 * this step, fractional. */
bool pt_gate_step(pt_gate *g, double ce, double epoch);

/* w = G_ce / (G_ptr * R) from the norms that c balances, of images or of the batch's mean
 * gradients; 0 where the gate is shut or either norm is 0 or not finite. */
double pt_algorithm1_weight(const Pt__Config__PseudoTask *c, const pt_batch_means *m,
                            bool open);

#endif
