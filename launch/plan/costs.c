#include "launch/plan/costs.h"

#include <stdlib.h>

pt_status pt_costs_init(pt_costs *c, const pt_graph *g)
{
    size_t n = (size_t)g->n_nodes;

    *c = (pt_costs){.n_nodes = g->n_nodes, .forward = pt_calloc(3 * n, sizeof(double))};
    if (!c->forward) return pt_fail(PT_ERR_NOMEM, "no memory for the layers' times");
    c->data = c->forward + n;
    c->weights = c->data + n;
    return PT_OK;
}

void pt_costs_fini(pt_costs *c)
{
    free(c->forward);
    *c = (pt_costs){0};
}

double pt_costs_compute(const pt_costs *c)
{
    double s = 0;

    for (int i = 0; i < 3 * c->n_nodes; i++) s += c->forward[i];
    return s;
}
