/* A network that computes: forward and backward of a graph over the shards that one
 * worker owns, layer by layer over all of them.
 *
 * Nothing here knows MPI. What needs other ranks goes through hooks, called on the
 * caller's thread: to wait for a layer's weights, to exchange sums with all workers, to
 * announce gradients that are complete. A test can play several workers in one
 * process.
 *
 * Rule of bits: results depend on the graph, V, b and the values, never on lo/hi, the
 * number of threads or of workers. */
#ifndef PT_WORKER_ENGINE_NET_NET_H
#define PT_WORKER_ENGINE_NET_NET_H

#include "worker/engine/net/net_options.h"
#include "worker/engine/values.h"

PT_MUST_USE pt_status pt_net_create(const pt_net_options *opt, pt_net **out);
void pt_net_destroy(pt_net **n);
void pt_net_set_hooks(pt_net *n, const pt_net_hooks *hooks);

/* What pt_net_create would allocate. */
pt_net_memory pt_net_plan(const pt_net_options *opt);

/* Which tensors are trained from now on: trained [n_params] bool. Batch norm nodes whose
 * gamma is not trained use running statistics. Everything is trained at the start. */
void pt_net_set_trained(pt_net *n, const bool *trained);

/* rows [n_in] of a linear layer's weights: which of them a backward pass is to form the
 * gradients of, from now on; others may be left as they are. Borrowed; NULL, as at the
 * start: all. A diagnostic pass forms all. */
void pt_net_want_rows(pt_net *n, int tensor, const bool *rows);

/* Training forward: input [images of the span][h][w][c], borrowed until the backward pass
 * is done. step feeds dropout. Leaves rep and logits readable. */
PT_MUST_USE pt_status pt_net_forward(pt_net *n, const pt_span *span, const float *input,
                                     uint64_t step);

/* Evaluation forward of n_images images: running statistics, no dropout. */
PT_MUST_USE pt_status pt_net_evaluate(pt_net *n, int n_images, const float *input);

/* The same, but only for the nodes up to `top`. */
PT_MUST_USE pt_status pt_net_evaluate_to(pt_net *n, int n_images, const float *input,
                                         int top);

/* Repeats pt_net_evaluate for the same images with `channel` of the k-th of the options'
 * maps set to zero; only the nodes above the map are computed. The map itself is
 * unchanged, the outputs above it are those of this pass: after one map, only maps at or
 * below it can follow until the next pt_net_evaluate. Needs the option repeats. */
PT_MUST_USE pt_status pt_net_evaluate_without(pt_net *n, int k, int channel);

/* Whether evaluation includes the branch to the source logits; false at the start. */
void pt_net_evaluate_side(pt_net *n, bool side);

/* [images][c] of a node after a forward pass, [images][h][w][c] of one of the options'
 * maps; borrowed. NULL: not kept, not computed, or stored as bfloat16. */
const float *pt_net_output(const pt_net *n, int node);

/* The same as it is stored. */
pt_values pt_net_values(const pt_net *n, int node);

/* Backward by data only, from the logits to rep: dlogits [images][classes] in, borrowed
 * view of the gradient at rep out ([images][rep size]). Head nodes keep their gradients
 * for pt_net_backward. Needs rep to be an ancestor that all paths to the logits cross. */
PT_MUST_USE pt_status pt_net_backward_head(pt_net *n, const float *dlogits,
                                           const float **drep);

/* For a graph with a source head, before pt_net_backward: the gradient at its logits,
 * [images][source classes]. */
PT_MUST_USE pt_status pt_net_set_source_gradient(pt_net *n, const float *dsource);

/* Before pt_net_backward: g [images][h][w][c], borrowed until it is done, is added to the
 * gradient of the k-th of the options' maps. */
void pt_net_add_map_gradient(pt_net *n, int k, const float *g);

/* The rest: weight gradients of the head (from what pt_net_backward_head kept), then the
 * whole trunk from drep [images][rep size]. Calls gradient_ready for each trained
 * parameter tensor; stops below the lowest one. */
PT_MUST_USE pt_status pt_net_backward(pt_net *n, const float *drep);

/* Diagnostic: the gradient of one trunk tensor alone, from drep; of the hooks only
 * exchange is called. Repeatable; pt_net_backward_head must be called again before
 * pt_net_backward. drep may not be the view that pt_net_backward_head returned. */
PT_MUST_USE pt_status pt_net_backward_probe(pt_net *n, const float *drep, int tensor);

/* The sum over cover sub-tree t of the span of d(loss)/d(tensor), [count], memory
 * layout. Valid until the next forward pass. */
float *pt_net_gradient(pt_net *n, int tensor, int t);

/* The factors of the gradient of a linear layer's weights, for the images of the span:
 * x [images][n_in] and dy [images][n_out]. Borrowed, within the tensor's
 * gradient_ready. */
void pt_net_factors(const pt_net *n, int tensor, const float **x, const float **dy);

/* d(loss)/d(input) after the backward pass, [images of the span][h][w][c]; valid until
 * the next pass. NULL without the option input_gradient. */
const float *pt_net_input_gradient(const pt_net *n);

/* Merged or own moments of a batch norm node after a training forward: for each cover
 * sub-tree t with images its value (moments.h layout), t in order of the cover; NULL for
 * nodes that did not compute statistics. */
const double *pt_net_moments(const pt_net *n, int node, int t);

#endif
