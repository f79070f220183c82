/* The losses of a step and their gradients at logits and representation: cross-entropy,
 * pseudo-task, and the regularizers that a run asks for. Each formula is in a file of its
 * own; here is when it applies:
 *
 *     logits          cross-entropy -> gradient g_ce at the representation, by the net
 *     representation  norms of g_ce and g_ptr -> payload; rows of coupled images
 *     record, terms   the rest at the logits (confusion) and at the representation
 *                     (w g_ptr, feature norm, shrinkage) -> one gradient that goes back
 *
 * So w balances the pseudo-task against the cross-entropy alone, whatever else is on.
 * Nothing depends on which worker owns an image. One thread calls, the pool computes. */
#ifndef PT_WORKER_OBJECTIVE_H
#define PT_WORKER_OBJECTIVE_H

#include "common/run/run.h"
#include "common/run/wire.h"
#include "worker/engine/threads.h"

typedef struct pt_objective pt_objective;

/* Borrows run and pool. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_objective_create(const pt_run *run, pt_threads *pool,
                                          int max_images, pt_objective **out);
void pt_objective_destroy(pt_objective **o);
size_t pt_objective_bytes(const pt_run *run, int max_images);

/* Cross-entropy of the n images of span at step, b in the whole batch. logits
 * [n][n_classes]; labels [n], then, with mixup, [n] of the partners; both borrowed for
 * the step. Returns its gradient, [n][n_classes], the batch mean's. */
const float *pt_objective_classify(pt_objective *o, uint64_t step, const pt_span *span,
                                   const float *logits, const int32_t *labels);

/* With a source head, after classify: the losses of the n images there, LwF's or joint
 * training's; source_logits [n][source classes]. Returns their gradient, likewise, the
 * batch mean's, times its weight. */
const float *pt_objective_at_source(pt_objective *o, const float *source_logits);

/* DELTA, after classify: maps and those of the start weights [n] [pixels * channels] of
 * the span's images from first on, at the k-th of the run's nodes; the gradient of the
 * batch mean's loss, times its weight, into g, likewise. */
void pt_objective_hold_map(pt_objective *o, int k, int first, int n, const float *map,
                           const float *start, float *g);

/* Norms at the representation: rep and g_ce [n][rep size], borrowed for the step. */
void pt_objective_regress(pt_objective *o, const float *rep, const float *g_ce);

/* Writes this step's parts of the payload (common/run/wire.h): shards, vectors, images,
 * rows.
 */
void pt_objective_fill(const pt_objective *o, const pt_payload *at, double *payload);

/* The pseudo-task's gradient alone, [n][rep size], for the diagnostic pass. */
const float *pt_objective_pseudo_gradient(const pt_objective *o);

/* With the terms of this worker's images (pt_terms_doubles; NULL: none): the gradient of
 * all losses at the logits, or NULL where it is the cross-entropy's. */
const float *pt_objective_at_logits(pt_objective *o, const double *terms);

/* The one gradient that goes back from the representation: g [n][rep size], what came
 * from the logits, plus weight * g_ptr and what regularizers add. g may be the view that
 * pt_objective_regress was given; the result is another array, or g itself where nothing
 * is added. */
const float *pt_objective_at_rep(pt_objective *o, const float *g, double weight,
                                 const double *terms);

#endif
