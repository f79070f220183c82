#include "server/optimizer_state.h"

#include <stdlib.h>

bool pt_optimizer_has_squares(const pt_run *run)
{
    return run->config->optimizer->kind == PT__CONFIG__OPTIMIZER__KIND__ADAMW;
}

size_t pt_optimizer_floats(const pt_run *run)
{
    return pt_optimizer_has_squares(run) ? 2 : 1;
}

pt_status pt_optimizer_state_init(const pt_run *run, pt_optimizer_state *o)
{
    size_t n = run->graph->n_param_floats;
    bool squares = pt_optimizer_has_squares(run);

    *o = (pt_optimizer_state){.velocity = pt_calloc(n, sizeof *o->velocity)};
    if (squares) {
        o->squares = pt_calloc(n, sizeof *o->squares);
        o->updates = pt_calloc((size_t)run->graph->n_params, sizeof *o->updates);
    }
    if (o->velocity && (!squares || (o->squares && o->updates))) return PT_OK;
    return pt_fail(PT_ERR_NOMEM, "no memory for the optimizer's state (%zu bytes)",
                   pt_optimizer_floats(run) * n * sizeof(float));
}

void pt_optimizer_state_fini(pt_optimizer_state *o)
{
    free(o->velocity);
    free(o->squares);
    free(o->updates);
    *o = (pt_optimizer_state){0};
}
