/* The losses of a step and their gradients at logits and representation: the
 * cross-entropy, and what the methods of the run add (worker/objective/method.h). Each
 * method is a file of its own; here is when its hooks are called:
 *
 *     input           -> forward pass
 *     logits          cross-entropy -> gradient g_ce at the representation, by the net
 *     representation  norms of g_ce and g_ptr -> payload; rows of coupled images
 *     record, terms   the rest at the logits and at the representation (w g_ptr first)
 *                     -> one gradient that goes back
 *
 * So w balances the pseudo-task against the cross-entropy alone, whatever else is on.
 * Nothing depends on which worker owns an image. One thread calls, the pool computes. */
#ifndef PT_WORKER_OBJECTIVE_H
#define PT_WORKER_OBJECTIVE_H

#include "common/run/run.h"
#include "common/run/wire.h"
#include "worker/engine/net/net.h"

typedef struct pt_objective pt_objective;

/* What the methods of the run change in the net that trains, into o. */
void pt_objective_net_options(const pt_run *run, pt_net_options *o);

/* Borrows run and net->pool. net: with pt_objective_net_options. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_objective_create(const pt_run *run, const pt_net_options *net,
                                          pt_objective **out);
void pt_objective_destroy(pt_objective **o);
size_t pt_objective_bytes(const pt_run *run, const pt_net_options *net);

/* Nets that methods have of their own: each(context, net). */
void pt_objective_each_net(pt_objective *o, void (*each)(void *context, pt_net *net),
                           void *context);

/* A step begins, with the images of span, b in the whole batch: pixels, labels [n], then
 * those of the mirrored images where a method asks for them; borrowed for the step.
 * Returns the net's input. */
const float *pt_objective_begin(pt_objective *o, uint64_t step, const pt_span *span,
                                const float *pixels, const int32_t *labels);

/* Cross-entropy; logits [n][n_classes]. Returns its gradient, [n][n_classes], the batch
 * mean's. */
const float *pt_objective_classify(pt_objective *o, const float *logits);

/* With a source head: what a method makes of its logits [n][source classes]. Returns the
 * gradient, also of the batch mean; NULL: no method looks at them. */
const float *pt_objective_at_source(pt_objective *o, const float *source_logits);

/* Methods that look at feature maps give the net what they add to their gradients. input:
 * what the net got. */
PT_MUST_USE pt_status pt_objective_at_maps(pt_objective *o, pt_net *net,
                                           const float *input);

/* Norms at the representation: rep and g_ce [n][rep size], borrowed for the step. */
void pt_objective_regress(pt_objective *o, const float *rep, const float *g_ce);

/* Writes this step's parts of the payload (common/run/wire.h): shards, vectors, images,
 * rows. */
void pt_objective_fill(const pt_objective *o, const pt_payload *at, double *payload);

/* The gradient that w is the weight of, [n][rep size], for the diagnostic pass; NULL: the
 * run has none. */
const float *pt_objective_weighted_gradient(const pt_objective *o);

/* With the terms of this worker's images (pt_terms_doubles; NULL: none): the gradient of
 * all losses at the logits, or NULL where it is the cross-entropy's. */
const float *pt_objective_at_logits(pt_objective *o, const double *terms);

/* The one gradient that goes back from the representation: g [n][rep size], what came
 * from the logits, plus weight * g_ptr and what methods add. g may be the view that
 * pt_objective_regress was given; the result is another array, or g itself where no
 * method adds anything. */
const float *pt_objective_at_rep(pt_objective *o, const float *g, double weight,
                                 const double *terms);

#endif
