/* What an optimizer keeps of the parameters from step to step. Plain arrays. Pure.
 *
 * AdamW's bias is removed by the number of updates, which PyTorch counts for each tensor:
 * a stage may freeze some. Every server counts all tensors, so that a resumed run may cut
 * them over its servers in another way; server 0's part of a checkpoint has the counts.
 */
#ifndef PT_SERVER_OPTIMIZER_STATE_H
#define PT_SERVER_OPTIMIZER_STATE_H

#include "common/run/run.h"

typedef struct {
    float *velocity; /* [n_param_floats], memory layout: sgd's momentum, adamw's first
                        moment */
    float *squares;  /* [n_param_floats]: adamw's second moment; NULL: sgd has none */
    uint64_t
        *updates; /* [n_params]: how often adamw has moved each tensor; NULL as well */
} pt_optimizer_state;

/* Does the run's optimizer have squares and updates? */
bool pt_optimizer_has_squares(const pt_run *run);

/* Floats that it keeps of each parameter. */
size_t pt_optimizer_floats(const pt_run *run);

/* Arrays of 0, as before the first step. After a failure pt_optimizer_state_fini frees
 * what there is; it may be called twice. */
PT_MUST_USE pt_status pt_optimizer_state_init(const pt_run *run, pt_optimizer_state *o);
void pt_optimizer_state_fini(pt_optimizer_state *o);

#endif
