/* L2-SP (Li et al., ICML 2018), instead of weight decay: weights are pulled towards the
 * start weights, the head's towards 0. Kernels alone unless all_parameters, as in their
 * program. */
#include "server/methods/method.h"

static void rule(const pt_run *run, const pt_key *key, pt_sgd *r)
{
    const pt_tensor *t = &run->graph->tensors[key->tensor];
    const Pt__Config__StartingPoint *c = run->config->regularizers->l2_sp;

    r->weight_decay = t->head ? c->beta : c->alpha;
    if (t->n_dims < 2 && !c->all_parameters) r->weight_decay = 0;
    if (!t->head) r->anchor = run->given.start + key->offset;
}

const pt_server_method pt_server_l2_sp = {.rule = rule};
