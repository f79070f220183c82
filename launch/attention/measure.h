/* How much a network's loss grows without each channel of some feature maps: DELTA's
 * attention (Li et al., ICLR 2019, equation 6), measured by all ranks together. */
#ifndef PT_LAUNCH_ATTENTION_MEASURE_H
#define PT_LAUNCH_ATTENTION_MEASURE_H

#include "common/run/delta.h"
#include "launch/support/image_set.h"
#include "worker/input/augment.h"

typedef struct {
    pt_delta_maps maps;        /* of a network with its trained head */
    const float *weights;      /* [graph->n_floats], the same on all ranks */
    const pt_augment *augment; /* images are preprocessed by its test view */
    const pt_dataset *data;
    const uint32_t *images; /* [n] */
    size_t n;
    int threads; /* of this rank */
} pt_attention_task;

/* increase [pt_delta_channels], *loss: out on rank 0, see common/run/delta.h. Ranks share
 * the channels; neither they nor the threads change a bit. Collective; a failure is
 * agreed.
 */
PT_MUST_USE pt_status pt_attention_measure(const pt_attention_task *t, float *increase,
                                           double *loss);

#endif
