/* Layers of a network as filters: bank B of Ge and Yu (CVPR 2017, section 3.1), who take
 * the first two convolutions of a pretrained network after their ReLU. Each channel of
 * each layer is a map; a map of a layer with c channels counts 1/c of its layer, and all
 * layers count the same.
 *
 * The image is prepared as for a test: resized, its centre cropped, normalised. The slice
 * of a response is the upper half of its bits, in the order of the numbers (7 bits of
 * fraction: neighbours differ by at most 1/128 of the value). */
#ifndef PT_WORKER_ACTIVATIONS_H
#define PT_WORKER_ACTIVATIONS_H

#include "common/graph/graph.h"
#include "worker/borrow/bank.h"
#include "worker/input/augment.h"

typedef struct pt_activations pt_activations;

typedef struct {
    const pt_graph *graph;     /* borrowed */
    const float *weights;      /* [graph->n_floats], borrowed */
    const pt_augment *augment; /* borrowed */
    const int *nodes;          /* [n_nodes] below the representation, borrowed */
    int n_nodes;
} pt_activations_options;

/* PT_ERR_CONFIG: a layer of more than 65535 places. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_activations_create(const pt_activations_options *opt,
                                            pt_activations **out);
void pt_activations_destroy(pt_activations **a);

/* The bank, valid while a lives; maps in order of nodes, then of channels. It responds
 * with PT_ERR_NUMERIC where a value is not finite, and as pt_augment_test does. */
pt_bank pt_activations_bank(pt_activations *a);

/* The slice of a finite number; -0 is 0. */
uint16_t pt_activation_slice(float x);

#endif
