/* L2-SP (Li et al., ICML 2018), instead of weight decay: weights are pulled towards the
 * start weights, the head's towards 0. Kernels alone unless all_parameters, as in their
 * program. */
#include "server/methods/method.h"

static void decay(const pt_run *run, const pt_key *key, pt_decay *d)
{
    const pt_tensor *t = &run->graph->tensors[key->tensor];
    const Pt__Config__StartingPoint *c = run->config->regularizers->l2_sp;

    d->coefficient = t->head ? c->beta : c->alpha;
    if (t->n_dims < 2 && !c->all_parameters) d->coefficient = 0;
    if (!t->head) d->anchor = run->given.start + key->offset;
}

const pt_server_method pt_server_l2_sp = {.decay = decay};
